// SPDX-License-Identifier: Apache-2.0
/**
 * An API server whose watch cache stands still: lists and watches answer from a picture that was taken before, while everything else is the truth. An operator
 * that starts on it must notice that what it is shown is behind. Used by tests that put it between an operator and the real API server.
 */
import { sendJson, type ApiRequest, type ApiResponse, type Transport } from 'operator-runtime';

/** Lists as they were, by path and selectors. */
export type Picture = ReadonlyMap<string, string>;
type Collection = Pick<ApiRequest, 'path' | 'query'>;

/** How often a watch that is held looks whether it may end. */
const HELD_POLL_MS = 50;

function selectorsOf(query: ApiRequest['query']): Record<string, string> {
  const entries = ['labelSelector', 'fieldSelector'].map((name) => [name, query?.[name] ?? ''] as const);
  return Object.fromEntries(entries.filter(([, text]) => text !== ''));
}
const keyOf = ({ path, query }: Collection): string => `${path} ${JSON.stringify(selectorsOf(query))}`;

/** What an operator watches, as its requests until now show it. */
export const watchedIn = (requests: readonly ApiRequest[]): Collection[] =>
  requests.filter(({ method, query }) => method === 'GET' && query?.['watch'] === 'true');

export async function pictureOf(api: Transport, collections: readonly Collection[]): Promise<Picture> {
  const distinct = new Map(collections.map((one) => [keyOf(one), one]));
  const taken = [...distinct].map(async ([key, { path, query }]) => {
    const list = await sendJson(api, { method: 'GET', path, query: selectorsOf(query), timeoutMs: 30_000 });
    return [key, JSON.stringify(list)] as const;
  });
  return new Map(await Promise.all(taken));
}

export class StaleReads {
  readonly #picture: Picture;
  readonly #isOver: (answered: number) => boolean;
  readonly #answered = new Set<string>();

  /** `isOver` is told how many of the picture's lists were asked for. */
  constructor(picture: Picture, isOver: (answered: number) => boolean) {
    this.#picture = picture;
    this.#isOver = isOver;
  }
  /** For `staleMs` from the moment in which everything in the picture was shown. */
  static lasting(picture: Picture, staleMs: number): StaleReads {
    let fromMs: number | null = null;
    return new StaleReads(picture, (answered) => {
      if (answered < picture.size) return false;
      fromMs ??= performance.now();
      return performance.now() - fromMs >= staleMs;
    });
  }
  get isStale(): boolean {
    return !this.#isOver(this.#answered.size);
  }

  /** Null when the API server itself is to answer. */
  answer(request: ApiRequest): ApiResponse | null {
    const list = request.method === 'GET' ? this.#picture.get(keyOf(request)) : undefined;
    if (list === undefined || !this.isStale) return null;
    // A list can be shown as it was; the stream of initial events would have to be made up.
    if (request.query?.['sendInitialEvents'] === 'true') return { status: 422, headers: {}, body: once('') };
    if (request.query?.['watch'] === 'true') return { status: 200, headers: {}, body: this.#held(request.signal) };
    this.#answered.add(keyOf(request));
    return { status: 200, headers: {}, body: once(list) };
  }
  /** A watch in which nothing happens; the next one starts where the picture was taken. */
  async *#held(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    while (this.isStale && signal?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, HELD_POLL_MS));
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text);
}
