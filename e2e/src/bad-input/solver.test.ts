// SPDX-License-Identifier: Apache-2.0
/**
 * Solvers that do everything wrong, all in one study: each fails in the first attempt of one simulation, with a reason that
 * names the mistake, is run again, and leaves no trace in the result.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanUp, summaryOf } from '../melissa.ts';
import type { ChaosStudy } from '../chaos/study.ts';
import { attemptsOf, digestsOf, manifestOf, run, SIMULATIONS, STEPS, twin, type Attempt } from './study.ts';

after(cleanUp);

/** Of a mistake that costs nothing, because the simulation was already complete. */
const LATE = ', after all of its data had arrived';

/** What the solver does, and what stands in the record of its first attempt. `retried`: whether a second one was needed. */
const cases: { mode: string; retried: boolean | 'perhaps'; state: string; reason: string; stderr?: RegExp }[] = [
  {
    mode: 'exit-0',
    retried: true,
    state: 'Failed',
    reason: 'exited with 0, but not all of its data arrived: rank 0 has nothing of it',
  },
  {
    mode: 'exit-7',
    retried: true,
    state: 'Failed',
    reason: 'exited with 7',
    stderr: /^the mesh has a hole\n$/,
  },
  {
    mode: 'unknown-field',
    retried: true,
    state: 'Stopped',
    reason: 'EFIELD_UNKNOWN: the study has no field "entropy"; it has u',
  },
  {
    mode: 'wrong-size',
    retried: true,
    state: 'Stopped',
    reason: 'EFIELD_SIZE: field "u": the client sends 31 cells, the study says 32',
  },
  {
    mode: 'more-steps',
    // Whether its good steps had all arrived before the mistake was heard of is a matter of time: LATE if so.
    retried: 'perhaps',
    state: 'Stopped',
    reason:
      'ESTEP: field "u": step 5 was sent, the study has steps 0 to 4; give time.steps in the study the number that the solver sends (field u, step 5, first cell 0)',
  },
  {
    mode: 'fewer-steps',
    retried: true,
    state: 'Failed',
    reason: 'exited with 0, but not all of its data arrived: rank 0 lacks data from step 3 on',
  },
  {
    mode: 'crash',
    retried: true,
    state: 'Failed',
    reason: 'ended by SIGSEGV (11)',
  },
  {
    mode: 'two-clients',
    retried: false,
    state: 'Succeeded',
    reason: '',
    stderr: /ETAKEN: another client already speaks for simulation \d+, draw 0, attempt 1/,
  },
  { mode: 'gigabyte', retried: false, state: 'Succeeded', reason: '' },
  { mode: 'fork-and-leave', retried: false, state: 'Succeeded', reason: '' },
  {
    mode: 'non-finite',
    retried: true,
    state: 'Stopped',
    reason:
      'ENONFINITE: field "u", step 0: the value of cell 0 is not finite; the study rejects it (nonFinite: Reject) (field u, step 0, first cell 0)',
  },
];
const simulationOf = (mode: string): number => 2 * cases.findIndex((one) => one.mode === mode) + 1;

let study: ChaosStudy;
before(async () => {
  await twin();
  study = await run(manifestOf(cases.map(({ mode }) => `${simulationOf(mode)}=${mode}`).join(',')));
});
const first = (mode: string): Attempt => attemptsOf(study, simulationOf(mode))[0]!;

for (const { mode, retried, state, reason, stderr } of cases) {
  test(`a solver that does "${mode}" is told so, and the simulation is in the result once`, () => {
    const attempts = attemptsOf(study, simulationOf(mode));
    const isLate = retried === 'perhaps' && attempts[0]!.state === 'Succeeded';
    assert.equal(attempts[0]!.reason, isLate ? reason + LATE : reason);
    assert.equal(attempts[0]!.state, isLate ? 'Succeeded' : state);
    if (retried !== 'perhaps') assert.equal(attempts.length, retried ? 2 : 1);
    if (isLate) assert.equal(attempts.length, 1);
    // All data of the first attempt may arrive after the second one has begun, which is then superfluous.
    const second = retried === 'perhaps' && attempts[1]?.state === 'Stopped' ? 'Stopped' : 'Succeeded';
    if (attempts.length > 1) assert.deepEqual([attempts.length, attempts[1]!.state], [2, second]);
    if (second === 'Stopped') assert.equal(attempts[1]!.reason, 'an earlier attempt completed the simulation');
    if (stderr !== undefined) assert.match(attempts[0]!.stderr, stderr);
  });
}

test('the result is that of a study whose solvers all behave', async () => {
  assert.deepEqual(digestsOf(study), digestsOf(await twin()));
});

test('of a gigabyte on standard output the head and the tail are kept, and the pilot does not grow', () => {
  const { stdout, peakRssBytes } = first('gigabyte');
  assert.ok(stdout.length > 60_000 && stdout.length <= 65_536, `${stdout.length} characters`);
  assert.ok(peakRssBytes < 64 * 2 ** 20, `${peakRssBytes} bytes`);
});

test('a child that the solver left behind, in a session of its own and deaf to signals, does not outlive the study', async () => {
  assert.deepEqual(await study.leftOver(), []);
});

test('a simulation that kills its pilot each time fails by name after lostLimit losses, and the others are in the result', async () => {
  const poisoned = await run(
    manifestOf('poison=5', { faultPolicy: { lostLimit: 3, retryLimit: 50, maxFailed: 1, timeoutSeconds: 5 } }),
  );
  const summary = summaryOf(poisoned.directory);
  const counts = summary['simulations'] as Record<string, number>;
  assert.deepEqual([counts['done'], counts['failed']], [SIMULATIONS - 1, 1]);
  assert.equal(summary.digests[0]!.units, (SIMULATIONS - 1) * STEPS);
  const attempts = attemptsOf(poisoned, 5);
  // One that a pilot had not begun when it died with another simulation may have come back uncharged.
  const charged = attempts.filter(({ state }) => state !== 'Returned');
  assert.deepEqual(
    charged.map(({ state }) => state),
    ['Lost', 'Lost', 'Lost'],
  );
  assert.match(JSON.stringify(summary['failedSimulations']), /KillsPilot/);
  assert.deepEqual(await poisoned.leftOver(), []);
});
