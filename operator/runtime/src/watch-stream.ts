// SPDX-License-Identifier: Apache-2.0
/** Cuts the body of a watch into its events: one JSON object a line. */
import { Skim, type Tree } from './skim.ts';

export type WatchEvent = { type: string; object: Record<string, unknown> };

/** A line longer than this cannot be an object that etcd would store. */
export const LINE_BYTES_MAX = 16 * 2 ** 20;

export class LineTooLong extends Error {
  constructor() {
    super(`a watch event is longer than ${LINE_BYTES_MAX} bytes`);
    this.name = 'LineTooLong';
  }
}

const MANAGED = ',"managedFields":[{';

/**
 * Parses an event, but not its managedFields: a third of a pod, deeply nested, and the cache never keeps them. They end at the first
 * `}]`, since nothing in them but strings has brackets. Where that is not so, or the name is that of another field, what is
 * left is no JSON or has no metadata that lost its managedFields, and the line is parsed as it is. (A quote inside a string has a
 * backslash before it, so a cut that begins or ends inside a string never leaves JSON behind.)
 */
export function parseEvent(line: string): WatchEvent {
  const begin = line.indexOf(MANAGED) + MANAGED.length - 2;
  const end = begin < MANAGED.length ? -1 : line.indexOf('}]', begin);
  const event = end < 0 ? null : parsed(`${line.slice(0, begin)}0${line.slice(end + 2)}`);
  const metadata = event?.object?.['metadata'] as { managedFields?: unknown } | undefined;
  if (event === null || metadata?.managedFields !== 0) return JSON.parse(line) as WatchEvent;
  metadata.managedFields = undefined;
  return event;
}

function parsed(line: string): WatchEvent | null {
  try {
    return JSON.parse(line) as WatchEvent;
  } catch {
    return null;
  }
}

/** Reads the event that lies from `begin` to before `end`. */
export type ReadEvent = (bytes: Buffer, begin: number, end: number) => WatchEvent;

export const wholeEvents: ReadEvent = (bytes, begin, end) => parseEvent(bytes.toString('utf8', begin, end));

const TYPED = Buffer.from('{"type":"');
/** ADDED, MODIFIED and DELETED carry an object of the kind; what a bookmark or an error carries is read whole. */
const changes = new Set([...'AMD'].map((letter) => letter.charCodeAt(0)));

/** Reads of changed objects what the tree names, and may read more. */
export function keptEvents(kept: Tree): ReadEvent {
  const skim = new Skim(
    new Map([
      ['type', null],
      ['object', kept],
    ]),
  );
  return (bytes, begin, end) => {
    const isChange =
      changes.has(bytes[begin + TYPED.length]!) &&
      bytes.compare(TYPED, 0, TYPED.length, begin, begin + TYPED.length) === 0;
    const text = isChange ? skim.text(bytes, begin, end) : null;
    return text === null ? wholeEvents(bytes, begin, end) : (JSON.parse(text) as WatchEvent);
  };
}

/**
 * Gives the memory of a chunk back at once: it lies outside V8's heap, and V8, which would look when it next collects its own young objects, answers
 * much of it with a marking of its whole heap. Only of a chunk that is all of its buffer: then no other chunk has a part of it.
 */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * Yields the events of each chunk together, so that the caller can touch its clock once per chunk. `ownsChunks`: nobody else has the
 * chunks, and each is given back once it is read.
 */
export async function* watchEvents(
  body: AsyncIterable<Uint8Array>,
  read: ReadEvent = wholeEvents,
  ownsChunks = false,
): AsyncGenerator<WatchEvent[]> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const events: WatchEvent[] = [];
    let begin = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
      if (rest.length > 0) {
        const line = Buffer.concat([...rest, bytes.subarray(begin, end)]);
        events.push(read(line, 0, line.length));
        rest = [];
        restBytes = 0;
      } else if (end > begin) events.push(read(bytes, begin, end));
      begin = end + 1;
    }
    if (begin < bytes.length) {
      rest.push(Buffer.from(bytes.subarray(begin)));
      restBytes += bytes.length - begin;
      if (restBytes > LINE_BYTES_MAX) throw new LineTooLong();
    }
    if (ownsChunks) giveBack(chunk);
    yield events; // an empty one too: bytes came, the connection lives
  }
}
