// SPDX-License-Identifier: Apache-2.0
/**
 * A whole world from one seed: two replicas of an operator on an API server in memory, through a network and processes that do
 * their worst, then calm. Checked all the time: a write is handed to the socket only by the replica whose lease it is, no
 * key is in two hands, no write lacks what makes a late one harmless. Checked in the end: every cache equals the server,
 * and every object is as its owner wants it. No sockets, no sleeps, no npm package.
 */
import { sleep, type Chance } from '../clock.ts';
import { controller, done, type Context, type Logger } from '../controller.ts';
import { Manager } from '../manager.ts';
import type { RuntimeMetrics } from '../metrics.ts';
import type { Kind, KubernetesObject } from '../objects.ts';
import { FakeApi } from '../testing/fake-api.ts';
import { faulty, type FaultPlan } from '../testing/faulty.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { seeded } from '../testing/random.ts';
import type { ApiRequest } from '../transport.ts';
import { Host } from './host.ts';

export type Verdict = { seed: number; problems: string[]; requests: number; reconciles: number; takeOvers: number };

type Thing = KubernetesObject & { spec: { parts: number; color: string }; status?: { parts: number } };
type Part = KubernetesObject & { data?: { color: string } };
const things: Kind<Thing> = { group: 'sim.example', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const parts: Kind<Part> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const thingPath = '/apis/sim.example/v1/things';
const partPath = '/api/v1/configmaps';
const leasePath = '/apis/coordination.k8s.io/v1/leases';

const CHAOS_MS = 20_000;
const CALM_MS = 240_000;
const LEASE_MS = 6_000;
const REPLICAS = 2;

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const meter = { inc: () => {}, dec: () => {}, set: () => {}, observe: () => {} };
const unmetered = new Proxy({}, { get: () => meter }) as RuntimeMetrics;

type Replica = { name: string; host: Host; manager: Manager; stop: AbortController; ended: Promise<void> };

class World {
  readonly clock = new ManualClock();
  readonly api = new FakeApi(this.clock);
  readonly chance: Chance;
  readonly plan: FaultPlan;
  /** Only then are the caches verified: nothing else may need it. */
  readonly losesEvents: boolean;
  readonly problems = new Set<string>();
  replicas: Replica[] = [];
  reconciles = 0;
  #births = 0;
  #caught = 0.02;

  constructor(seed: number) {
    this.chance = seeded(seed);
    this.losesEvents = this.chance() < 0.3;
    const some = (most: number) => (this.chance() < 0.5 ? 0 : this.chance() * most);
    this.plan = {
      seed: seed + 1,
      clock: this.clock,
      drop: some(0.1),
      answerLost: some(0.1),
      delay: some(0.2),
      delayMs: 3_000,
      expired: some(0.05),
      tooMany: some(0.1),
      broken: some(0.1),
      truncated: some(0.1),
      halfOpen: some(0.02),
      duplicate: some(0.2),
      reorder: some(0.2),
      stale: some(0.3),
      loss: this.losesEvents ? 0.03 : 0,
      cut: some(0.1),
    };
    this.api.offersWatchList = this.chance() < 0.7;
  }

  start(): void {
    const name = `r${++this.#births}`;
    const host = new Host({
      base: this.clock,
      chance: this.chance,
      wire: faulty(this.api, this.plan),
      wallSkewMs: (this.chance() - 0.5) * 600_000,
      onSend: (request) => this.#audit(name, request),
      caught: () => this.#caught,
    });
    const manager = new Manager({
      transport: host.transport,
      clock: host.clock,
      chance: this.chance,
      log: silent,
      metrics: unmetered,
      fieldManager: 'sim',
      identity: name,
      election: { namespace: 'default', name: 'sim', leaseMs: LEASE_MS, retryMs: 2_000 },
      reflectorLimits: {
        pageObjects: 2,
        inactivityMs: 9_000,
        watchSeconds: 10,
        verifySeconds: this.losesEvents ? 15 : 0,
        verifyGraceMs: 1_000,
        backoffMaxMs: 3_000,
      },
      stopSeconds: 2,
    });
    manager.add(this.#controller(host));
    const stop = new AbortController();
    this.replicas.push({ name, host, manager, stop, ended: manager.run(stop.signal) });
  }

  #controller(host: Host) {
    const inHands = new Set<string>();
    const reconcile = async (context: Context<Thing>) => {
      if (inHands.has(context.key)) this.problems.add('a key is in two hands');
      inHands.add(context.key);
      this.reconciles += 1;
      try {
        if (this.chance() < 0.2) await sleep(host.clock, 500 * this.chance());
        return await make(context);
      } finally {
        inHands.delete(context.key);
      }
    };
    return controller({ name: 'things', kind: things, owns: [parts], reconcile, concurrency: 2, resyncSeconds: 0 });
  }

  /** In the moment in which a write leaves: is the lease the sender's, and would a late one be harmless? */
  #audit(name: string, request: ApiRequest): void {
    if (request.method === 'GET' || request.path.includes('/leases')) return;
    const lease = this.api.object(leasePath, 'default/sim') as { spec?: { holderIdentity?: string } } | undefined;
    const holder = lease?.spec?.holderIdentity ?? '';
    if (holder !== name && holder !== '') this.problems.add('a replica wrote while another held the lease');
    const body = JSON.parse(request.body ?? '{}') as {
      metadata?: { resourceVersion?: string };
      preconditions?: { uid?: string };
    };
    if (body.metadata?.resourceVersion === undefined && body.preconditions?.uid === undefined)
      this.problems.add(`${request.method} without a precondition`);
  }

  /** Something happens to the world. */
  event(): void {
    const { api, chance } = this;
    const name = `t${Math.floor(chance() * 4)}`;
    const path = `/apis/sim.example/v1/namespaces/default/things/${name}`;
    const exists = api.object(thingPath, `default/${name}`) !== undefined;
    const what = chance();
    const replica = this.replicas[Math.floor(chance() * this.replicas.length)]!;
    if (what < 0.6) {
      const spec = { parts: Math.floor(chance() * 3), color: chance() < 0.5 ? 'red' : 'blue' };
      if (exists && chance() < 0.25) api.remove(path);
      else
        api.put(path, { apiVersion: 'sim.example/v1', kind: 'Thing', metadata: { name, namespace: 'default' }, spec });
    } else if (what < 0.68) api.compact();
    else if (what < 0.75) api.endWatches();
    else if (what < 0.8) this.#foreign(name);
    else if (what < 0.9) replica.host.freeze(chance() * 15_000);
    else if (what < 0.95) {
      replica.host.kill();
      this.replicas = this.replicas.filter((one) => one !== replica);
      this.start();
    } else {
      replica.stop.abort();
      this.replicas = this.replicas.filter((one) => one !== replica);
      this.start();
    }
  }
  /** Somebody else changes or deletes what is ours. */
  #foreign(name: string): void {
    const key = `default/${name}-0`;
    const path = `/api/v1/namespaces/default/configmaps/${name}-0`;
    const part = this.api.object(partPath, key);
    if (part === undefined) return;
    if (this.chance() < 0.5) this.api.remove(path);
    else this.api.put(path, { ...part, data: { color: 'green' } });
  }

  calm(): void {
    const { plan } = this;
    for (const fault of Object.keys(plan) as (keyof FaultPlan)[])
      if (fault !== 'seed' && fault !== 'clock') (plan as Record<string, unknown>)[fault] = undefined;
    this.#caught = 0;
  }

  /** What is not as it should be. */
  differences(): string[] {
    const found: string[] = [];
    const living = this.api.objects(thingPath);
    const wanted = new Map<string, string>();
    for (const thing of living.values() as Iterable<Thing>) {
      for (let i = 0; i < thing.spec.parts; i++) wanted.set(`default/${thing.metadata.name}-${i}`, thing.spec.color);
      if (thing.status?.parts !== thing.spec.parts) found.push(`${thing.metadata.name} has the status of another spec`);
    }
    const real = this.api.objects(partPath) as Map<string, Part>;
    for (const [key, color] of wanted)
      if (real.get(key)?.data?.color !== color) found.push(`part ${key} is not ${color}`);
    for (const key of real.keys()) if (!wanted.has(key)) found.push(`part ${key} is wanted by nobody`);
    for (const { name, manager } of this.replicas)
      for (const [kind, all] of [
        [things, living],
        [parts, real],
      ] as const) {
        const store = manager.storeFor(kind as Kind);
        if (!store.hasSynced) found.push(`${name} has no picture of ${kind.plural}`);
        else if (
          store.size !== all.size ||
          [...all].some(([key, one]) => store.get(key)?.metadata.resourceVersion !== one.metadata.resourceVersion)
        )
          found.push(`${name} has other ${kind.plural} than the server`);
      }
    return found;
  }
}

async function make({ object, client, owned }: Context<Thing>) {
  if (object === null || object.metadata.deletionTimestamp !== undefined) return done;
  const { name, namespace } = object.metadata;
  const names = Array.from({ length: object.spec.parts }, (_, i) => `${name}-${i}`);
  for (const part of names)
    await client.apply(parts, { metadata: { name: part, namespace }, data: { color: object.spec.color } }, object);
  for (const part of owned(parts)) if (!names.includes(part.metadata.name)) await client.delete(parts, part);
  await client.applyStatus(things, object, { parts: names.length });
  return done;
}

export async function simulate(seed: number): Promise<Verdict> {
  const world = new World(seed);
  for (let i = 0; i < REPLICAS; i++) world.start();
  const events = 8 + Math.floor(world.chance() * 12);
  for (let i = 0; i < events; i++) {
    world.event();
    world.api.collectGarbage();
    await world.clock.advance((CHAOS_MS / events) * 2 * world.chance());
  }
  world.calm();
  let left = ['not looked at yet'];
  for (let waitedMs = 0; left.length > 0 && waitedMs < CALM_MS; waitedMs += 3_000) {
    world.api.collectGarbage();
    await world.clock.advance(3_000);
    left = world.differences();
  }
  const { problems, api, reconciles, replicas } = world;
  for (const problem of left) problems.add(`in the end ${problem}`);
  for (const { stop } of replicas) stop.abort();
  await world.clock.advance(1_000);
  const lease = api.object(leasePath, 'default/sim') as { spec?: { leaseTransitions?: number } } | undefined;
  const takeOvers = lease?.spec?.leaseTransitions ?? 0;
  return { seed, problems: [...problems], requests: api.seen.length, reconciles, takeOvers };
}
