// SPDX-License-Identifier: Apache-2.0
/**
 * One process of a simulated world: it can be frozen, as by SIGSTOP or a stalled machine, and killed. While it is frozen the
 * network and the server go on; when it thaws, what arrived is handled first and late timers after it, which is the worst
 * order for a lease. Its wall clock may be wrong by any amount.
 */
import type { Chance, Clock } from '../clock.ts';
import { RuntimeError } from '../errors.ts';
import { settled, type ManualClock } from '../testing/manual-clock.ts';
import type { ApiRequest, ApiResponse, Transport } from '../transport.ts';

export type HostOptions = {
  base: ManualClock;
  chance: Chance;
  wire: Transport;
  wallSkewMs: number;
  /** Called in the moment in which the process hands a request to its socket. */
  onSend: (request: ApiRequest) => void;
  /** How likely the process is frozen in just that moment, with the request still in it. */
  caught: () => number;
};

const LATENCY_MS = 20;
const FREEZE_MS = 15_000;

export class Host {
  readonly #options: HostOptions;
  #frozenUntilMs = -Infinity;
  #isKilled = false;
  #arrived: (() => void)[] = [];
  #late: (() => void)[] = [];
  readonly clock: Clock;
  readonly transport: Transport;
  isLatencyOn = true;

  constructor(options: HostOptions) {
    this.#options = options;
    const { base, wallSkewMs } = options;
    this.clock = {
      monotonicMs: () => base.monotonicMs(),
      wallMs: () => base.wallMs() + wallSkewMs,
      after: (delayMs, callback) => {
        let isCancelled = false;
        const timer = base.after(delayMs, () => this.#when(this.#late, () => (isCancelled ? undefined : callback())));
        return {
          cancel: () => {
            isCancelled = true;
            timer.cancel();
          },
        };
      },
    };
    this.transport = { send: (request) => this.#send(request), close: () => {} };
  }

  kill(): void {
    this.#isKilled = true;
  }
  freeze(forMs: number): void {
    const { base } = this.#options;
    const untilMs = base.monotonicMs() + forMs;
    if (untilMs <= this.#frozenUntilMs) return;
    this.#frozenUntilMs = untilMs;
    base.after(forMs, () => void this.#thaw());
  }

  async #thaw(): Promise<void> {
    if (this.#options.base.monotonicMs() < this.#frozenUntilMs) return;
    for (const callback of this.#arrived.splice(0)) callback();
    await settled();
    for (const callback of this.#late.splice(0)) this.#when(this.#late, callback);
  }
  /** Runs the callback when the process runs: now, or when it thaws. A killed process never runs again. */
  #when(queue: (() => void)[], callback: () => void): void {
    if (this.#isKilled) return;
    if (this.#options.base.monotonicMs() < this.#frozenUntilMs) queue.push(callback);
    else callback();
  }
  #running(): Promise<void> {
    return new Promise((resolve) => this.#when(this.#arrived, resolve));
  }
  async #travel(): Promise<void> {
    const { base, chance } = this.#options;
    const forMs = LATENCY_MS * chance();
    if (this.isLatencyOn) await new Promise<void>((resolve) => base.after(forMs, resolve));
  }

  async #send(request: ApiRequest): Promise<ApiResponse> {
    const { wire, chance, onSend, caught } = this.#options;
    onSend(request);
    if (request.method !== 'GET' && chance() < caught()) this.freeze(FREEZE_MS * chance());
    await this.#running(); // what is caught leaves when the process goes on
    await this.#travel();
    const isWatch = request.query?.['watch'] === 'true';
    return new Promise((resolve, reject) => {
      const late = () => reject(failed(`no answer within ${request.timeoutMs} ms`));
      const timer = this.clock.after(request.timeoutMs, late);
      const over = () => timer.cancel();
      const exchange = this.#exchange(request, wire, isWatch);
      exchange.then(resolve, reject);
      exchange.then(over, over);
    });
  }

  async #exchange(request: ApiRequest, wire: Transport, isWatch: boolean): Promise<ApiResponse> {
    try {
      const response = await wire.send(request);
      return isWatch ? { ...response, body: this.#delivered(response.body) } : response;
    } finally {
      await this.#travel();
      await this.#running();
    }
  }
  #delivered(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const from = body[Symbol.asyncIterator]();
    const next = async () => {
      const result = await from.next();
      await this.#running();
      return result;
    };
    const leave = async () => (await from.return?.()) ?? { done: true as const, value: undefined };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
  }
}

const failed = (message: string) => new RuntimeError('TIMEOUT', message, 'The simulation does this.');
