// SPDX-License-Identifier: Apache-2.0
/**
 * The operator as a process dies at every write of a study's life on a real API server: before the request leaves, after it was done and before its answer, and
 * with a successor that is shown a cache from before. Each time the same objects must stand in the end, nothing may be left after the deletion, and nobody
 * may ask the API server much more often than an operator that lives. One life carries one kill in each of its phases.
 *
 * KILLED_LIVES: how many lives (all: 1000), chosen by KILLED_SEED; STALE_MS: how long the cache stands still.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { Random } from '@melissa/kit';
import { systemClock, type Transport } from 'operator-runtime';
import { faulty } from 'operator-runtime/testing';
import { skipWithoutCluster } from '../../cluster/src/cluster.ts';
import { Bench } from './bench.ts';
import { Life, lives, moments, type Kill, type LifeName, type Lived, type Phase } from './life.ts';

const LIVES = Number(process.env['KILLED_LIVES'] ?? 4);
const SEED = Number(process.env['KILLED_SEED'] ?? 1);
const STALE_MS = Number(process.env['STALE_MS'] ?? 5_000);
/** Each waits more than it computes; more than this, and two cores are busy with starting operators. */
const LIVES_AT_ONCE = 4;
/** A killed operator's successor reads and applies everything once more, as at the creation; a stale one meets a conflict at each of these. */
const REQUESTS_FACTOR = 4;
/** A kill at the phase's last writes may come after its end: a status that two undisturbed visits write one may write. */
const UNREACHED_SHARE_MAX = 0.25;

type Plan = { name: LifeName; kills: Partial<Record<Phase, Kill>> };

const skip = skipWithoutCluster();
let bench: Bench;
/** What each phase comes to, and costs, when nobody disturbs it. */
let undisturbed: Map<Phase, Lived>;
let expected: Partial<Record<Phase, string>>;
const namespace = (name: number | string) => `killed-${SEED}-${name}`;

before(
  async () => {
    if (skip !== false) return;
    bench = await Bench.open();
    const lived = await Promise.all([
      new Life(bench, namespace('fails')).live('failed'),
      new Life(bench, namespace('whole')).live('finished'),
    ]);
    assert.equal(lived[0][0]?.outcome, lived[1][0]?.outcome, 'two undisturbed creations come to the same');
    undisturbed = new Map(lived.flat().map((one) => [one.phase, one]));
    expected = Object.fromEntries([...undisturbed].map(([phase, { outcome }]) => [phase, outcome]));
  },
  { timeout: 1_500_000 },
);
after(
  async () => {
    if (skip === false) await bench.close();
  },
  { timeout: 300_000 },
);
/** What an operator asks for in a phase, and in starting. */
const usualRequests = (phase: Phase): number => undisturbed.get(phase)!.requests + undisturbed.get('create')!.requests;

/** Every write of every phase at every moment, each phase's in an order of chance, a life with as many as it has phases. */
function plansFor(writes: ReadonlyMap<Phase, number>): Plan[] {
  const chance = new Random(SEED);
  const left = new Map<Phase, Kill[]>();
  for (const [phase, count] of writes) {
    const kills = moments.map((moment) => ({ write: 0, moment })).filter(({ moment }) => moment !== 'after');
    for (let write = 1; write <= count; write++) kills.push(...moments.map((moment) => ({ write, moment })));
    left.set(phase, chance.shuffle(kills));
  }
  const count = (phase: Phase) => left.get(phase)?.length ?? 0;
  const plans: Plan[] = [];
  while ([...left.values()].some(({ length }) => length > 0)) {
    const inMiddle = Math.max(...lives.finished.slice(1, -1).map(count));
    const name: LifeName =
      inMiddle > 0 && inMiddle >= count('fail') ? 'finished' : count('fail') > 0 ? 'failed' : 'brief';
    const kills: Plan['kills'] = {};
    for (const phase of lives[name]) {
      const kill = left.get(phase)?.shift();
      if (kill !== undefined) kills[phase] = kill;
    }
    plans.push({ name, kills });
  }
  return plans;
}

describe('an operator that is killed, stale or badly connected', { skip, concurrency: true }, () => {
  test(
    'killed at its writes, and on a cache that stands still: the same end, nothing left, nobody storms',
    {
      skip,
      timeout: 7_200_000,
    },
    async () => {
      const startMs = performance.now();
      const plans = plansFor(new Map([...undisturbed].map(([phase, { writes }]) => [phase, writes])));
      const chosen = plans.slice(0, LIVES);
      const wrong: string[] = [];
      const tally = { cases: 0, unreached: 0, conflicts: 0, mostRequests: 0 };
      const judge = ({ kills }: Plan, lived: Lived[]): void => {
        for (const { phase, wasKilled, conflicts, requests } of lived) {
          tally.conflicts += conflicts;
          const kill = kills[phase];
          if (kill === undefined) continue;
          tally.cases += 1;
          if (!wasKilled) tally.unreached += 1;
          const usual = usualRequests(phase);
          tally.mostRequests = Math.max(tally.mostRequests, requests / usual);
          if (requests > REQUESTS_FACTOR * usual)
            wrong.push(`${phase}, killed ${kill.moment} write ${kill.write}: ${requests} requests, usual are ${usual}`);
        }
      };
      const queue = chosen.map((plan, number) => ({ plan, number }));
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const { plan, number } = next;
          await new Life(bench, namespace(number), { staleMs: STALE_MS })
            .live(plan.name, plan.kills, expected)
            .then((lived) => judge(plan, lived))
            .catch((error: Error) => wrong.push(`life ${number}: ${error.message}`));
        }
      };
      await Promise.all(Array.from({ length: LIVES_AT_ONCE }, work));
      const writes = Object.fromEntries([...undisturbed].map(([phase, one]) => [phase, one.writes]));
      const seconds = Math.round((performance.now() - startMs) / 1000);
      const facts = {
        lives: chosen.length,
        ofLives: plans.length,
        seed: SEED,
        staleMs: STALE_MS,
        writes,
        ...tally,
        seconds,
      };
      process.stderr.write(`${JSON.stringify(facts)}\n`);
      assert.deepEqual(wrong, []);
      bench.heads.mustBeSound();
      assert.ok(tally.conflicts > 0, 'a stale operator is refused somewhere');
      assert.ok(
        tally.unreached <= UNREACHED_SHARE_MAX * tally.cases,
        `${tally.unreached} of ${tally.cases} not reached`,
      );
    },
  );

  test(
    'requests and answers that are lost, broken watches and late events: the same end',
    {
      skip,
      timeout: 1_800_000,
    },
    async () => {
      const faults: Record<string, number> = {};
      const plan = {
        clock: systemClock,
        ...{ drop: 0.05, answerLost: 0.05, broken: 0.05, tooMany: 0.02, truncated: 0.02 },
        ...{ cut: 0.05, duplicate: 0.1, reorder: 0.1, stale: 0.1 },
        onFault: (fault: string) => void (faults[fault] = (faults[fault] ?? 0) + 1),
      };
      const names = ['finished', 'failed'] as const;
      const lived = await Promise.all(
        names.map((name, number) => {
          const wrap = (api: Transport) => faulty(api, { ...plan, seed: SEED + number });
          return new Life(bench, namespace(`net-${number}`), { wrap }).live(name, {}, expected);
        }),
      );
      process.stderr.write(`${JSON.stringify({ test: 'bad network', faults })}\n`);
      for (const { phase, requests } of lived.flat())
        assert.ok(requests <= REQUESTS_FACTOR * usualRequests(phase), `${phase}: ${requests} requests`);
    },
  );
});
