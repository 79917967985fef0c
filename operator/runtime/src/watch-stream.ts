// SPDX-License-Identifier: Apache-2.0
/** Cuts the body of a watch into its events: one JSON object a line. */
export type WatchEvent = { type: string; object: Record<string, unknown> };

/** A line longer than this cannot be an object that etcd would store. */
export const LINE_BYTES_MAX = 16 * 2 ** 20;

export class LineTooLong extends Error {
  constructor() {
    super(`a watch event is longer than ${LINE_BYTES_MAX} bytes`);
    this.name = 'LineTooLong';
  }
}

/** Yields the events of each chunk together, so that the caller can touch its clock once per chunk. */
export async function* watchEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent[]> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const events: WatchEvent[] = [];
    let begin = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
      const line =
        rest.length === 0
          ? bytes.toString('utf8', begin, end)
          : Buffer.concat([...rest, bytes.subarray(begin, end)]).toString('utf8');
      rest = [];
      restBytes = 0;
      begin = end + 1;
      if (line.length > 0) events.push(JSON.parse(line) as WatchEvent);
    }
    if (begin < bytes.length) {
      rest.push(Buffer.from(bytes.subarray(begin)));
      restBytes += bytes.length - begin;
      if (restBytes > LINE_BYTES_MAX) throw new LineTooLong();
    }
    yield events; // an empty one too: bytes came, the connection lives
  }
}
