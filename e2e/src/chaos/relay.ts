// SPDX-License-Identifier: Apache-2.0
/**
 * A relay between the parts of one study. Head and ranks advertise a loopback address of the study's own (127.64.0.0/10
 * and the port they listen at on 127.0.0.1); the relay listens there as soon as a port is known, passes bytes on, and can
 * cut, delay or stall every connection. A peer that comes before the relay listens is refused and tries again.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes that wait in one direction of one connection before the sender is held back. */
const WAITING_BYTES_MAX = 4 * 2 ** 20;
const LISTEN_TRIES_MAX = 50;

/**
 * A socket that is about to say its end cannot be reset: the attempt fails, its handle is never closed, and the process
 * outlives its work.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

export class Relay {
  readonly host: string;
  #servers = new Map<number, Server>();
  #sockets = new Set<Socket>();
  #delayMs = 0;
  #stalled = false;
  #closed = false;
  cuts = 0;

  /** `number` below 2²² gives each study of this machine an address of its own. */
  constructor(number: number) {
    this.host = `127.${64 + ((number >> 16) & 63)}.${(number >> 8) & 255}.${number & 255}`;
  }

  /** Listens at the port of an advertised endpoint, if it does not already. */
  async know(endpoint: string): Promise<void> {
    const match = /^tcp:\/\/(.*):(\d+)$/.exec(endpoint);
    if (match === null || match[1] !== this.host || this.#servers.has(Number(match[2]))) return;
    const port = Number(match[2]);
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (inbound) => this.#pass(inbound, port));
    this.#servers.set(port, server);
    for (let tries = 0; tries < LISTEN_TRIES_MAX && !this.#closed; tries++) {
      const problem = await new Promise<Error | null>((resolve) => {
        server.once('error', resolve);
        server.listen(port, this.host, () => resolve(null));
      });
      if (problem === null) return;
      await sleep(20);
    }
  }
  /** Resets every connection: what is under way is lost. */
  cut(): number {
    const count = this.#sockets.size / 2;
    for (const socket of this.#sockets) reset(socket);
    this.#sockets.clear();
    this.cuts += count;
    return count;
  }
  delay(ms: number): void {
    this.#delayMs = ms;
  }
  stall(isOn: boolean): void {
    this.#stalled = isOn;
    for (const socket of this.#sockets) {
      if (isOn) socket.pause();
      else socket.resume();
    }
  }
  async close(): Promise<void> {
    this.#closed = true;
    this.cut();
    await Promise.all(
      [...this.#servers.values()].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  #pass(inbound: Socket, port: number): void {
    const outbound = createConnection({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    this.#join(inbound, outbound);
    this.#join(outbound, inbound);
  }
  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    if (this.#stalled) from.pause();
    let waiting = 0;
    // Bytes leave in the order in which they came, whatever the delay was when each of them did.
    let line: Promise<void> = Promise.resolve();
    from.on('data', (bytes) => {
      waiting += bytes.length;
      if (waiting > WAITING_BYTES_MAX) from.pause();
      const dueMs = performance.now() + this.#delayMs;
      line = line.then(async () => {
        const leftMs = dueMs - performance.now();
        if (leftMs > 1) await sleep(leftMs);
        if (!to.destroyed) to.write(bytes);
        waiting -= bytes.length;
        if (!this.#stalled && waiting <= WAITING_BYTES_MAX && from.isPaused()) from.resume();
      });
    });
    from.on('end', () => void line.then(() => to.end()));
    // A broken end takes the other with it, as a broken link does.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      void line.then(() => to.end());
    });
  }
}
