// SPDX-License-Identifier: Apache-2.0
/**
 * The two ends of the control socket. The head has the router, ranks (and tests that play pilots or clients) a dealer.
 * With keys both are encrypted (CURVE), and who may connect decides authenticator.ts.
 * Both live on the main thread: a ZeroMQ socket in a worker thread aborts the process when the worker ends. Sending never
 * waits: what a peer cannot take at once is dropped with a count, because every message is repeated by its sender or found
 * missing by a heartbeat. Close before the process exits.
 */
import { Context, Dealer, Router } from 'zeromq';
import { BoundedQueue } from '@melissa/kit';
import { controlFrameBytesMax, controlQueueMessagesMax, handshakeMs } from '../limits.ts';
import { connectionDescriptorsMax, openAuthenticator, zapDomain } from './authenticator.ts';

/** Routing id as text, one character a byte. */
export type PeerId = string;
const bytesOf = (peer: PeerId): Buffer => Buffer.from(peer, 'latin1');

/** Handshakes that fail in a row before that is told. Fewer may be a head that is starting or ending. */
const handshakesFailedMax = 10;

/** How long closing waits for what is still to be sent. */
const lingerMs = 1000;
/**
 * Where a pod was replaced its old address swallows what is sent there: no refusal, no reset. A connection attempt is given up after this, so that the name is looked
 * up anew, and not after the kernel's two minutes; a connection that says nothing ends after the silence.
 */
const connectMs = 3000;
const pingMs = 5000;
const silenceMs = 15_000;

export interface ControlServer {
  readonly endpoint: string;
  readonly dropped: number;
  send(peer: PeerId, frame: Uint8Array): void;
  close(): Promise<void>;
}

export interface ControlPeer {
  send(frame: Uint8Array): void;
  close(): Promise<void>;
}

export type CurveServer = { secretKey: string; allowedKeys: string[] };
export type CurveClient = { secretKey: string; publicKey: string; serverKey: string };

/** Sends in order; one send is under way at a time, as the sockets demand. */
class Outbox {
  #queue = new BoundedQueue<Uint8Array[]>({ name: 'control messages', itemsMax: controlQueueMessagesMax });
  #sendParts: (parts: Uint8Array[]) => Promise<void>;
  #pumping: Promise<void> | null = null;
  dropped = 0;

  constructor(sendParts: (parts: Uint8Array[]) => Promise<void>) {
    this.#sendParts = sendParts;
  }
  put(parts: Uint8Array[]): void {
    if (!this.#queue.offer(parts)) this.dropped += 1;
    this.#pumping ??= this.#pump();
  }
  async #pump(): Promise<void> {
    for (let parts = this.#queue.poll(); parts !== undefined; parts = this.#queue.poll()) {
      try {
        await this.#sendParts(parts);
      } catch {
        // The peer is gone or its queue is full; its heartbeat will tell what it lacks.
        this.dropped += 1;
      }
    }
    this.#pumping = null;
  }
  async flushed(): Promise<void> {
    await this.#pumping;
  }
}

export async function openControlServer(options: {
  endpoint: string;
  curve: CurveServer | null;
  receive: (peer: PeerId, frame: Uint8Array) => void;
  /** Called for every connection that was refused: a key that is not on the list, or too many connections. */
  refused?: () => void;
  /** File descriptors that the process may have open when one more connection comes. */
  descriptorsMax?: number;
}): Promise<ControlServer> {
  // Of its own: a context has one authenticator.
  const context = new Context();
  const authenticator = await openAuthenticator({
    context,
    allowedKeys: options.curve?.allowedKeys ?? null,
    descriptorsMax: options.descriptorsMax ?? connectionDescriptorsMax(),
    refused: () => options.refused?.(),
  });
  const socket = new Router({
    context,
    zapDomain,
    handshakeInterval: handshakeMs,
    handover: true,
    mandatory: true,
    sendTimeout: 0,
    linger: lingerMs,
    maxMessageSize: controlFrameBytesMax,
    sendHighWaterMark: 10_000,
    receiveHighWaterMark: 10_000,
  });
  if (options.curve !== null) {
    socket.curveServer = true;
    socket.curveSecretKey = options.curve.secretKey;
  }
  try {
    await socket.bind(options.endpoint);
  } catch (cause) {
    socket.close();
    authenticator.close();
    throw cause;
  }
  const outbox = new Outbox((parts) => socket.send(parts));
  const reading = (async () => {
    for await (const [id, frame] of socket)
      if (id !== undefined && frame !== undefined) options.receive(id.toString('latin1'), frame);
  })();
  return {
    endpoint: socket.lastEndpoint ?? options.endpoint,
    get dropped() {
      return outbox.dropped;
    },
    send: (peer, frame) => outbox.put([bytesOf(peer), frame]),
    close: async () => {
      await outbox.flushed();
      socket.close();
      await reading;
      authenticator.close();
    },
  };
}

export function openControlPeer(options: {
  endpoint: string;
  routingId: Uint8Array;
  curve: CurveClient | null;
  receive: (frame: Uint8Array) => void;
  /** The other side does not take this key, or wants one, or wants none. */
  refused?: () => void;
  /** Many connections in a row ended before both sides knew each other: with keys, the server's is likely another one. */
  unheard?: () => void;
}): ControlPeer {
  const socket = new Dealer({
    routingId: Buffer.from(options.routingId).toString('latin1'),
    linger: lingerMs,
    sendTimeout: 0,
    reconnectInterval: 50,
    reconnectMaxInterval: 1000,
    connectTimeout: connectMs,
    heartbeatInterval: pingMs,
    heartbeatTimeout: silenceMs,
    maxMessageSize: controlFrameBytesMax,
    sendHighWaterMark: 10_000,
  });
  if (options.curve !== null) {
    socket.curveServerKey = options.curve.serverKey;
    socket.curvePublicKey = options.curve.publicKey;
    socket.curveSecretKey = options.curve.secretKey;
  }
  const { refused, unheard } = options;
  if (refused !== undefined) {
    socket.events.on('handshake:error:auth', refused);
    socket.events.on('handshake:error:protocol', refused);
  }
  let failed = 0;
  socket.events.on('handshake', () => void (failed = 0));
  socket.events.on('handshake:error:other', () => {
    failed += 1;
    if (failed === handshakesFailedMax) unheard?.();
  });
  socket.connect(options.endpoint);
  const outbox = new Outbox((parts) => socket.send(parts));
  const reading = (async () => {
    for await (const [frame] of socket) if (frame !== undefined) options.receive(frame);
  })();
  return {
    send: (frame) => outbox.put([frame]),
    close: async () => {
      await outbox.flushed();
      socket.close();
      await reading;
    },
  };
}
