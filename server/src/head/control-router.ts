// SPDX-License-Identifier: Apache-2.0
/**
 * Between the control socket and the plan: reads a frame, checks who speaks, turns the message into an event, and answers.
 * The head's life in one file: every message that it understands is in one of the tables below. Requests are
 * idempotent (peers.ts); a peer that this head does not know yet gets a heartbeat, whose epoch makes it say hello again.
 */
import { ProjectError, type Clock } from '@melissa/kit';
import {
  decodeControl,
  encodeControl,
  peekControl,
  type ControlBody,
  type ControlMessage,
  type ControlName,
} from '@melissa/protocol';
import type { CompiledStudy } from '@melissa/crds';
import { errors, type ErrorCode } from '../errors.ts';
import type { PeerId } from '../io/control-socket.ts';
import {
  clientRetryMs,
  headSilenceMs,
  heartbeatMs,
  peerSilenceMsMin,
  refusalSentencesPerMinuteMax,
  simulationsMax,
} from '../limits.ts';
import type { Instruction, PlanEvent } from '../plan/types.ts';
import { Peers, type Peer } from './peers.ts';
import type { RankLink } from './rank-link.ts';
import { clientWelcomeOf, fieldLayoutOf, type FieldRefusal } from './study-facts.ts';
import { endedEvent, progressEvent } from './translate.ts';

export type RouterOptions = {
  study: CompiledStudy;
  epoch: number;
  token: string;
  clock: Clock;
  ranks: RankLink[];
  pilotWelcome: ControlBody<'PilotWelcome'>;
  sameSecret: (given: string, wanted: string) => boolean;
  send: (peer: PeerId, frame: Uint8Array) => void;
  /** Feeds the plan and carries out everything but answers, which it returns. */
  apply: (event: PlanEvent) => Instruction[];
  planFinished: () => boolean;
  committedCheckpoint: () => number;
  /** Sentences for the log. */
  log: (sentence: string) => void;
};

type Of<N extends ControlName> = Extract<ControlMessage, { name: N }>;

export class ControlRouter {
  readonly peers = new Peers();
  #o: RouterOptions;
  /** Where the answers to NextSimulations go, by the number that the plan knows. */
  #replies = new Map<number, { peer: Peer; request: number }>();
  #nextReply = 1;
  #refusalMinuteStartMs = -Infinity;
  #refusalSentences = 0;

  constructor(options: RouterOptions) {
    this.#o = options;
  }

  receive(id: PeerId, frame: Uint8Array): void {
    const peer = this.peers.heard(id, this.#o.clock.monotonicMs());
    if (peer === null) return;
    try {
      const message = decodeControl(frame);
      const answer = message.request === 0 ? undefined : peer.answers.get(message.request);
      if (answer !== undefined && peer.kind !== 'rank') this.#transmit(peer, answer);
      else this.#dispatch(peer, message);
    } catch (cause) {
      this.#undecodable(peer, frame, cause);
    }
  }
  #undecodable(peer: Peer, frame: Uint8Array, cause: unknown): void {
    if (!(cause instanceof ProjectError)) throw cause;
    this.peers.refused += 1;
    this.#logRefusal(`a message of ${peer.kind || 'a stranger'} ${peer.name} was refused: ${cause.message}`);
    const request = peekControl(frame)?.request ?? 0;
    const code = cause.code === 'EVERSION' ? 'EVERSION' : 'EMESSAGE';
    this.#reply(peer, request, 'Refused', { code, message: cause.message, remedy: cause.remedy, retryAfterMs: 0 });
  }
  /** Sparing: somebody who sends nothing but nonsense must not fill the disk. All of them are counted. */
  #logRefusal(sentence: string): void {
    const nowMs = this.#o.clock.monotonicMs();
    if (nowMs - this.#refusalMinuteStartMs > 60_000) {
      this.#refusalMinuteStartMs = nowMs;
      this.#refusalSentences = 0;
    }
    this.#refusalSentences += 1;
    if (this.#refusalSentences < refusalSentencesPerMinuteMax) this.#o.log(sentence);
    else if (this.#refusalSentences === refusalSentencesPerMinuteMax)
      this.#o.log(`${sentence}; more of these are counted, and not told for a minute`);
  }

  #dispatch(peer: Peer, message: ControlMessage): void {
    switch (message.name) {
      case 'PilotHello':
        return this.#pilotHello(peer, message);
      case 'ClientHello':
        return this.#clientHello(peer, message);
      case 'NextSimulations':
        return this.#nextSimulations(peer, message);
      case 'RankHello':
        return this.#rankHello(peer, message);
      default:
    }
    if (peer.kind === '') return this.push(peer, 'HeadHeartbeat', { planFinished: this.#o.planFinished() ? 1 : 0 });
    if (peer.kind === 'pilot') this.#fromPilot(peer, message);
    else if (peer.kind === 'client') this.#fromClient(peer, message);
    else this.#fromRank(peer, message);
  }

  // ---- pilots ----
  #pilotHello(peer: Peer, message: Of<'PilotHello'>): void {
    if (!this.#tokenIsRight(peer, message)) return;
    const { pilot, instance, host, slots, running } = message.body;
    this.peers.name(peer, 'pilot', pilot);
    this.#reply(peer, message.request, 'PilotWelcome', this.#o.pilotWelcome);
    this.#o.apply({ type: 'pilotHello', pilot, instance: String(instance), host, slots, running });
  }
  #fromPilot(peer: Peer, message: ControlMessage): void {
    const pilot = peer.name;
    switch (message.name) {
      case 'Started':
        this.#o.apply({ type: 'started', pilot, lease: message.body.lease });
        return this.#ok(peer, message);
      case 'Ended':
        this.#o.apply(endedEvent(pilot, message.body));
        return this.#ok(peer, message);
      case 'PilotHeartbeat':
        this.#o.apply({ type: 'pilotHeartbeat', pilot, ...message.body });
        return;
      case 'Draining':
        this.#o.apply({ type: 'draining', pilot, reason: message.body.reason });
        return this.#ok(peer, message);
      default:
    }
  }

  // ---- clients ----
  #clientHello(peer: Peer, message: Of<'ClientHello'>): void {
    if (!this.#tokenIsRight(peer, message)) return;
    const { client, simulation, draw, attempt, ranks } = message.body;
    const endpoints = this.#endpoints();
    if (endpoints === null) {
      this.#refuse(peer, message.request, 'ERANKS_AWAY', errors.ERANKS_AWAY.message, clientRetryMs);
      return;
    }
    const instructions = this.#o.apply({
      type: 'clientHello',
      client: String(client),
      clientRanks: ranks,
      reference: { simulation, draw, attempt },
    });
    const answer = instructions.find((instruction) => instruction.type === 'clientAnswer');
    if (answer === undefined) return;
    if (answer.refused !== null) {
      this.#reply(peer, message.request, 'Refused', answer.refused);
      return;
    }
    this.peers.name(peer, 'client', String(client));
    peer.attempt = { simulation, draw, attempt };
    this.#reply(peer, message.request, 'ClientWelcome', clientWelcomeOf(this.#o.study, endpoints, answer.firstStep));
  }
  /** Data endpoints in rank order, or null while a rank has not come yet. */
  #endpoints(): ControlBody<'ClientWelcome'>['serverRanks'] | null {
    const found = this.#o.ranks.flatMap((rank) => (rank.identity === null || !rank.connected ? [] : [rank.identity]));
    if (found.length < this.#o.ranks.length) return null;
    return found.map(({ endpoint, serverKey, host }) => ({ endpoint, serverKey, host }));
  }
  #fromClient(peer: Peer, message: ControlMessage): void {
    switch (message.name) {
      case 'Field': {
        const layout = fieldLayoutOf(this.#o.study, message.body);
        if ('code' in layout) this.#refuseField(peer, message, layout);
        else this.#reply(peer, message.request, 'FieldLayout', layout);
        return;
      }
      case 'ClientBye':
        return this.#ok(peer, message);
      case 'ClientFault': {
        const { simulation, draw, attempt, code, message: text, field, step, cell } = message.body;
        const where = field === '' ? '' : ` (field ${field}, step ${step}, first cell ${cell})`;
        const reference = { simulation, draw, attempt };
        this.#o.apply({ type: 'clientFault', client: peer.name, reference, code, message: `${text}${where}` });
        return this.#ok(peer, message);
      }
      default:
    }
  }
  /** Nothing that this attempt sends can be right: it fails with this reason, not with what follows from it. */
  #refuseField(peer: Peer, message: Of<'Field'>, { code, message: text }: FieldRefusal): void {
    this.#refuse(peer, message.request, code, text, 0);
    const reference = peer.attempt;
    if (reference === null || reference.simulation !== message.body.simulation) return;
    this.#o.apply({ type: 'clientFault', client: peer.name, reference, code, message: text });
  }
  #nextSimulations(peer: Peer, message: Of<'NextSimulations'>): void {
    if (!this.#tokenIsRight(peer, message)) return;
    const { client, pilot, loopLease, ranks, wanted, finished } = message.body;
    this.peers.name(peer, 'client', String(client));
    const reply = this.#nextReply++;
    this.#replies.set(reply, { peer, request: message.request });
    this.#o.apply({
      type: 'nextSimulations',
      reply,
      pilot,
      loopLease,
      client: String(client),
      clientRanks: ranks,
      wanted,
      finished,
    });
    // Only the newest request of a client can still get a second answer.
    for (const [number, known] of this.#replies) {
      if (known.peer === peer && number < reply) this.#replies.delete(number);
    }
  }
  /** The plan's answer to a looping solver; `values` are those of the simulations, in their order. */
  simulations(reply: number, body: ControlBody<'NextSimulationsReply'>): void {
    const to = this.#replies.get(reply);
    if (to !== undefined) this.#reply(to.peer, to.request, 'NextSimulationsReply', body);
  }

  // ---- ranks ----
  #rankHello(peer: Peer, message: Of<'RankHello'>): void {
    if (!this.#tokenIsRight(peer, message)) return;
    const { rank, instance, host, processId, endpoint, serverKey, checkpoint, complete } = message.body;
    const link = this.#o.ranks[rank];
    if (link === undefined || complete.length > simulationsMax / 8) {
      this.#refuse(
        peer,
        message.request,
        'EMESSAGE',
        `the study has ${this.#o.ranks.length} ranks, this is rank ${rank}`,
        0,
      );
      return;
    }
    this.peers.name(peer, 'rank', String(rank));
    this.#o.apply({ type: 'rankHello', rank, instance: String(instance), complete, checkpoint });
    link.hello({ peer: peer.id, instance: String(instance), endpoint, serverKey, host, processId }, checkpoint);
    const body = { study: this.#o.study.name, heartbeatMs, checkpoint: this.#o.committedCheckpoint() };
    this.#reply(peer, message.request, 'RankWelcome', body);
  }
  #fromRank(peer: Peer, message: ControlMessage): void {
    const link = this.#o.ranks[Number(peer.name)];
    // A process that was replaced as this rank has nothing to say any more.
    if (link === undefined || link.identity?.peer !== peer.id) return;
    link.lastHeardMs = this.#o.clock.monotonicMs();
    if (!link.connected) {
      link.connected = true;
      this.#o.apply({ type: 'rankBack', rank: link.rank });
    }
    if (message.name === 'RankProgress') {
      const { event, totals } = progressEvent(link.rank, message.body);
      link.totals = totals;
      this.#o.apply(event);
      this.#ok(peer, message);
    } else if (message.name !== 'RankHeartbeat') {
      link.answer(message);
    }
  }

  // ---- answers ----
  #tokenIsRight(peer: Peer, message: { request: number; body: { token: string } }): boolean {
    if (this.#o.sameSecret(message.body.token, this.#o.token)) return true;
    this.peers.refused += 1;
    this.#refuse(peer, message.request, 'ETOKEN', errors.ETOKEN.message, 0);
    this.peers.remove(peer);
    return false;
  }
  #ok(peer: Peer, message: { request: number }): void {
    if (message.request !== 0) this.#transmit(peer, this.#encode('Ok', {}, message.request));
  }
  #refuse(peer: Peer, request: number, code: ErrorCode, message: string, retryAfterMs: number): void {
    this.#transmit(
      peer,
      this.#encode('Refused', { code, message, remedy: errors[code].remedy, retryAfterMs }, request),
    );
  }
  #reply<N extends ControlName>(peer: Peer, request: number, name: N, body: ControlBody<N>): void {
    const frame = this.#encode(name, body, request);
    // A hello is answered anew each time: the answer may have changed with the ranks.
    if (name === 'NextSimulationsReply' && request !== 0) this.peers.remember(peer, request, frame);
    this.#transmit(peer, frame);
  }
  push<N extends ControlName>(peer: Peer, name: N, body: ControlBody<N>): void {
    this.#transmit(peer, this.#encode(name, body, 0));
  }
  #encode<N extends ControlName>(name: N, body: ControlBody<N>, request: number): Uint8Array {
    return encodeControl(name, body, { epoch: this.#o.epoch, request });
  }
  #transmit(peer: Peer, frame: Uint8Array): void {
    peer.lastSentMs = this.#o.clock.monotonicMs();
    this.#o.send(peer.id, frame);
  }

  /** Beats to whoever heard nothing, notices silent ranks, forgets peers that are gone. */
  tick(nowMs: number): void {
    const planFinished = this.#o.planFinished() ? 1 : 0;
    for (const peer of this.peers) {
      if (nowMs - peer.lastHeardMs > headSilenceMs) this.peers.remove(peer);
      else if (peer.kind !== '' && peer.kind !== 'rank' && nowMs - peer.lastSentMs >= heartbeatMs) {
        this.push(peer, 'HeadHeartbeat', { planFinished });
      }
    }
    for (const link of this.#o.ranks) {
      if (link.connected && nowMs - link.lastHeardMs > peerSilenceMsMin) {
        link.connected = false;
        this.#o.apply({ type: 'rankLost', rank: link.rank, reason: `silent for ${peerSilenceMsMin / 1000} s` });
      }
      link.tick(nowMs);
    }
  }
}
