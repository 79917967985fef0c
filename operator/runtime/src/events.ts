// SPDX-License-Identifier: Apache-2.0
/**
 * Kubernetes events (events.k8s.io/v1) about an object: equal ones are aggregated into a series instead of repeated, and each
 * object has a budget, so that a controller in trouble does not flood the cluster. Losing an event is not an error.
 */
import type { Clock } from './clock.ts';
import { ApiError } from './errors.ts';
import { apiVersionOf, type Kind, type KubernetesObject } from './objects.ts';
import { sendJson, type Transport } from './transport.ts';

export type EventKind = 'Normal' | 'Warning';

export type RecorderOptions = {
  transport: Transport;
  clock: Clock;
  /** Who reports: the controller's name, and which instance. */
  controller: string;
  instance: string;
  onLost?: (reason: string) => void;
};

const AGGREGATE_MS = 360_000; // as client-go: equal events within six minutes are one series
const SERIES_MS = 30_000; // a series is written at most this often
const BURST = 25; // events an object may have at once, then one every REFILL_MS
const REFILL_MS = 300_000;
const OBJECTS_MAX = 4_096;

type Seen = { name: string; namespace: string; count: number; firstMs: number; lastMs: number; writtenMs: number };

export class EventRecorder {
  readonly #options: RecorderOptions;
  #seen = new Map<string, Seen>();
  #budgets = new Map<string, { tokens: number; atMs: number }>();
  #sequence = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** `reason` is a word in CamelCase, `note` a sentence of at most 1,024 characters. Never throws. */
  async record(
    kind: Kind,
    object: KubernetesObject,
    type: EventKind,
    reason: string,
    note: string,
    action: string = reason,
  ): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const identity = `${object.metadata.uid}|${type}|${reason}|${note}`;
    const seen = this.#seen.get(identity);
    try {
      if (seen !== undefined && nowMs - seen.lastMs < AGGREGATE_MS) return await this.#again(seen, nowMs);
      if (!this.#spend(String(object.metadata.uid), nowMs))
        return void this.#options.onLost?.('the budget of the object is used up');
      await this.#first(identity, kind, object, { type, reason, note: note.slice(0, 1024), action }, nowMs);
    } catch (error) {
      // Never created, or expired since (an hour, by default): the next one begins anew.
      if (seen === undefined || (error instanceof ApiError && error.isNotFound)) this.#seen.delete(identity);
      this.#options.onLost?.(error instanceof Error ? error.message : String(error));
    }
  }

  async #first(
    identity: string,
    kind: Kind,
    object: KubernetesObject,
    what: { type: EventKind; reason: string; note: string; action: string },
    nowMs: number,
  ): Promise<void> {
    const namespace = object.metadata.namespace ?? 'default';
    const wallMs = this.#options.clock.wallMs();
    this.#sequence += 1;
    const name = `${object.metadata.name.slice(0, 200)}.${wallMs.toString(16)}${this.#sequence.toString(16)}`;
    const { name: of, namespace: within, uid, resourceVersion } = object.metadata;
    const body = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      eventTime: micro(wallMs),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance,
      regarding: { apiVersion: apiVersionOf(kind), kind: kind.kind, name: of, namespace: within, uid, resourceVersion },
      ...what,
    };
    this.#remember(identity, { name, namespace, count: 1, firstMs: nowMs, lastMs: nowMs, writtenMs: nowMs });
    await sendJson(this.#options.transport, {
      method: 'POST',
      path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
      body: JSON.stringify(body),
      timeoutMs: 10_000,
    });
  }

  async #again(seen: Seen, nowMs: number): Promise<void> {
    seen.count += 1;
    seen.lastMs = nowMs;
    if (nowMs - seen.writtenMs < SERIES_MS) return;
    seen.writtenMs = nowMs;
    const body = { series: { count: seen.count, lastObservedTime: micro(this.#options.clock.wallMs()) } };
    await sendJson(this.#options.transport, {
      method: 'PATCH',
      path: `/apis/events.k8s.io/v1/namespaces/${seen.namespace}/events/${seen.name}`,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify(body),
      timeoutMs: 10_000,
    });
  }

  #spend(uid: string, nowMs: number): boolean {
    const budget = this.#budgets.get(uid) ?? { tokens: BURST, atMs: nowMs };
    budget.tokens = Math.min(BURST, budget.tokens + (nowMs - budget.atMs) / REFILL_MS);
    budget.atMs = nowMs;
    this.#budgets.delete(uid);
    this.#budgets.set(uid, budget);
    if (this.#budgets.size > OBJECTS_MAX) this.#budgets.delete(this.#budgets.keys().next().value!);
    if (budget.tokens < 1) return false;
    budget.tokens -= 1;
    return true;
  }
  #remember(identity: string, seen: Seen): void {
    this.#seen.delete(identity);
    this.#seen.set(identity, seen);
    if (this.#seen.size > OBJECTS_MAX) this.#seen.delete(this.#seen.keys().next().value!);
  }
}

/** MicroTime of the Kubernetes API. */
const micro = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z');
