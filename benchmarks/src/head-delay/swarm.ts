// SPDX-License-Identifier: Apache-2.0
/**
 * Many pilots in one process: each a DEALER that says Hello, takes leases, and after a while reports that its simulation ran. The one
 * sample of each simulation goes to the rank's data socket, so that simulations are done as they are in a real study.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '@melissa/kit';
import { native } from '@melissa/native';
import {
  decodeControl,
  encodeControl,
  encodeData,
  encodeDataFrame,
  type ControlBody,
  type ControlName,
} from '@melissa/protocol';
import { Dealer } from 'zeromq';

export type Place = { control: string; token: string; cells: number };
type Order = ControlBody<'Lease'>['leases'][number];

const HEARTBEAT_MS = 1000;
const FLOAT64 = 2;

/** One DEALER to the rank: opens a session for each simulation and sends its only sample. The head names the rank's endpoint. */
class Sender {
  #socket = new Dealer({ linger: 0, sendHighWaterMark: 0 });
  #place: Place;
  #queue: Promise<void> | null = null;
  constructor(place: Place) {
    this.#place = place;
  }
  async #connect(order: Order, epoch: number): Promise<void> {
    const control = new Dealer({ linger: 0, receiveTimeout: 10_000 });
    control.connect(this.#place.control);
    const { simulation, draw, attempt } = order;
    const { token } = this.#place;
    const hello = {
      token,
      client: BigInt(simulation + 1),
      library: 'swarm',
      host: 'swarm',
      simulation,
      draw,
      attempt,
      ranks: 1,
    };
    await control.send(Buffer.from(encodeControl('ClientHello', hello, { epoch, request: 1 })));
    const [frame] = await control.receive();
    control.close();
    const welcome = decodeControl(frame!);
    assert(welcome.name === 'ClientWelcome', 'the head welcomes the client of a leased simulation');
    this.#socket.connect(welcome.body.serverRanks[0]!.endpoint);
    void this.#drain();
  }
  async #drain(): Promise<void> {
    try {
      for await (const _ of this.#socket); // acknowledgements: nothing is ever sent again here
    } catch {
      // Closed.
    }
  }
  send(order: Order, epoch: number): void {
    const { cells, token } = this.#place;
    const { simulation, draw, attempt } = order;
    const payload = new Uint8Array(new Float64Array(cells).fill(simulation).buffer);
    const client = BigInt(simulation + 1);
    const kept = new Uint8Array(new BigUint64Array([BigInt(cells)]).buffer);
    const open = {
      ...{ token, client, clientRank: 0, clientRanks: 1, simulation, draw, attempt, firstUnacknowledged: 1 },
      ...{ host: 'swarm', fields: [{ index: 0, dtype: FLOAT64, cells: kept }] },
    };
    const header = {
      ...{ epoch, client, simulation, draw, attempt, step: 0, field: 0, dtype: FLOAT64, flags: 0, clientRank: 0 },
      ...{ offset: 0, count: cells, sequence: 1, payloadHash: native.payloadHash(payload) },
    };
    const frames = [encodeData('Open', open, { epoch }), encodeDataFrame(header, payload)];
    const ready = (this.#queue ??= this.#connect(order, epoch));
    this.#queue = ready.then(async () => {
      for (const frame of frames) await this.#socket.send(Buffer.from(frame));
    });
    this.#queue.catch(() => undefined); // closed meanwhile: what is missing shows in the study's counts
  }
  close(): void {
    this.#socket.close();
  }
}

class Pilot {
  readonly #socket = new Dealer({ linger: 0, sendHighWaterMark: 0 });
  readonly #running = new Set<number>();
  #queue = Promise.resolve();
  #epoch = 0;
  #request = 0;
  done = 0;

  constructor(place: Place, index: number, sender: Sender, runMs: number) {
    this.#socket.connect(place.control);
    const timer = setInterval(
      () => this.#say('PilotHeartbeat', { running: [...this.#running], waiting: [] }),
      HEARTBEAT_MS,
    );
    this.close = () => {
      clearInterval(timer);
      this.#socket.close();
    };
    void this.#serve(sender, runMs);
    const hello = {
      token: place.token,
      pilot: `swarm-${index}`,
      instance: BigInt(index + 1),
      host: 'swarm',
      processId: 0,
      slots: 1,
    };
    this.#say('PilotHello', { ...hello, running: [] });
  }
  readonly close: () => void;

  #say<Name extends ControlName>(name: Name, body: ControlBody<Name>): void {
    const frame = encodeControl(name, body, { epoch: this.#epoch, request: ++this.#request });
    this.#queue = this.#queue.then(() => this.#socket.send(Buffer.from(frame))).catch(() => undefined);
  }
  async #serve(sender: Sender, runMs: number): Promise<void> {
    try {
      for await (const [frame] of this.#socket) {
        const message = decodeControl(frame!);
        this.#epoch = message.epoch;
        if (message.name === 'Lease') for (const order of message.body.leases) void this.#run(order, sender, runMs);
      }
    } catch {
      // Closed.
    }
  }
  async #run(order: Order, sender: Sender, runMs: number): Promise<void> {
    const { lease, simulation, draw, attempt } = order;
    this.#running.add(lease);
    this.#say('Started', { lease, processId: 1 });
    sender.send(order, this.#epoch);
    await sleep(runMs);
    this.#running.delete(lease);
    const what = { lease, simulation, draw, attempt, outcome: 1, exitCode: 0, reason: '' };
    const cost = { wallSeconds: runMs / 1000, cpuSeconds: 0, peakRssBytes: 0, descendantsEnded: 0, outputBytes: 0 };
    this.#say('Ended', { ...what, ...cost, stdout: new Uint8Array(), stderr: new Uint8Array() });
    this.done += 1;
  }
}

export class Swarm {
  readonly #pilots: Pilot[] = [];
  readonly #sender: Sender;
  constructor(place: Place, pilots: number, runMs: number) {
    this.#sender = new Sender(place);
    for (let index = 0; index < pilots; index++) this.#pilots.push(new Pilot(place, index, this.#sender, runMs));
  }
  get done(): number {
    return this.#pilots.reduce((sum, pilot) => sum + pilot.done, 0);
  }
  close(): void {
    for (const pilot of this.#pilots) pilot.close();
    this.#sender.close();
  }
}
