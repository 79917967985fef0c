// SPDX-License-Identifier: Apache-2.0
/**
 * A pilot on simulated connections, one slot: leases are started in order, ends are reported until they are confirmed, heartbeats name what
 * it holds, and a higher epoch makes it say hello again. It says to the world what it starts, so that an oracle can watch leases.
 */
import {
  decodeControl,
  encodeControl,
  type ControlBody,
  type ControlMessage,
  type ControlName,
} from '@melissa/protocol';
import { Dealer, type Network } from './network.ts';
import type { Process } from './scheduler.ts';

export type LeaseBody = ControlBody<'Lease'>['leases'][number];
/** What the world starts for a lease: the solver, which says how it ended. */
export type Running = { kill: () => void };
export type PilotParts = {
  network: Network;
  process: Process;
  name: string;
  instance: bigint;
  token: string;
  start: (lease: LeaseBody, ended: (outcome: number, exitCode: number, reason: string) => void) => Running;
  /** A lease has arrived in a message of this epoch. */
  accepted: (lease: LeaseBody, epoch: number, newestEpoch: number) => void;
  exit: (code: number) => void;
};

const repeatMs = 500;
const helloRepeatMs = 1000;
const emptyBytes = new Uint8Array();

export class Pilot {
  #p: PilotParts;
  #dealer: Dealer;
  #epoch = 0;
  #request = 0;
  #isWelcome = false;
  #helloRequest = 0;
  #helloMs = -Infinity;
  #headHeardMs: number;
  #sentMs = 0;
  #heartbeatMs = 1000;
  #silenceMs = 120_000;
  #waiting: LeaseBody[] = [];
  #current: { lease: LeaseBody; running: Running; startMs: number; outcome: number } | null = null;
  #reports = new Map<number, { lease: number; body: ControlBody<'Ended'>; sentMs: number }>();
  #dismissed: { planFinished: boolean } | null = null;

  constructor(parts: PilotParts) {
    this.#p = parts;
    this.#headHeardMs = parts.process.clock.monotonicMs();
    this.#dealer = new Dealer(parts.network, parts.process, {
      routingId: `pilot-${parts.name}-${parts.instance}`,
      address: () => 'head',
      receive: (frame) => this.#receive(frame),
      up: () => this.#hello(),
    });
    this.#tick();
  }
  get #nowMs(): number {
    return this.#p.process.clock.monotonicMs();
  }
  #send<N extends ControlName>(name: N, body: ControlBody<N>, request: number): void {
    this.#sentMs = this.#nowMs;
    // Without a connection nothing is kept: everything that matters is repeated.
    if (this.#dealer.isConnected) this.#dealer.send(encodeControl(name, body, { epoch: this.#epoch, request }));
  }
  #hello(): void {
    const { token, name: pilot, instance } = this.#p;
    this.#isWelcome = false;
    this.#helloMs = this.#nowMs;
    this.#helloRequest = ++this.#request;
    const held = this.#current === null ? this.#waiting : [this.#current.lease, ...this.#waiting];
    const running = held.map(({ lease, simulation, draw, attempt }) => ({ lease, simulation, draw, attempt }));
    this.#send(
      'PilotHello',
      { token, pilot, instance, host: 'h', processId: 1, slots: 1, running },
      this.#helloRequest,
    );
  }
  #tick(): void {
    const nowMs = this.#nowMs;
    if (nowMs - this.#headHeardMs > this.#silenceMs) return this.#p.exit(4);
    if (!this.#isWelcome && nowMs - this.#helloMs >= helloRepeatMs) this.#hello();
    if (this.#isWelcome && nowMs - this.#sentMs >= this.#heartbeatMs) {
      const running = this.#current === null ? [] : [this.#current.lease.lease];
      this.#send('PilotHeartbeat', { running, waiting: this.#waiting.map((lease) => lease.lease) }, 0);
    }
    for (const [request, report] of this.#reports) this.#report(request, report);
    this.#p.process.after(250, () => this.#tick());
  }
  #report(request: number, report: { body: ControlBody<'Ended'>; sentMs: number }): void {
    if (!this.#isWelcome || this.#nowMs - report.sentMs < repeatMs) return;
    report.sentMs = this.#nowMs;
    this.#send('Ended', report.body, request);
  }
  #receive(frame: Uint8Array): void {
    const message = decodeControl(frame);
    if (message.epoch < this.#epoch) return;
    this.#headHeardMs = this.#nowMs;
    if (message.epoch > this.#epoch) {
      const isFirst = this.#epoch === 0;
      this.#epoch = message.epoch;
      if (message.name !== 'PilotWelcome' && !isFirst) this.#hello();
    }
    this.#obey(message);
    this.#next();
  }
  #obey(message: ControlMessage): void {
    switch (message.name) {
      case 'PilotWelcome':
        this.#isWelcome = true;
        this.#heartbeatMs = message.body.heartbeatMs;
        this.#silenceMs = message.body.silenceMs;
        for (const report of this.#reports.values()) report.sentMs = -Infinity;
        return;
      case 'Lease':
        for (const lease of message.body.leases) this.#take(lease, message.epoch);
        return;
      case 'StopLeases':
        for (const lease of message.body.leases) this.#stop(lease);
        return;
      case 'Dismiss':
        this.#dismissed = { planFinished: message.body.planFinished !== 0 };
        if (message.body.drain === 0) this.#endCurrent(7);
        return;
      case 'HeadHeartbeat':
        if (message.body.planFinished !== 0) this.#dismissed ??= { planFinished: true };
        if (!this.#isWelcome && this.#nowMs - this.#helloMs >= helloRepeatMs / 4) this.#hello();
        return;
      case 'Ok':
        this.#reports.delete(message.request);
        return;
      default:
    }
  }
  #knows(lease: number): boolean {
    if (this.#current?.lease.lease === lease || this.#waiting.some((known) => known.lease === lease)) return true;
    return [...this.#reports.values()].some((report) => report.lease === lease);
  }
  #take(lease: LeaseBody, epoch: number): void {
    if (this.#knows(lease.lease)) return;
    this.#p.accepted(lease, epoch, this.#epoch);
    if (this.#dismissed === null) this.#waiting.push(lease);
    else this.#ended(lease, 5, 0, 'the pilot drains', 0);
  }
  #stop(number: number): void {
    const at = this.#waiting.findIndex((lease) => lease.lease === number);
    if (at >= 0) {
      const [lease] = this.#waiting.splice(at, 1);
      this.#ended(lease!, 7, 0, 'stopped', 0);
    } else if (this.#current?.lease.lease === number) {
      this.#endCurrent(7);
    }
  }
  /** The solver gets the signal; that it is gone comes back as its end. */
  #endCurrent(outcome: number): void {
    if (this.#current === null) return;
    this.#current.outcome = outcome;
    this.#current.running.kill();
  }
  #next(): void {
    if (this.#current === null && this.#waiting.length > 0) {
      const lease = this.#waiting.shift()!;
      const running = this.#p.start(lease, (outcome, exitCode, reason) =>
        this.#solverEnded(lease, outcome, exitCode, reason),
      );
      this.#current = { lease, running, startMs: this.#nowMs, outcome: 0 };
      this.#send('Started', { lease: lease.lease, processId: 2 }, ++this.#request);
    }
    if (this.#dismissed !== null && this.#current === null && this.#waiting.length === 0 && this.#reports.size === 0)
      this.#p.exit(this.#dismissed.planFinished ? 0 : 3);
  }
  #solverEnded(lease: LeaseBody, outcome: number, exitCode: number, reason: string): void {
    const current = this.#current;
    if (current?.lease !== lease) return;
    this.#current = null;
    this.#ended(lease, current.outcome || outcome, exitCode, reason, this.#nowMs - current.startMs);
    this.#next();
  }
  #ended(lease: LeaseBody, outcome: number, exitCode: number, reason: string, wallMs: number): void {
    const { simulation, draw, attempt } = lease;
    const body = {
      lease: lease.lease, simulation, draw, attempt, outcome, exitCode, reason, wallSeconds: wallMs / 1000, cpuSeconds: 0,
      peakRssBytes: 0, descendantsEnded: 0, outputBytes: 0, stdout: emptyBytes, stderr: emptyBytes,
    }; // prettier-ignore
    const report = { lease: lease.lease, body, sentMs: -Infinity };
    this.#reports.set(++this.#request, report);
    this.#report(this.#request, report);
  }
}
