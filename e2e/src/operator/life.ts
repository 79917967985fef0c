// SPDX-License-Identifier: Apache-2.0
/**
 * A study's whole life in a namespace of its own, phase by phase, with an operator that may be ended at one of its writes in each phase and is then started
 * again, perhaps on a cache that stands still. Nothing here depends on how fast the machine is: the head plays only when it is told to.
 */
import assert from 'node:assert/strict';
import { pictureOf, StaleReads, watchedIn, type Picture } from '../runtime/stale.ts';
import type { Bench } from './bench.ts';
import { LIMIT_MS, until, type OperatorOptions, type OperatorProcess } from './operator-process.ts';
import { ScriptedHead } from './scripted-heads.ts';

/** Of one write: the request never left; it was done and its answer lost; the same, and the next operator is shown lists from before the phase's first write. */
export const moments = ['before', 'after', 'stale'] as const;
export type Moment = (typeof moments)[number];
/** Write 0 is before the change that begins the phase: it arrives while no operator runs, or the next one is shown what was before it. */
export type Kill = { write: number; moment: Moment };

export const lives = {
  finished: ['create', 'run', 'scale', 'suspend', 'resume', 'finish', 'delete'],
  failed: ['create', 'fail', 'delete'],
  brief: ['create', 'delete'],
} as const;
export type LifeName = keyof typeof lives;
export type Phase = (typeof lives)['finished' | 'failed'][number];
export type Lived = {
  phase: Phase;
  outcome: string;
  writes: number;
  requests: number;
  conflicts: number;
  wasKilled: boolean;
  ms: number;
};

const SIMULATIONS = 1000;
/** The server leaves soon after the end, so that this is seen too. */
const KEEP_SECONDS = 4;
/** What has not changed for so long is the end of a phase: two visits of a study that runs. */
const QUIET_MS = 2500;
const POLL_MS = 250;
const NAME = 'small';

export class Life {
  readonly #bench: Bench;
  readonly #namespace: string;
  readonly #staleMs: number;
  readonly #wrap: OperatorOptions['wrap'];
  readonly #head = new ScriptedHead(SIMULATIONS, 1, 0);
  #operator: OperatorProcess | null = null;
  /** Those that were ended, for their counts. */
  #former: OperatorProcess[] = [];
  #kill: Kill | null = null;
  #picture: Picture | null = null;
  #stale: StaleReads | null = null;

  constructor(
    bench: Bench,
    namespace: string,
    { staleMs = 0, wrap }: { staleMs?: number; wrap?: OperatorOptions['wrap'] } = {},
  ) {
    this.#bench = bench;
    this.#namespace = namespace;
    this.#staleMs = staleMs;
    this.#wrap = wrap;
  }

  /** The phases in their order, each with its kill, and with what it must come to; ends with the namespace, whatever happens. */
  async live(
    name: LifeName,
    kills: Partial<Record<Phase, Kill>> = {},
    expected: Partial<Record<Phase, string>> = {},
  ): Promise<Lived[]> {
    const { namespace, bench } = { namespace: this.#namespace, bench: this.#bench };
    const lived: Lived[] = [];
    let phase: Phase = 'create';
    try {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await bench.send('POST', '/api/v1/namespaces', { metadata: { name: namespace, labels } });
      bench.play(this.#head, namespace, NAME);
      this.#operator = await this.#start();
      for (phase of lives[name]) lived.push(await this.#live(phase, kills[phase] ?? null, expected[phase]));
      return lived;
    } catch (cause) {
      const kill = kills[phase];
      const how = kill === undefined ? 'nobody killed' : `killed ${kill.moment} write ${kill.write}`;
      const log = this.#operator?.log.split('\n').slice(-12).join('\n') ?? '';
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new TypeError(`${name}: ${phase}, ${how}: ${why}\n${log}`, { cause });
    } finally {
      await this.#operator?.close();
      bench.heads.of.delete(`${NAME}.${namespace}`);
      await bench.send('DELETE', `/api/v1/namespaces/${namespace}`).catch(() => {});
    }
  }

  async #live(phase: Phase, kill: Kill | null, expected: string | undefined): Promise<Lived> {
    const startMs = performance.now();
    const before = this.#counts();
    const { length } = this.#former;
    this.#kill = kill;
    await this.#prepare(kill);
    await this.#play(phase);
    await this.#until('the end of the staleness', () => this.#stale?.isStale !== true, LIMIT_MS + this.#staleMs);
    const outcome = await this.#settled(phase, expected);
    this.#operator?.arm(null);
    this.#picture = this.#stale = null;
    const after = this.#counts();
    return {
      ...{ phase, outcome, wasKilled: this.#former.length > length },
      writes: after.writes - before.writes,
      requests: after.requests - before.requests,
      conflicts: after.conflicts - before.conflicts,
      ms: Math.round(performance.now() - startMs),
    };
  }

  async #prepare(kill: Kill | null): Promise<void> {
    const operator = this.#operator!;
    operator.onWrite = () => {};
    if (kill === null) return;
    const takePicture = async () => {
      this.#picture = await pictureOf(this.#bench.api, watchedIn(operator.requests));
    };
    if (kill.write === 0) {
      await this.#until('the operator to watch', () => watchedIn(operator.requests).length > 0);
      if (kill.moment === 'stale') await takePicture();
      return operator.kill();
    }
    operator.arm({ write: kill.write, moment: kill.moment === 'before' ? 'before' : 'after' });
    if (kill.moment === 'stale')
      operator.onWrite = async () => {
        operator.onWrite = () => {};
        await takePicture();
      };
  }

  async #play(phase: Phase): Promise<void> {
    const { study, is, condition } = this.#looks();
    const isReady = async () => (await is('ServerReady')) && (await is('ClientsReady'));
    const haveReady = async (pilots: number) => (await study())?.status?.client?.ready === pilots;
    const hasServerGone = async () => (await condition('ServerReady')) === 'False Finished';
    switch (phase) {
      case 'create':
        await this.#create();
        return this.#until('all to be ready', async () => (await isReady()) && haveReady(4));
      case 'run':
        for (let done = 100; done <= 300; done += 100) {
          this.#head.play(100);
          const summary = `${done}/${SIMULATIONS}`;
          await this.#until(summary, async () => (await study())?.status?.simulations?.summary === summary);
        }
        return;
      case 'scale':
        for (const parallelism of [7, 3]) {
          await this.#change({ client: { parallelism } });
          await this.#until(`${parallelism} pilots`, () => haveReady(parallelism));
        }
        return;
      case 'suspend':
        await this.#change({ suspend: true });
        return this.#until('suspension', () => is('Suspended'));
      case 'resume':
        await this.#change({ suspend: false });
        return this.#until('all to be ready', async () => (await isReady()) && haveReady(3));
      case 'finish':
        this.#head.play(SIMULATIONS);
        await this.#until('success', () => is('Succeeded'));
        return this.#until('the server to leave', hasServerGone);
      case 'fail':
        this.#head.fail([3, 4, 5, 9], 'more than 3 simulations failed');
        await this.#until('failure', async () => (await condition('Failed')) === 'True Failed');
        return this.#until('the server to leave', hasServerGone);
      case 'delete':
        await this.#bench.send('DELETE', this.#path);
    }
  }

  #looks() {
    const study = () => this.#bench.study(this.#namespace, NAME);
    const condition = async (type: string) => {
      const found = (await study())?.status?.conditions?.find((one) => one.type === type);
      return `${found?.status} ${found?.reason}`;
    };
    const is = async (type: string) => (await condition(type)).startsWith('True');
    return { study, condition, is };
  }
  get #path(): string {
    return `/apis/melissa.dev/v1alpha1/namespaces/${this.#namespace}/melissastudies/${NAME}`;
  }
  async #create(): Promise<void> {
    const faultPolicy = { maxFailed: 3 };
    const changes = { server: { keepSeconds: KEEP_SECONDS }, spec: { faultPolicy } };
    const manifest = this.#bench.manifest(this.#namespace, SIMULATIONS, changes, NAME);
    await this.#bench.send('POST', this.#path.slice(0, -NAME.length - 1), manifest);
  }
  async #change(spec: object): Promise<void> {
    await this.#bench.send('PATCH', this.#path, { spec });
  }

  /** The namespace as it is when it no longer changes; after a deletion all that is left of it. */
  async #settled(phase: Phase, expected: string | undefined): Promise<string> {
    const look = async () =>
      phase === 'delete' ? (await this.#bench.names(this.#namespace)).join('\n') : this.#bench.outcome(this.#namespace);
    const wanted = phase === 'delete' ? '' : expected;
    let text = '';
    let sinceMs = performance.now();
    const isSettled = async () => {
      const now = await look();
      if (now !== text) [text, sinceMs] = [now, performance.now()];
      return performance.now() - sinceMs >= QUIET_MS && (wanted === undefined || text === wanted);
    };
    await this.#until('the outcome', isSettled).catch((error: Error) => {
      if (wanted === undefined || text === wanted) throw error;
      assert.fail(`${error.message}:\n${difference(text, wanted)}`);
    });
    return text;
  }

  /** An operator that was ended is replaced by the next one. */
  async #until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
    const look = async () => {
      if (this.#operator?.isRunning === false) await this.#replace();
      return isSo();
    };
    await until(what, look, limitMs, POLL_MS);
  }
  async #replace(): Promise<void> {
    const operator = this.#operator!;
    assert.ok(operator.wasKilled, `the operator ended by itself:\n${operator.log}`);
    await operator.close();
    this.#former.push(operator);
    if (this.#picture !== null) this.#stale = StaleReads.lasting(this.#picture, this.#staleMs);
    const stale = this.#stale;
    this.#operator = await this.#start(stale === null ? {} : { answer: (request) => stale.answer(request) });
  }
  #start(options: OperatorOptions = {}): Promise<OperatorProcess> {
    const wrap = this.#wrap === undefined ? {} : { wrap: this.#wrap };
    return this.#bench.operator(this.#namespace, { ...options, ...wrap });
  }
  #counts() {
    const all = [...this.#former, ...(this.#operator === null ? [] : [this.#operator])];
    const sum = (of: (one: OperatorProcess) => number) => all.reduce((total, one) => total + of(one), 0);
    return {
      writes: sum((one) => one.writes),
      requests: sum((one) => one.requests.length),
      conflicts: sum((one) => one.conflicts),
    };
  }
}

/** Lines that differ, for the person who has to find out why. */
function difference(actual: string, expected: string): string {
  const [a, b] = [actual.split('\n'), expected.split('\n')];
  const lines = a.flatMap((line, at) => (line === b[at] ? [] : [`${at}: ${line.trim()} instead of ${b[at]?.trim()}`]));
  return [...lines.slice(0, 12), `${a.length} lines instead of ${b.length}`].join('\n');
}
