// SPDX-License-Identifier: Apache-2.0
/**
 * The body of an answer, chunk by chunk as Node cut it from the socket. A Readable's own iterator joins what waits, and a watch that brings
 * thousands of events a second would be copied whole: the copies are memory outside V8's heap, which it answers with full
 * collections of garbage, dozens where one would do.
 */
import type { IncomingMessage } from 'node:http';

/** Above this the socket is not read on until what waits is taken. */
const WAITING_BYTES_MAX = 256 * 1024;

export class Body implements AsyncIterable<Uint8Array> {
  readonly #incoming: IncomingMessage;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    incoming.on('error', (error) => this.#fail(error));
    incoming.on('end', () => this.#wake());
    incoming.on('close', () => {
      if (!incoming.complete) this.#fail(new Error('the connection ended before the answer did'));
      this.#wake();
    });
  }

  /** Ends the connection when it is left before its end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const incoming = this.#incoming;
    incoming.on('data', (chunk: Buffer) => this.#take(chunk));
    try {
      while (true) {
        const chunks = this.#waiting;
        if (chunks.length > 0) {
          this.#waiting = [];
          this.#waitingBytes = 0;
          if (incoming.isPaused()) incoming.resume();
          yield* chunks;
        } else if (this.#failure !== null) throw this.#failure;
        else if (incoming.readableEnded || incoming.destroyed) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      if (!incoming.readableEnded) incoming.destroy();
    }
  }

  #take(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#incoming.pause();
    this.#wake();
  }
  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
