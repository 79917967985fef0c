// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { Election, type Lease } from './election.ts';
import { FakeApi } from './testing/fake-api.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { seeded } from './testing/random.ts';

const path = '/apis/coordination.k8s.io/v1/leases';

function world(leaseMs = 3_000) {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  const candidate = (identity: string) => {
    const stop = new AbortController();
    const election = new Election({
      transport: api,
      clock,
      chance: seeded(identity.length),
      namespace: 'n',
      name: 'l',
      identity,
      leaseMs,
    });
    return { election, stop: () => stop.abort(), run: () => void election.run(stop.signal) };
  };
  const holder = () => (api.objects(path).get('n/l') as Lease | undefined)?.spec?.holderIdentity;
  return { clock, api, candidate, holder };
}

test('of two candidates one leads, and goes on leading', async () => {
  const { clock, candidate } = world();
  const [a, b] = [candidate('a'), candidate('bb')];
  a.run();
  b.run();
  await clock.advance(60_000);
  assert.equal(a.election.holds(), true);
  assert.equal(b.election.holds(), false);
});

test('a leader that goes gives the lease back, and the next takes it within two seconds', async () => {
  const { clock, candidate } = world(15_000);
  const [a, b] = [candidate('a'), candidate('bb')];
  a.run();
  await clock.advance(1_000);
  b.run();
  await clock.advance(20_000);
  a.stop();
  assert.equal(await clock.until(() => b.election.holds(), 2_000), true);
});

test('a leader that is gone is replaced within the lease and two seconds', async () => {
  const { clock, candidate, api } = world(15_000);
  const a = candidate('a');
  a.run();
  await clock.advance(1_000);
  const b = candidate('bb');
  b.run();
  await clock.advance(30_000);
  const before = clock.monotonicMs();
  a.election.holds = () => false;
  const cut = api.send.bind(api);
  api.send = (request) =>
    request.body?.includes('"holderIdentity":"a"') === true ? new Promise(() => {}) : cut(request);
  assert.equal(await clock.until(() => b.election.holds(), 17_000), true);
  assert.ok(clock.monotonicMs() - before >= 13_000, 'and not before the lease had run out');
});

test('a leader that cannot renew stops before anybody else may lead', async () => {
  const { clock, candidate, api } = world();
  const a = candidate('a');
  a.run();
  await clock.advance(1_000);
  api.send = () => new Promise(() => {});
  await clock.advance(2_000);
  assert.equal(a.election.holds(), false);
});

test('a lease counts from before its renewal was sent, however late the answer comes', async () => {
  const { clock, candidate, api } = world();
  const a = candidate('a');
  const send = api.send.bind(api);
  api.send = async (request) => {
    const response = await send(request);
    if (request.method !== 'GET') clock.jump(10_000); // the process stood still between request and answer
    return response;
  };
  a.run();
  await clock.advance(0);
  assert.equal(a.election.holds(), false);
});

test('the lease is written with the version that was read, so of two that see it free one is refused', async () => {
  const { clock, candidate, api, holder } = world();
  const [a, b] = [candidate('a'), candidate('bb')];
  a.run();
  b.run();
  await clock.advance(10);
  assert.equal([a, b].filter(({ election }) => election.holds()).length, 1);
  assert.ok(['a', 'bb'].includes(holder()!));
  assert.equal(api.seen.filter(({ status }) => status === 409).length, 1);
});
