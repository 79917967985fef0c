// SPDX-License-Identifier: Apache-2.0
/**
 * Who speaks on the control socket: by routing id, what the peer is, when it was heard, and the answers it was given, so that a
 * repeated request gets the same one. Answers that are only `Ok` are not kept: what they confirm can be done twice without
 * a second effect. A peer that sends more than `peerMessagesPerSecondMax` is not listened to for the rest of the second.
 */
import { answersBytesMax, answersPerPeerMax, peerMessagesPerSecondMax, peersMax, strangersMax } from '../limits.ts';
import type { PeerId } from '../io/control-socket.ts';

export type Peer = {
  id: PeerId;
  /** '' until it has shown the token. */
  kind: '' | 'pilot' | 'client' | 'rank';
  /** Pilot id, client number or rank index. */
  name: string;
  lastHeardMs: number;
  lastSentMs: number;
  answers: Map<number, Uint8Array>;
  /** Of a client: the attempt that it speaks for. */
  attempt: { simulation: number; draw: number; attempt: number } | null;
  secondStartMs: number;
  messagesInSecond: number;
};

export class Peers {
  #byId = new Map<PeerId, Peer>();
  #byName = new Map<string, Peer>();
  /** Those without a name, the one that came first at the front. */
  #strangers = new Set<Peer>();
  #answerBytes = 0;
  refused = 0;

  /** The peer, or null when it must not be listened to: too many peers, or too fast. */
  heard(id: PeerId, nowMs: number): Peer | null {
    let peer = this.#byId.get(id);
    if (peer === undefined) {
      if (this.#byId.size >= peersMax) return this.#refuse();
      peer = {
        id,
        kind: '',
        name: '',
        lastHeardMs: nowMs,
        lastSentMs: 0,
        answers: new Map(),
        attempt: null,
        secondStartMs: nowMs,
        messagesInSecond: 0,
      };
      this.#byId.set(id, peer);
      this.#strangers.add(peer);
      if (this.#strangers.size > strangersMax) this.remove(this.#strangers.values().next().value!);
    }
    if (nowMs - peer.secondStartMs > 1000) {
      peer.secondStartMs = nowMs;
      peer.messagesInSecond = 0;
    }
    peer.messagesInSecond += 1;
    if (peer.messagesInSecond > peerMessagesPerSecondMax) return this.#refuse();
    peer.lastHeardMs = nowMs;
    return peer;
  }
  #refuse(): null {
    this.refused += 1;
    return null;
  }
  name(peer: Peer, kind: 'pilot' | 'client' | 'rank', name: string): void {
    peer.kind = kind;
    peer.name = name;
    this.#strangers.delete(peer);
    // A client's other ranks speak under its number too; the first one is the one to push to.
    const key = `${kind} ${name}`;
    const known = this.#byName.get(key);
    if (kind !== 'client' || known === undefined || !this.#byId.has(known.id)) this.#byName.set(key, peer);
  }
  find(kind: 'pilot' | 'client' | 'rank', name: string): Peer | undefined {
    return this.#byName.get(`${kind} ${name}`);
  }
  remember(peer: Peer, request: number, frame: Uint8Array): void {
    const old = peer.answers.get(request);
    if (old !== undefined) this.#answerBytes -= old.length;
    peer.answers.delete(request);
    peer.answers.set(request, frame);
    this.#answerBytes += frame.length;
    while (peer.answers.size > answersPerPeerMax || (this.#answerBytes > answersBytesMax && peer.answers.size > 1)) {
      const [oldest, bytes] = peer.answers.entries().next().value!;
      peer.answers.delete(oldest);
      this.#answerBytes -= bytes.length;
    }
  }
  remove(peer: Peer): void {
    this.#byId.delete(peer.id);
    this.#strangers.delete(peer);
    for (const frame of peer.answers.values()) this.#answerBytes -= frame.length;
    const key = `${peer.kind} ${peer.name}`;
    if (this.#byName.get(key) === peer) this.#byName.delete(key);
  }
  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#byId.values();
  }
}
