// SPDX-License-Identifier: Apache-2.0
/** Transports around transports: writes only for the leader, a limit on the rate, answers of overload honoured. */
import { sleep, type Chance, type Clock } from './clock.ts';
import { NotLeaderError } from './errors.ts';
import { describe, retryAfterOf, type ApiRequest, type ApiResponse, type Transport } from './transport.ts';

/** Lets a write through only while `holds()`, asked directly before it goes out. Reads always pass. */
export function onlyAsLeader(transport: Transport, holds: () => boolean): Transport {
  return {
    async send(request) {
      if (request.method !== 'GET' && !holds()) throw new NotLeaderError(describe(request));
      return transport.send(request);
    },
    close: () => transport.close(),
  };
}

export type RateLimits = { requestsPerSecond: number; burst: number; triesMax: number };
export const rateLimits: RateLimits = { requestsPerSecond: 50, burst: 100, triesMax: 5 };

/**
 * A token bucket for everything but watches, and patience with an overloaded server: 429 and 503 with Retry-After are waited out (the API server's
 * priority and fairness sends them before it has done anything, so sending again has no double effect).
 */
export function rateLimited(
  transport: Transport,
  clock: Clock,
  chance: Chance,
  limits: Partial<RateLimits> = {},
): Transport {
  const { requestsPerSecond, burst, triesMax } = { ...rateLimits, ...limits };
  let tokens = burst;
  let atMs = clock.monotonicMs();
  /** Everybody waits after an overload, not only the request that was told. */
  let pausedUntilMs = -Infinity;

  async function token(signal: AbortSignal | undefined): Promise<void> {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(burst, tokens + ((nowMs - atMs) * requestsPerSecond) / 1000);
    atMs = nowMs;
    tokens -= 1; // may go below zero: that is the queue, and its length is the wait
    const waitMs = Math.max(tokens < 0 ? (-tokens * 1000) / requestsPerSecond : 0, pausedUntilMs - nowMs);
    if (waitMs > 0) await sleep(clock, waitMs, signal);
  }

  return {
    async send(request: ApiRequest): Promise<ApiResponse> {
      if (request.query?.['watch'] === 'true') return transport.send(request);
      for (let tries = 1; ; tries++) {
        await token(request.signal);
        const response = await transport.send(request);
        const seconds = retryAfterOf(response);
        const isOverload = (response.status === 429 || response.status === 503) && seconds !== null;
        if (!isOverload || tries >= triesMax || request.signal?.aborted === true) return response;
        for await (const _ of response.body) continue; // frees the connection
        pausedUntilMs = clock.monotonicMs() + seconds * 1000 * (1 + 0.2 * chance());
      }
    },
    close: () => transport.close(),
  };
}
