// SPDX-License-Identifier: Apache-2.0
/**
 * Routers and dealers without sockets. What ZeroMQ promises is kept: inside one connection frames arrive in order and whole; a
 * router that sees a routing id again hands it over to the new connection. What it does not promise is broken at will:
 * connections are cut and what was under way is lost (or arrives late, under the name of a stranger), each end notices at its own
 * time, one direction dies alone, frames are delayed, connections overtake each other.
 */
import type { Random } from '@melissa/kit';
import type { Process, Scheduler } from './scheduler.ts';

export type Direction = 'toRouter' | 'toDealer';
/** Longest time until an end notices that its connection is gone. */
const noticeMsMax = 3000;
const retryMs = 60;
/** Frames a dealer keeps while it has no connection. */
const queuedFramesMax = 10_000;

export class Link {
  readonly dealer: Dealer;
  readonly router: Router;
  /** Under which name the router knows it; changes when another connection takes the name over. */
  peer: string;
  /** A dead direction takes frames and delivers none. */
  dead: Record<Direction, boolean> = { toRouter: false, toDealer: false };
  lastMs: Record<Direction, number> = { toRouter: 0, toDealer: 0 };
  /** What was under way at the cut still arrives at the router. */
  arrivesLate = false;
  isCut = false;

  constructor(dealer: Dealer, router: Router, peer: string) {
    this.dealer = dealer;
    this.router = router;
    this.peer = peer;
  }
}

export class Network {
  readonly random: Random;
  readonly scheduler: Scheduler;
  /** Routers by the address at which peers look for them. */
  readonly addresses = new Map<string, Router>();
  readonly links = new Set<Link>();
  /** Slow frames in this share of all. */
  delayChance = 0;
  cuts = 0;
  frames = 0;
  #strangers = 0;

  constructor(scheduler: Scheduler, random: Random) {
    this.scheduler = scheduler;
    this.random = random;
  }
  bind(address: string, router: Router): void {
    this.addresses.set(address, router);
  }
  connect(dealer: Dealer, address: string): Link | null {
    const router = this.addresses.get(address);
    // A frozen process does not answer the handshake.
    if (router === undefined || router.process.state !== 'running') return null;
    const before = router.links.get(dealer.routingId);
    if (before !== undefined) before.peer = `stranger-${++this.#strangers}`;
    const link = new Link(dealer, router, dealer.routingId);
    router.links.set(dealer.routingId, link);
    this.links.add(link);
    return link;
  }
  carry(link: Link, direction: Direction, frame: Uint8Array): void {
    this.frames += 1;
    const slow = this.delayChance > 0 && this.random.chance(this.delayChance);
    const delayMs = slow ? this.random.uniform() * 800 : 0.1 + this.random.uniform() * 2;
    const arrivalMs = Math.max(link.lastMs[direction], this.scheduler.nowMs + delayMs);
    link.lastMs[direction] = arrivalMs;
    if (link.dead[direction]) return;
    const end = direction === 'toRouter' ? link.router : link.dealer;
    this.scheduler.after(arrivalMs - this.scheduler.nowMs, () => {
      if (link.dead[direction] && !(direction === 'toRouter' && link.arrivesLate)) return;
      end.process.run(() => {
        if (direction === 'toRouter') link.router.deliver(link.peer, frame);
        else link.dealer.deliver(link, frame);
      });
    });
  }
  /** Ends a connection. Both directions die now; the ends learn of it when they do. */
  cut(link: Link, noticeMs = noticeMsMax): void {
    if (link.isCut) return;
    link.isCut = true;
    this.cuts += 1;
    link.dead = { toRouter: true, toDealer: true };
    link.arrivesLate = this.random.chance(0.3);
    this.links.delete(link);
    this.scheduler.after(this.random.uniform() * noticeMs, () => link.dealer.lost(link));
    this.scheduler.after(this.random.uniform() * noticeMs, () => link.router.lost(link));
  }
  /** One direction dies; the connection is found dead some time later. */
  halfOpen(link: Link): void {
    if (link.isCut) return;
    link.dead[this.random.chance(0.5) ? 'toRouter' : 'toDealer'] = true;
    this.scheduler.after(500 + this.random.uniform() * 2000, () => this.cut(link, 500));
  }
  /** The process is gone: its kernel says so at once, or its machine went with it and nobody says anything. */
  ended(ends: (link: Link) => boolean): void {
    const noticeMs = this.random.chance(0.7) ? 20 : noticeMsMax;
    for (const link of [...this.links]) if (ends(link)) this.cut(link, noticeMs);
  }
}

export class Router {
  readonly process: Process;
  readonly links = new Map<string, Link>();
  #network: Network;
  #receive: (peer: string, frame: Uint8Array) => void;

  constructor(network: Network, process: Process, receive: (peer: string, frame: Uint8Array) => void) {
    this.process = process;
    this.#network = network;
    this.#receive = receive;
    process.onEnd.push(() => network.ended((link) => link.router === this));
  }
  send(peer: string, frame: Uint8Array): void {
    const link = this.links.get(peer);
    if (link !== undefined && this.process.isAlive) this.#network.carry(link, 'toDealer', frame);
  }
  deliver(peer: string, frame: Uint8Array): void {
    this.#receive(peer, frame);
  }
  lost(link: Link): void {
    if (this.links.get(link.peer) === link) this.links.delete(link.peer);
  }
}

export type DealerOptions = {
  routingId: string;
  address: () => string;
  receive: (frame: Uint8Array) => void;
  up?: () => void;
  down?: () => void;
};

export class Dealer {
  readonly process: Process;
  readonly routingId: string;
  link: Link | null = null;
  #network: Network;
  #o: DealerOptions;
  #queue: Uint8Array[] = [];
  #isClosed = false;

  constructor(network: Network, process: Process, options: DealerOptions) {
    this.process = process;
    this.routingId = options.routingId;
    this.#network = network;
    this.#o = options;
    process.onEnd.push(() => this.close());
    this.#connect();
  }
  get isConnected(): boolean {
    return this.link !== null;
  }
  #connect(): void {
    this.process.after(0.5 + this.#network.random.uniform() * retryMs, () => {
      if (this.#isClosed) return;
      this.link = this.#network.connect(this, this.#o.address());
      if (this.link === null) return this.#connect();
      this.#o.up?.();
      for (const frame of this.#queue.splice(0)) this.send(frame);
    });
  }
  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.link !== null) this.#network.carry(this.link, 'toRouter', frame);
    else if (this.#queue.length < queuedFramesMax) this.#queue.push(frame);
  }
  deliver(link: Link, frame: Uint8Array): void {
    // What an old connection still brings is read by nobody.
    if (!this.#isClosed && link === this.link) this.#o.receive(frame);
  }
  lost(link: Link): void {
    this.process.run(() => {
      if (this.#isClosed || link !== this.link) return;
      this.link = null;
      this.#o.down?.();
      if (!this.#isClosed) this.#connect();
    });
  }
  /** What is under way still arrives; then the connection is gone. */
  close(): void {
    this.#isClosed = true;
    const { link } = this;
    this.link = null;
    if (link !== null && !link.isCut) this.#network.scheduler.after(100, () => this.#network.cut(link, 20));
  }
}
