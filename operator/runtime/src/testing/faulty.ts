// SPDX-License-Identifier: Apache-2.0
/**
 * A transport that does what networks and API servers do at their worst, for tests of operators: the same seed gives the same
 * faults. What a fault means is said by the plan; a fault that the runtime cannot survive is a bug of the runtime.
 */
import { sleep, type Chance, type Clock } from '../clock.ts';
import { RuntimeError } from '../errors.ts';
import type { ApiRequest, ApiResponse, Transport } from '../transport.ts';
import { once } from './bodies.ts';
import { seeded } from './random.ts';

/** Probabilities, each from 0 to 1. */
export type FaultPlan = {
  seed: number;
  clock: Clock;
  /** The request never leaves. */
  drop?: number;
  /** The server has done it, but its answer is lost. */
  answerLost?: number;
  /** The request waits up to delayMs. */
  delay?: number;
  delayMs?: number;
  /** 410 to a list or watch. */
  expired?: number;
  /** 429 with Retry-After. */
  tooMany?: number;
  retryAfterSeconds?: number;
  /** 500. */
  broken?: number;
  /** The body of a list is cut in the middle. */
  truncated?: number;
  /** A watch that says nothing any more and does not end. */
  halfOpen?: number;
  /** Per event of a watch: it comes twice; it is held back behind the next; an older one comes again. */
  duplicate?: number;
  reorder?: number;
  stale?: number;
  /** Per event of a watch: it is lost without a trace. */
  loss?: number;
  /** Per event: the connection breaks after it. */
  cut?: number;
  /** The k-th write (from 1) and everything after it fails, as for a process that was killed: before it was sent, or after it was done. */
  killAt?: { write: number; moment: 'before' | 'after' };
  onFault?: (fault: string, request: ApiRequest) => void;
};

export class KilledError extends RuntimeError {
  constructor() {
    super('KILLED', 'the test ended the process here', 'Start a new one.');
    this.name = 'KilledError';
  }
}

const lost = (what: string) => new RuntimeError('CONNECTION', what, 'This fault was injected.');

export function faulty(transport: Transport, plan: FaultPlan): Transport {
  const chance = seeded(plan.seed);
  const happens = (probability: number | undefined) => probability !== undefined && chance() < probability;
  let writes = 0;
  let isKilled = false;

  async function send(request: ApiRequest): Promise<ApiResponse> {
    const told = (fault: string) => plan.onFault?.(fault, request);
    const isWatch = request.query?.['watch'] === 'true';
    const isWrite = request.method !== 'GET';
    if (isKilled) throw new KilledError();
    if (isWrite) writes += 1;
    const isLast = isWrite && plan.killAt !== undefined && writes >= plan.killAt.write;
    if (isLast) isKilled = true;
    if (isLast && plan.killAt?.moment === 'before') throw new KilledError();
    if (happens(plan.delay)) {
      told('delay');
      await sleep(plan.clock, chance() * (plan.delayMs ?? 1000), request.signal);
    }
    if (happens(plan.drop)) {
      told('drop');
      throw lost('the request never left');
    }
    if (happens(plan.tooMany)) {
      told('tooMany');
      return status(429, 'TooManyRequests', { 'retry-after': String(plan.retryAfterSeconds ?? 1) });
    }
    if (happens(plan.broken)) {
      told('broken');
      return status(500, 'InternalError');
    }
    if (!isWrite && happens(plan.expired)) {
      told('expired');
      return status(410, 'Expired');
    }
    const response = await transport.send(request);
    if (isLast) throw new KilledError();
    if (!isWatch && happens(plan.answerLost)) {
      told('answerLost');
      for await (const _ of response.body) continue;
      throw lost('the answer was lost');
    }
    if (!isWatch && !isWrite && happens(plan.truncated)) {
      told('truncated');
      return { ...response, body: halfOf(response.body) };
    }
    if (!isWatch || response.status !== 200) return response;
    return { ...response, body: watched(response.body, request, { plan, chance, told }) };
  }

  return { send, close: () => transport.close() };
}

/** Events of a watch, each perhaps twice, late, again, not at all. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  request: ApiRequest,
  { plan, chance, told }: { plan: FaultPlan; chance: Chance; told: (fault: string) => void },
): AsyncGenerator<Uint8Array> {
  const happens = (probability: number | undefined) => probability !== undefined && chance() < probability;
  let held: string | null = null;
  let earlier: string | null = null;
  const cut = lineCutter();
  for await (const chunk of body)
    for (const line of cut(chunk)) {
      const isPlain = !line.includes('"BOOKMARK"') && !line.includes('"ERROR"');
      if (isPlain && happens(plan.loss)) {
        told('loss');
        continue;
      }
      if (isPlain && held === null && happens(plan.reorder)) {
        told('reorder');
        held = line;
        continue;
      }
      // In one chunk, and never behind a bookmark that says it has come: both would be a loss, which is another fault.
      let out = isPlain ? line + (held ?? '') : (held ?? '') + line;
      held = null;
      if (isPlain && happens(plan.duplicate)) {
        told('duplicate');
        out += line;
      }
      if (earlier !== null && happens(plan.stale)) {
        told('stale');
        out += earlier;
      }
      yield Buffer.from(out);
      if (isPlain && (earlier === null || chance() < 0.5)) earlier = line;
      if (happens(plan.cut)) {
        told('cut');
        throw lost('the connection broke');
      }
      if (happens(plan.halfOpen)) {
        told('halfOpen');
        await aborted(request.signal);
        throw lost('the watch was stopped');
      }
    }
  if (held !== null) yield Buffer.from(held);
}

const status = (code: number, reason: string, headers: Record<string, string> = {}): ApiResponse => ({
  status: code,
  headers,
  body: once(JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message: 'an injected fault' })),
});

async function* halfOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  yield whole.subarray(0, whole.length >> 1);
}

/** Returns the lines that each chunk completes, with their ends. */
function lineCutter(): (chunk: Uint8Array) => string[] {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(10) + 1;
    rest = bytes.subarray(end);
    const lines: string[] = [];
    for (let begin = 0; begin < end;) {
      const next = bytes.indexOf(10, begin) + 1;
      lines.push(bytes.toString('utf8', begin, next));
      begin = next;
    }
    return lines;
  };
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
