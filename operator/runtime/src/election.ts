// SPDX-License-Identifier: Apache-2.0
/**
 * One leader at a time, by a Lease. Holding is a statement about the past: the last renewal that certainly reached the server
 * was sent at a moment on our monotonic clock, and nobody else takes the lease before `leaseMs` after that. So the
 * leader may send a write only while now < sent + leaseMs − marginMs, checked directly before each request (`holds`). One
 * request may still be caught between that check and the wire by a pause of the whole process; what such a request carries (resourceVersion,
 * uid, a name that can exist once) makes the server refuse it or makes it change nothing.
 */
import { sleep, type Chance, type Clock } from './clock.ts';
import { ApiError } from './errors.ts';
import { pathOf, type Kind, type KubernetesObject } from './objects.ts';
import { sendJson, type Transport } from './transport.ts';

export type Lease = KubernetesObject & {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
};
export const leaseKind: Kind<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export type ElectionOptions = {
  transport: Transport;
  clock: Clock;
  chance: Chance;
  namespace: string;
  name: string;
  /** Unique per process: host name and a random part. */
  identity: string;
  /** How long a lease lasts without renewal. */
  leaseMs?: number;
  /** How often a candidate looks and a leader renews. */
  retryMs?: number;
  onChange?: (isLeader: boolean, reason: string) => void;
  /** After every write of the lease that made or kept us the leader. */
  onRenewed?: () => void;
};

/** A leader that goes gives the lease back, and another takes it at its next look. */
const RETRY_MS_MAX = 1_500;

/** What others saw of the lease, and when we saw it on our own clock: their clocks are not trusted. */
type Observed = { record: string; atMs: number; leaseMs: number };

export class Election {
  readonly #options: ElectionOptions & { leaseMs: number; retryMs: number };
  /** Wall-clock drift between machines does not matter; rates of monotonic clocks may differ a little, and a write takes time. */
  readonly #marginMs: number;
  #validUntilMs = -Infinity;
  #observed: Observed | null = null;
  #wasLeader = false;
  /** As we wrote it last: renewed without reading it again. */
  #held: Lease | null = null;

  constructor(options: ElectionOptions) {
    const leaseMs = options.leaseMs ?? 15_000;
    this.#options = { ...options, leaseMs, retryMs: options.retryMs ?? Math.min(leaseMs / 7.5, RETRY_MS_MAX) };
    this.#marginMs = leaseMs / 3;
  }

  /** True while nobody else can hold the lease. Ask directly before each write. */
  holds(): boolean {
    return this.#options.clock.monotonicMs() < this.#validUntilMs;
  }

  /** Runs until the signal is aborted, then gives the lease back. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, chance, retryMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#attempt(signal);
      } catch (error) {
        this.#held = null; // whatever went wrong, look before the next write
        if (!signal.aborted) this.#tell(error instanceof Error ? error.message : String(error));
      }
      this.#tell('the lease was not renewed in time');
      await sleep(clock, this.#napMs(retryMs * (0.9 + 0.2 * chance())), signal);
    }
    await this.#release();
  }

  /** A candidate is awake when the lease that it saw runs out. */
  #napMs(retryMs: number): number {
    if (this.#held !== null || this.#observed === null) return retryMs;
    const leftMs = this.#observed.atMs + this.#observed.leaseMs - this.#options.clock.monotonicMs();
    return leftMs > 0 ? Math.min(retryMs, leftMs) : retryMs;
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { clock, leaseMs, identity } = this.#options;
    if (this.#held !== null) return this.#write(this.#held, signal);
    const lease = await this.#read(signal);
    if (lease === null) return this.#write(null, signal);
    const record = `${lease.spec?.holderIdentity}|${lease.spec?.renewTime}|${lease.metadata.resourceVersion}`;
    if (this.#observed?.record !== record) {
      // Never shorter than our own lease: the holder may have been started with another.
      const theirsMs = Math.max(leaseMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1000);
      this.#observed = { record, atMs: clock.monotonicMs(), leaseMs: theirsMs };
    }
    const holder = lease.spec?.holderIdentity ?? '';
    const hasRunOut = clock.monotonicMs() >= this.#observed.atMs + this.#observed.leaseMs;
    if (holder === '' || holder === identity || hasRunOut) await this.#write(lease, signal);
    else this.#validUntilMs = -Infinity;
  }

  async #read(signal: AbortSignal): Promise<Lease | null> {
    const { transport, namespace, name, leaseMs } = this.#options;
    try {
      return await sendJson<Lease>(transport, {
        method: 'GET',
        path: pathOf(leaseKind, namespace, name),
        timeoutMs: leaseMs / 3,
        signal,
      });
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return null;
      throw error;
    }
  }

  /** Creates, takes or renews. The update carries the version that was read, so of two candidates one gets a conflict. */
  async #write(lease: Lease | null, signal: AbortSignal): Promise<void> {
    const { transport, clock, namespace, name, identity, leaseMs } = this.#options;
    const now = new Date(clock.wallMs()).toISOString().replace('Z', '000Z');
    const isRenewal = lease?.spec?.holderIdentity === identity;
    const body: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: lease === null ? { name, namespace } : { ...lease.metadata },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.max(1, Math.ceil(leaseMs / 1000)),
        acquireTime: isRenewal ? (lease.spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (lease === null || isRenewal ? 0 : 1),
      },
    };
    const sentMs = clock.monotonicMs(); // before sending: nobody counts our lease from an earlier moment
    const written = await sendJson<Lease>(transport, {
      method: lease === null ? 'POST' : 'PUT',
      path: pathOf(leaseKind, namespace, lease === null ? undefined : name),
      body: JSON.stringify(body),
      timeoutMs: leaseMs / 3,
      signal,
    });
    this.#held = written;
    this.#validUntilMs = sentMs + leaseMs - this.#marginMs;
    this.#tell(isRenewal ? 'renewed' : 'acquired');
    if (this.holds()) this.#options.onRenewed?.();
  }

  /** Empties the holder, so that the next leader need not wait. */
  async #release(): Promise<void> {
    const { transport, namespace, name, identity, leaseMs } = this.#options;
    const held = this.#validUntilMs !== -Infinity;
    this.#validUntilMs = -Infinity;
    this.#tell('released');
    if (!held) return;
    try {
      const lease = await sendJson<Lease>(transport, {
        method: 'GET',
        path: pathOf(leaseKind, namespace, name),
        timeoutMs: leaseMs / 3,
      });
      if (lease.spec?.holderIdentity !== identity) return;
      const body = { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } };
      await sendJson(transport, {
        method: 'PUT',
        path: pathOf(leaseKind, namespace, name),
        body: JSON.stringify(body),
        timeoutMs: leaseMs / 3,
      });
    } catch {
      // It then runs out by itself; leaving must not hang on an API server that is away.
    }
  }

  #tell(reason: string): void {
    const isLeader = this.holds();
    if (isLeader === this.#wasLeader) return;
    this.#wasLeader = isLeader;
    this.#options.onChange?.(isLeader, reason);
  }
}
