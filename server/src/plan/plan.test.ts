// SPDX-License-Identifier: Apache-2.0
/** The plan, sentence by sentence. No clock, no socket: hours pass in milliseconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aStudy, usage } from './builders.ts';
import type { LeaseReference } from './types.ts';

test('a study is done when every rank has folded every simulation', () => {
  const study = aStudy().withSimulations(3).with({ ranks: 2 }).withPilots(3).start();
  for (const simulation of [0, 1, 2]) {
    study.started(simulation);
    study.data(simulation, 2, [0]);
    assert.equal(study.state(simulation), 'Running');
    study.data(simulation, 2, [1]);
    assert.equal(study.state(simulation), 'Done');
    study.ended(simulation);
  }
  assert.deepEqual(study.found('finish'), [{ type: 'finish', outcome: 'Succeeded', reason: '' }]);
  assert.equal(study.found('dismiss').length, 3);
});

test('without fields, exit 0 is success and no rank is waited for', () => {
  const study = aStudy().withSimulations(2).with({ ranks: 0 }).start();
  study.succeed(0);
  study.succeed(1);
  assert.equal(study.plan.state.outcome, 'Succeeded');
});

test('nothing is leased before every rank has said hello', () => {
  const study = aStudy().with({ ranks: 1 }).start();
  study.send({ type: 'rankLost', rank: 0, reason: 'silent' });
  study.ended(0, 'Exited', 1);
  assert.equal(study.leases().length, 0);
  study.rankHello(0, 'first');
  study.turn();
  assert.equal(study.leases().length, 1);
});

test('a failed simulation is executed again with the same input, then redrawn, then fails', () => {
  const study = aStudy().withSimulations(1).withPolicy({ retryLimit: 1, redrawLimit: 1, maxFailed: 0 }).start();
  study.ended(0, 'Exited', 3);
  assert.deepEqual([study.leaseOf(0).order.draw, study.leaseOf(0).order.attempt], [0, 2]);
  study.ended(0, 'Signalled', 11);
  assert.equal(study.leases().length, 0, 'a redraw is written down before it is leased');
  study.send({ type: 'persisted' });
  study.turn();
  assert.deepEqual([study.leaseOf(0).order.draw, study.leaseOf(0).order.attempt], [1, 1]);
  study.ended(0, 'Exited', 3);
  study.ended(0, 'Signalled', 9);
  assert.equal(study.state(0), 'Failed');
  assert.match(study.plan.state.reasons.get(0)!, /SIGKILL/);
  assert.match(study.found('finish')[0]!.reason, /1 simulations failed, maxFailed allows 0/);
});

test('a grid is never redrawn', () => {
  const study = aStudy().withSimulations(2).with({ redrawable: false }).withPolicy({ retryLimit: 0 }).start();
  study.ended(0, 'CouldNotStart', 0);
  assert.equal(study.state(0), 'Failed');
  assert.equal(study.plan.state.redrawn, 0);
});

test('the study fails at the first failure after maxFailed', () => {
  const study = aStudy().withSimulations(5).withPolicy({ retryLimit: 0, onExhausted: 'Fail', maxFailed: 2 }).start();
  study.ended(0, 'Exited', 1);
  study.ended(1, 'Exited', 1);
  assert.equal(study.plan.state.outcome, null);
  study.ended(2, 'Exited', 1);
  assert.equal(study.plan.state.outcome, 'Failed');
});

test('a group with one exhausted member is redrawn as a whole', () => {
  const study = aStudy().withGroups(1, 4).withPilots(4).withPolicy({ retryLimit: 0 }).start();
  study.started(0);
  study.data(0, 1);
  study.ended(0);
  assert.equal(study.state(0), 'Received');
  study.started(1);
  study.ended(2, 'Exited', 1);
  assert.equal(study.found('stopLeases').length, 2, 'members 1 and 3 are ended');
  assert.deepEqual([...study.plan.state.table.draw], [1, 1, 1, 1]);
  assert.equal(study.count('Pending'), 4);
  const drops = study.found('attempt').filter((instruction) => instruction.drop);
  assert.deepEqual(
    drops.map((instruction) => [instruction.simulation, instruction.draw]),
    [
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  );
});

test('when a member fails for good its group is cancelled with it', () => {
  const study = aStudy().withGroups(2, 3).withPilots(3).withPolicy({ retryLimit: 0, onExhausted: 'Fail' }).start();
  study.started(0);
  study.data(0, 1);
  study.ended(0);
  study.ended(1, 'Exited', 7);
  assert.deepEqual(
    [0, 1, 2].map((simulation) => study.state(simulation)),
    ['Cancelled', 'Failed', 'Cancelled'],
  );
  assert.equal(study.plan.state.failed, 1);
});

test('exit 0 with data missing is a failed attempt after the grace, and says what is missing', () => {
  const study = aStudy().withSimulations(1).with({ ranks: 2 }).start();
  study.started(0);
  study.active(0, 7, 1);
  study.data(0, 2, [0]);
  study.ended(0);
  assert.equal(study.leases().length, 0);
  study.pass(9);
  assert.equal(study.leases().length, 0, 'the grace is not over');
  study.pass(2);
  assert.equal(study.leaseOf(0).order.attempt, 2);
  const end = study.found('attemptEnded').at(-1)!.end;
  assert.equal(end.fate, 'Failed');
  assert.match(end.reason, /rank 1 lacks data from step 7 on/);
});

test('a stuck solver is found although its pilot beats on', () => {
  const study = aStudy().withSimulations(1).withPolicy({ timeoutSeconds: 3600 }).start();
  study.started(0);
  study.pass(3599);
  assert.equal(study.found('stopLeases').length, 0);
  study.active(0, 1);
  study.pass(3600);
  assert.equal(study.found('stopLeases').length, 0, 'data is a sign of life');
  study.pass(1);
  assert.deepEqual(
    study.found('stopLeases').map((stop) => stop.leases),
    [[study.leaseOf(0).order.lease]],
  );
  assert.match(study.found('attemptEnded')[0]!.end.reason, /time-out/);
});

test('a solver that does not speak lives as long as its pilot says so', () => {
  const study = aStudy().withSimulations(1).with({ ranks: 0, solverSpeaks: false }).start();
  study.started(0);
  study.pass(10_000);
  assert.equal(study.state(0), 'Running');
});

test('nobody is timed out while a rank is away', () => {
  const study = aStudy().withSimulations(1).start();
  study.started(0);
  study.send({ type: 'rankLost', rank: 0, reason: 'silent' });
  study.pass(600);
  study.rankHello(0, 'second');
  study.pass(59);
  assert.equal(study.found('stopLeases').length, 0);
});

test('a silent pilot is lost, and what it ran is leased to another; it is stopped when it comes back', () => {
  const study = aStudy().withSimulations(2).withPilots(1).start();
  study.started(0);
  study.pass(61, ['pilot-0']);
  const stale = study.leases('pilot-0')[0]!;
  study.held.clear();
  study.pilotHello('pilot-1');
  study.turn();
  assert.equal(study.leaseOf(0).pilot, 'pilot-1');
  study.send({ type: 'pilotHello', pilot: 'pilot-0', instance: 'first', host: 'x', slots: 1, running: [stale] });
  assert.deepEqual(study.found('stopLeases').at(-1)!.leases, [stale.lease]);
});

test('what a silent pilot ran is lost with it, even if the data stopped before the heartbeats did', () => {
  const study = aStudy().withSimulations(1).withPolicy({ timeoutSeconds: 10 }).start();
  study.started(0);
  study.pass(3); // of heartbeats alone
  study.pass(20, ['pilot-0']);
  assert.deepEqual([study.plan.state.retried, study.found('attemptEnded')[0]?.end.fate], [0, 'Lost']);
});

test('a pilot that was given up for its silence and beats again gets leases again, without a hello', () => {
  const study = aStudy().withSimulations(2).withPilots(1).start();
  study.started(0);
  const stale = study.leases('pilot-0')[0]!;
  study.pass(61, ['pilot-0']);
  assert.equal(study.plan.state.pilots.size, 0);
  study.held.clear();
  study.send({ type: 'pilotHeartbeat', pilot: 'pilot-0', running: [stale.lease], waiting: [] });
  study.turn();
  assert.deepEqual(study.found('stopLeases').at(-1)!.leases, [stale.lease], 'what it went on with is not its any more');
  assert.equal(study.leases('pilot-0').length, 1);
  assert.notEqual(study.leases('pilot-0')[0]!.lease, stale.lease);
});

test('a simulation that takes its pilot with it lostLimit times fails with KillsPilot', () => {
  const study = aStudy().withSimulations(1).withPolicy({ lostLimit: 3 }).start();
  for (let loss = 0; loss < 3; loss++) {
    study.started(0);
    study.held.clear();
    study.send({ type: 'backendGone', pilot: 'pilot-0', reason: 'OOMKilled' });
    study.pilotHello('pilot-0', `life ${loss}`);
    study.turn();
  }
  assert.equal(study.state(0), 'Failed');
  assert.match(study.plan.state.reasons.get(0)!, /KillsPilot.*OOMKilled/);
});

test('only what ran is charged when a pilot is lost', () => {
  const study = aStudy().withSimulations(2).withPilots(1, 2).start();
  study.started(0);
  study.send({ type: 'backendGone', pilot: 'pilot-0', reason: 'node lost' });
  assert.deepEqual([...study.plan.state.table.lost], [1, 0]);
});

test('a drain is not charged', () => {
  const study = aStudy().withSimulations(1).withPolicy({ lostLimit: 1, retryLimit: 0 }).start();
  study.started(0);
  study.send({ type: 'draining', pilot: 'pilot-0', reason: 'SIGTERM' });
  study.ended(0, 'InterruptedByDrain', 15);
  assert.equal(study.state(0), 'Pending');
  assert.equal(study.leases().length, 0, 'a draining pilot gets nothing new');
  study.pilotHello('pilot-1');
  study.turn();
  assert.equal(study.leaseOf(0).pilot, 'pilot-1');
  assert.equal(study.found('attemptEnded')[0]!.end.fate, 'Interrupted');
});

test('a lease that never arrived is taken back after two heartbeats without it', () => {
  const study = aStudy().withSimulations(1).start();
  study.held.clear();
  study.pass(5);
  assert.equal(study.leaseOf(0).order.attempt, 2);
  assert.equal(study.plan.state.table.failures[0], 0);
});

test('what was pushed to a pilot and is not among what it has is pushed again at its hello', () => {
  const study = aStudy().withPilots(1, 2).start();
  const [first, second] = study.leases();
  const hello = (running: LeaseReference[]) =>
    study
      .send({ type: 'pilotHello', pilot: 'pilot-0', instance: 'first', host: 'h', slots: 2, running })
      .flatMap((instruction) => (instruction.type === 'lease' ? instruction.leases : []));
  assert.deepEqual(hello([first!]), [second]);
  study.started(0);
  study.started(1);
  assert.deepEqual(hello([]), [], 'what has started was there');
});

test('the end of an attempt that is told twice counts once', () => {
  const study = aStudy().withSimulations(2).start();
  const { order } = study.leaseOf(0);
  const event = {
    type: 'ended',
    pilot: 'pilot-0',
    lease: order.lease,
    reference: order,
    outcome: 'Exited',
    exitCode: 1,
    reason: '',
    usage,
  } as const;
  study.send(event);
  study.turn();
  study.send(event);
  assert.equal(study.plan.state.table.failures[0], 1);
});

test('short simulations are leased in batches, long ones one a slot', () => {
  const long = aStudy().withSimulations(1000).with({ ranks: 0 }).start();
  long.ended(0, 'Exited', 0, 10);
  assert.equal(long.leases().length, 1);
  const short = aStudy().withSimulations(1000).with({ ranks: 0 }).start();
  short.ended(0, 'Exited', 0, 0.01);
  assert.equal(short.leases().length, 16);
});

test('at the end of the plan the rest is shared fairly', () => {
  const study = aStudy().withSimulations(41).with({ ranks: 0 }).withPilots(4).start();
  study.ended(0, 'Exited', 0, 0.001);
  study.turn();
  assert.ok(study.leases('pilot-0').length <= 11, `${study.leases('pilot-0').length}`);
});

test('no more groups are open than held memory allows, and the oldest comes first', () => {
  const study = aStudy().withGroups(4, 2).with({ openGroupsMax: 1 }).withPilots(4).start();
  assert.deepEqual(
    [...study.held.values()].flat().map((order) => order.simulation),
    [0, 1],
  );
  study.started(0);
  study.data(0, 1);
  study.ended(0);
  assert.equal([...study.held.values()].flat().length, 1, 'group 0 still holds memory');
  study.started(1);
  study.data(1, 2);
  study.data(1, 2);
  const { draw } = study.leaseOf(1).order;
  study.send({
    type: 'rankProgress',
    rank: 0,
    completed: [{ simulation: 0, draw, attempt: 1, state: 2 }],
    active: [],
    faults: [],
    groupsFolded: 1,
  });
  study.ended(1);
  assert.deepEqual(
    [...study.held.values()]
      .flat()
      .map((order) => order.simulation)
      .sort(),
    [2, 3],
  );
});

test('a whole simulation is folded when every rank has received it', () => {
  const study = aStudy().withSimulations(1).with({ ranks: 2, partialWhole: true, dropOnRetry: true }).start();
  study.started(0);
  study.data(0, 1, [0]);
  assert.equal(study.found('fold').length, 0);
  study.data(0, 1, [1]);
  assert.equal(study.found('fold').length, 1);
  assert.equal(study.state(0), 'Received');
  study.data(0, 2);
  assert.equal(study.state(0), 'Done');
});

test('what a rank was to fold and does not hold any more is leased again, uncharged, and then folded', () => {
  const study = aStudy()
    .with({ ranks: 2, partialWhole: true, dropOnRetry: true })
    .withSimulations(1)
    .withPolicy({ retryLimit: 0, onExhausted: 'Fail' })
    .start();
  study.data(0, 1);
  study.ended(0);
  assert.equal(study.state(0), 'Received');
  const deny = (attempt: number) => study.send({ type: 'foldDenied', rank: 1, simulation: 0, draw: 0, attempt });
  deny(study.found('fold')[0]!.attempt);
  study.turn();
  assert.equal(study.leaseOf(0).order.attempt, 2);
  study.data(0, 1);
  assert.equal(study.state(0), 'Received');
  deny(1);
  assert.equal(study.state(0), 'Received', 'an answer to the order before the last');
  assert.equal(study.found('fold').at(-1)!.attempt, 2);
  study.data(0, 2);
  study.ended(0);
  assert.deepEqual([study.state(0), study.plan.state.table.failures[0]], ['Done', 0]);
});

test('a rank that restarts without a simulation gets it again; other ranks are not asked twice', () => {
  const study = aStudy().withSimulations(2).with({ ranks: 2 }).start();
  study.succeed(0);
  study.rankHello(1, 'second', Uint8Array.of(0));
  study.turn();
  assert.equal(study.state(0), 'Pending');
  study.ended(1, 'Exited', 0);
  study.data(0, 2, [1]);
  assert.equal(study.state(0), 'Done');
});

test('what all ranks have folded is done, although the head forgot it', () => {
  const study = aStudy().withSimulations(2).with({ ranks: 1, resumed: true }).withPilots(0).start();
  study.rankHello(0, 'lived on', Uint8Array.of(0b01));
  assert.equal(study.state(0), 'Done');
  assert.equal(study.state(1), 'Pending');
});

test('once the results are written, a rank that loses data does not bring the study back', () => {
  const study = aStudy().withSimulations(1).start();
  study.succeed(0);
  study.send({ type: 'sealed' });
  study.rankHello(0, 'second');
  assert.deepEqual([study.state(0), study.plan.state.outcome], ['Done', 'Succeeded']);
  assert.equal(study.found('reopen').length, 0);
});

test('data missing after a restart of a rank is not charged', () => {
  const study = aStudy().withSimulations(1).withPolicy({ retryLimit: 0, onExhausted: 'Fail' }).start();
  study.started(0);
  study.rankHello(0, 'second');
  study.ended(0);
  study.pass(12);
  assert.equal(study.state(0), 'Leased');
  assert.equal(study.plan.state.table.failures[0], 0);
});

test('a client speaks only for the attempt that is leased, alone, and with the same communicator', () => {
  const study = aStudy().withSimulations(1).start();
  const answer = () => study.found('clientAnswer').at(-1)!.refused?.code ?? 'welcome';
  const hello = (client: string, attempt: number, clientRanks: number) =>
    study.send({ type: 'clientHello', client, clientRanks, reference: { simulation: 0, draw: 0, attempt } });
  hello('a', 2, 4);
  assert.equal(answer(), 'ELEASE');
  hello('a', 1, 4);
  assert.equal(answer(), 'welcome');
  hello('a', 1, 4);
  assert.equal(answer(), 'welcome', 'said again after a reconnection');
  hello('b', 1, 4);
  assert.equal(answer(), 'ETAKEN');
  study.active(0, 1);
  study.ended(0, 'Exited', 1);
  hello('c', 2, 3);
  assert.equal(answer(), 'ECOMMUNICATOR');
  hello('c', 2, 4);
  assert.equal(answer(), 'welcome');
});

test('an attempt resumes at the first step that some rank lacks', () => {
  const study = aStudy().withSimulations(1).with({ ranks: 2 }).start();
  study.started(0);
  study.active(0, 9, 0);
  study.active(0, 5, 1);
  study.ended(0, 'Exited', 1);
  assert.equal(study.leaseOf(0).order.firstStep, 5);
});

test('a fault in the data ends the attempt with its code', () => {
  const study = aStudy().withSimulations(1).start();
  study.started(0);
  const fault = { simulation: 0, draw: 0, attempt: 1, code: 'ENONFINITE', message: 'field t, step 3, cell 8' };
  study.send({ type: 'rankProgress', rank: 0, completed: [], active: [], faults: [fault], groupsFolded: 0 });
  assert.equal(study.found('stopLeases').length, 1);
  assert.match(study.found('attemptEnded')[0]!.end.reason, /ENONFINITE.*cell 8/);
});

test('a fault after all data had arrived fails nothing and stands in the record of the attempt', () => {
  const study = aStudy().withSimulations(1).start();
  study.started(0);
  study.data(0, 2, [0]);
  const reference = { simulation: 0, draw: 0, attempt: 1 };
  study.send({ type: 'clientFault', client: 'c', reference, code: 'ESTEP', message: 'step 5 was sent' });
  assert.equal(study.found('stopLeases').length, 0);
  study.ended(0);
  const { fate, reason } = study.found('attemptEnded')[0]!.end;
  assert.deepEqual([fate, reason], ['Succeeded', 'ESTEP: step 5 was sent, after all of its data had arrived']);
});

test('a restarted head adopts what pilots still run before it leases anew', () => {
  const study = aStudy().withSimulations(2).with({ epoch: 2, resumed: true }).withPilots(0).start();
  study.plan.state.table.attempt.fill(64);
  const lease = { lease: 2 ** 32 + 7, simulation: 0, draw: 0, attempt: 3 };
  study.send({ type: 'pilotHello', pilot: 'pilot-0', instance: 'first', host: 'x', slots: 1, running: [lease] });
  assert.equal(study.state(0), 'Running');
  study.turn();
  study.pilotHello('pilot-1');
  study.turn();
  assert.equal(study.leases('pilot-1').length, 0, 'others may still name theirs');
  study.nowMs += 2500;
  study.turn();
  assert.deepEqual(
    study.leases('pilot-1').map((order) => [order.simulation, order.attempt]),
    [[1, 65]],
  );
});

test('a client that comes to a restarted head before its pilot is asked to come again, until its attempt is leased anew', () => {
  const study = aStudy().withSimulations(2).with({ epoch: 2, resumed: true }).withPilots(0).start();
  study.plan.state.table.attempt.fill(64);
  const answer = (simulation: number, attempt: number) => {
    const reference = { simulation, draw: 0, attempt };
    const told = study.send({ type: 'clientHello', client: 'c', clientRanks: 1, reference });
    const { refused } = told.find((instruction) => instruction.type === 'clientAnswer')!;
    return refused === null ? 'welcome' : `${refused.code} ${refused.retryAfterMs > 0 ? 'for now' : 'for good'}`;
  };
  assert.equal(answer(0, 3), 'EPILOT_AWAY for now');
  assert.equal(answer(0, 65), 'ELEASE for good', 'a number that no head has given');
  assert.equal(answer(2, 1), 'ELEASE for good', 'no such simulation');
  const lease = { lease: 2 ** 32 + 7, simulation: 0, draw: 0, attempt: 3 };
  study.send({ type: 'pilotHello', pilot: 'pilot-0', instance: 'first', host: 'x', slots: 1, running: [lease] });
  assert.equal(answer(0, 3), 'welcome');
  assert.equal(answer(1, 3), 'EPILOT_AWAY for now');
  study.pilotHello('pilot-1');
  study.nowMs += 2500;
  study.turn();
  assert.equal(study.state(1), 'Leased');
  assert.equal(answer(1, 3), 'ELEASE for good', 'its pilot did not come in time');
});

test('a suspended study leases nothing and wants no pilots; resumed it goes on', () => {
  const study = aStudy().withSimulations(3).with({ ranks: 0 }).start();
  study.send({ type: 'suspend' });
  study.ended(0);
  assert.equal(study.leases().length, 0);
  assert.equal(study.plan.desiredPilots, 0);
  study.send({ type: 'resume' });
  study.turn();
  assert.equal(study.leases().length, 1);
  assert.equal(study.plan.desiredPilots, 2);
});

test('a cancelled study stops what runs and says why', () => {
  const study = aStudy().withSimulations(3).start();
  study.started(0);
  study.send({ type: 'cancel', reason: 'asked for' });
  assert.equal(study.count('Cancelled'), 3);
  assert.equal(study.found('stopLeases').length, 1);
  assert.equal(study.plan.state.outcome, 'Cancelled');
  assert.equal(study.found('dismiss')[0]!.drain, false);
});

test('a study over its deadline fails and keeps what it has', () => {
  const study = aStudy().withSimulations(3).start();
  study.succeed(0);
  study.send({ type: 'deadline', seconds: 60 });
  assert.equal(study.count('Done'), 1);
  assert.match(study.found('finish')[0]!.reason, /deadlineSeconds: 60 s/);
});

test('a study converges after two looks below the goal; nothing new is leased, what is leased counts', () => {
  const stopWhen = { sobolIntervalBelow: 0.05, every: 10, minGroups: 100, minVarianceShare: 0.01 };
  const study = aStudy().withGroups(400, 2).with({ stopWhen }).withPilots(2).start();
  const folded = (groupsFolded: number) =>
    study.send({ type: 'rankProgress', rank: 0, completed: [], active: [], faults: [], groupsFolded });
  folded(99);
  assert.equal(study.found('checkConvergence').length, 0);
  folded(100);
  study.send({ type: 'convergence', groups: 100, widest: 0.04, cells: 9 });
  folded(105);
  assert.equal(study.found('checkConvergence').length, 1);
  folded(110);
  study.send({ type: 'convergence', groups: 110, widest: 0.06, cells: 9 });
  folded(120);
  study.send({ type: 'convergence', groups: 120, widest: 0.04, cells: 9 });
  folded(130);
  study.send({ type: 'convergence', groups: 130, widest: 0.04, cells: 9 });
  assert.equal(study.count('Pending'), 0);
  assert.equal(study.count('Leased'), 2);
  study.succeed(0);
  study.succeed(1);
  assert.deepEqual(study.found('finish'), [
    { type: 'finish', outcome: 'Succeeded', reason: 'stopped early; intervals not corrected for looking' },
  ]);
});

test('a looping solver leases for itself, and what it was at is charged when it dies', () => {
  const study = aStudy().withSimulations(6).with({ ranks: 0, loop: true }).start();
  const parent = study.leases()[0]!;
  assert.equal(parent.simulation, 0xffffffff);
  const ask = (
    wanted: number,
    finished: { simulation: number; draw: number; attempt: number; wallSeconds: number }[],
  ) =>
    study
      .send({
        type: 'nextSimulations',
        reply: 1,
        pilot: 'pilot-0',
        loopLease: parent.lease,
        client: 'c',
        clientRanks: 1,
        wanted,
        finished,
      })
      .filter((instruction) => instruction.type === 'simulations');
  assert.deepEqual(
    ask(4, [])[0]!.simulations.map((item) => item.simulation),
    [0],
  );
  const finished = { simulation: 0, draw: 0, attempt: 1, wallSeconds: 0.001 };
  const next = ask(3, [finished])[0]!.simulations.map((item) => item.simulation);
  assert.deepEqual(next, [1, 2, 3]);
  assert.equal(study.state(0), 'Done');
  study.drop('pilot-0', parent.lease);
  study.send({
    type: 'ended',
    pilot: 'pilot-0',
    lease: parent.lease,
    reference: parent,
    outcome: 'Signalled',
    exitCode: 6,
    reason: '',
    usage,
  });
  assert.deepEqual(
    [1, 2, 3].map((simulation) => study.plan.state.table.failures[simulation]),
    [1, 0, 0],
  );
  assert.equal(study.count('Pending'), 5);
  study.turn();
  assert.equal(study.leases().length, 1, 'the loop is started again');
});

test('a looping solver that dies before it asks does not spin for ever', () => {
  const study = aStudy().withSimulations(2).with({ ranks: 0, loop: true }).start();
  for (let life = 0; life < 3; life++) {
    const lease = study.leases()[0]!.lease;
    study.drop('pilot-0', lease);
    study.send({
      type: 'ended',
      pilot: 'pilot-0',
      lease,
      reference: { simulation: 0, draw: 0, attempt: 1 },
      outcome: 'Exited',
      exitCode: 1,
      reason: 'no such file',
      usage,
    });
    study.turn();
  }
  assert.match(study.plan.state.outcomeReason, /ended 3 times before it asked/);
});
