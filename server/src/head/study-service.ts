// SPDX-License-Identifier: Apache-2.0
/**
 * What people and programs see of the study: the head's StudyService. Reads the plan, the ranks' counters and the checkpoints;
 * changes go to the plan as events. Everything here costs no more than a pass over the simulations it is asked for.
 */
import type {
  AttemptRecord,
  BackendDemand,
  Intent,
  SimulationDetail,
  SimulationPage,
  SimulationQuery,
  SimulationSummary,
  StudyStatus,
} from '@melissa/api';
import { assert, type Clock } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import { statusFailedMax } from '../limits.ts';
import type { Plan } from '../plan/plan.ts';
import { Code, states, type PlanEvent } from '../plan/types.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Looker } from './convergence-check.ts';
import type { IntentKeeper } from './intent.ts';
import { Rate } from './rate.ts';
import { addTotals, noTotals, type RankLink, type RankTotals } from './rank-link.ts';
import type { StatisticQuery, StudyService } from './service.ts';
import type { StatisticsReader } from './statistics-reader.ts';
import { ranksOf } from './study-facts.ts';
import type { Suspension } from './suspension.ts';

export type ServiceParts = {
  study: CompiledStudy;
  epoch: number;
  plan: Plan;
  ranks: RankLink[];
  reader: StatisticsReader;
  checkpoints: Checkpoints;
  looker: Looker;
  clock: Clock;
  startWallMs: number;
  elapsedMs: () => number;
  parameters: (simulation: number, draw: number) => (number | string)[];
  controlEndpoint: () => string;
  apply: (event: PlanEvent) => void;
  intent: IntentKeeper;
  suspension: Suspension;
  /** Beside the checkpoint's: sentences of the results writer and of the event log. */
  degraded: () => string[];
};

const pageMax = 1000;
const pageDefault = 100;
const pilotsListedMax = 10_000;

export class HeadService implements StudyService {
  readonly study: CompiledStudy;
  /** Everything is written. */
  finished = false;
  results: string | null = null;
  #p: ServiceParts;
  #simulationRate = new Rate();
  #byteRate = new Rate();

  constructor(parts: ServiceParts) {
    this.study = parts.study;
    this.#p = parts;
  }

  /** Once a second. */
  sample(nowMs: number): void {
    this.#simulationRate.note(nowMs, this.#p.plan.state.table.counts[Code.Done]!);
    this.#byteRate.note(nowMs, this.totals().bytes);
  }
  totals(): RankTotals {
    const each = this.#p.ranks.map((rank) => addTotals(rank.before, rank.totals));
    return each.reduce(
      (sum, totals) => ({ ...addTotals(sum, totals), heldBytes: sum.heldBytes + totals.heldBytes }),
      noTotals,
    );
  }

  status(): StudyStatus {
    const { plan, study, epoch, checkpoints } = this.#p;
    const state = plan.state;
    const [pending, leased, running, received, done, failed, cancelled] = [...state.table.counts];
    const total = state.options.simulations;
    const totals = this.totals();
    const rate = this.#simulationRate.perSecond();
    const left = total - done! - failed! - cancelled!;
    return {
      name: study.name,
      state: this.#stateName(),
      reason: this.#reason(),
      epoch,
      generation: this.#p.intent.generation,
      startTime: new Date(this.#p.startWallMs).toISOString(),
      elapsedSeconds: this.#p.elapsedMs() / 1000,
      simulations: {
        total,
        pending: pending!,
        leased: leased!,
        running: running!,
        received: received!,
        done: done!,
        failed: failed!,
        cancelled: cancelled!,
        retried: state.retried,
        redrawn: state.redrawn,
      },
      progress: (total - left) / total,
      simulationsPerSecond: rate,
      etaSeconds: rate > 0 && left > 0 && !state.finished ? left / rate : null,
      bytesReceived: totals.bytes,
      bytesPerSecond: this.#byteRate.perSecond(),
      heldBytes: totals.heldBytes,
      framesReceived: totals.frames,
      duplicates: totals.duplicates,
      convergence: this.#convergence(),
      pilots: { desired: plan.desiredPilots, connected: state.pilots.size, active: this.#activePilots() },
      ranks: this.#p.ranks.map((rank) => ({
        rank: rank.rank,
        state: rank.connected ? 'Ready' : rank.identity === null ? 'Starting' : 'Away',
        endpoint: rank.identity?.endpoint ?? '',
        checkpoint: rank.checkpoint,
        rssBytes: rank.totals.rssBytes,
      })),
      checkpoint: {
        number: checkpoints.number,
        time: checkpoints.wallMs === null ? null : new Date(checkpoints.wallMs).toISOString(),
        failures: checkpoints.failures,
      },
      degraded: [...(checkpoints.problem === '' ? [] : [checkpoints.problem]), ...this.#p.degraded()],
      failedSimulations: this.#failedSimulations(),
      results: this.results,
    };
  }
  #stateName(): StudyStatus['state'] {
    const state = this.#p.plan.state;
    if (state.outcome !== null) return this.finished ? state.outcome : 'Finishing';
    if (state.suspended) return this.#p.suspension.isSafe ? 'Suspended' : 'Suspending';
    return state.ranksReady ? 'Running' : this.#p.ranks.some((rank) => rank.identity === null) ? 'Starting' : 'Running';
  }
  #reason(): string {
    const state = this.#p.plan.state;
    if (state.outcomeReason !== '') return state.outcomeReason;
    if (state.closed !== '') return state.closed;
    const away = this.#p.ranks.filter((rank) => !rank.connected).map((rank) => rank.rank);
    return away.length === 0 ? '' : `waiting for rank ${away.join(', ')} of the study server`;
  }
  #convergence(): StudyStatus['convergence'] {
    const finite = (value: number | undefined) => (value === undefined || !Number.isFinite(value) ? null : value);
    const ranks = this.#p.plan.state.ranks;
    const look = this.#p.looker.last;
    return {
      groups: ranks.length === 0 ? 0 : Math.min(...ranks.map((rank) => rank.groupsFolded)),
      widestInterval: finite(look?.widest),
      medianInterval: finite(look?.medianWidth),
      goal: this.study.stopWhen?.sobolIntervalBelow ?? null,
    };
  }
  #activePilots(): number {
    let active = 0;
    for (const pilot of this.#p.plan.state.pilots.values()) if (pilot.leases.size > 0) active += 1;
    return active;
  }
  #failedSimulations(): StudyStatus['failedSimulations'] {
    const { reasons, table } = this.#p.plan.state;
    const found: StudyStatus['failedSimulations'] = [];
    for (const [simulation, reason] of reasons) {
      if (table.state[simulation] !== Code.Failed) continue;
      found.push({ simulation, reason });
      if (found.length >= statusFailedMax) break;
    }
    return found;
  }

  simulations(query: SimulationQuery): SimulationPage {
    const wanted = query.state === undefined ? null : new Set(query.state.split(',').map((name) => name.trim()));
    const limit = Math.min(query.limit ?? pageDefault, pageMax);
    const { table, options } = this.#p.plan.state;
    const page: SimulationSummary[] = [];
    const groupStart = query.group === undefined ? 0 : query.group * options.groupSize;
    const end =
      query.group === undefined ? options.simulations : Math.min(options.simulations, groupStart + options.groupSize);
    let at = Math.max(groupStart, Number(query.cursor ?? 0) || 0);
    for (; at < end && page.length < limit; at++) {
      if (wanted === null || wanted.has(states[table.state[at]!]!)) page.push(this.#summary(at));
    }
    return { simulations: page, next: at < end ? String(at) : null };
  }
  #summary(simulation: number): SimulationSummary {
    const { table, reasons, options } = this.#p.plan.state;
    const draw = table.draw[simulation]!;
    const values = this.#p.parameters(simulation, draw);
    return {
      simulation,
      group: Math.floor(simulation / options.groupSize),
      member: simulation % options.groupSize,
      state: states[table.state[simulation]!]!,
      draw,
      attempts: table.executions[simulation]!,
      reason: reasons.get(simulation) ?? '',
      pilot: this.#p.plan.state.countingLease(simulation)?.pilot ?? '',
      parameters: Object.fromEntries(this.study.parameters.map((parameter, i) => [parameter.name, values[i]!])),
    };
  }
  /** With the attempt that runs now; those that ended are in the event log, and the HTTP server adds them. */
  simulation(id: number): SimulationDetail | null {
    if (!Number.isInteger(id) || id < 0 || id >= this.#p.plan.state.options.simulations) return null;
    const lease = this.#p.plan.state.countingLease(id);
    const history: AttemptRecord[] = [];
    if (lease !== undefined) {
      const { draw, attempt, pilot, host, state, startedMs } = lease;
      history.push({
        draw,
        attempt,
        pilot,
        host,
        state,
        reason: '',
        exitCode: null,
        signal: null,
        startTime: startedMs === null ? null : this.#time(startedMs),
        endTime: null,
        wallSeconds: null,
        cpuSeconds: null,
        peakRssBytes: null,
        stdout: '',
        stderr: '',
      });
    }
    return { ...this.#summary(id), history };
  }
  #time(monotonicMs: number): string {
    const { clock } = this.#p;
    return new Date(clock.wallMs() - (clock.monotonicMs() - monotonicMs)).toISOString();
  }

  readStatistic(query: StatisticQuery): Promise<Float64Array> {
    return this.#p.reader.read(query);
  }
  /** Digests are sums, so those of the ranks add up to that of the study. */
  async digests(): Promise<{ consumer: string; digest: string; units: number }[]> {
    const sums = new Map<string, { digest: bigint; units: number }>();
    const answers = await Promise.all(this.#p.ranks.map((rank) => rank.request('ReadDigest', {})));
    for (const answer of answers) {
      assert(answer.name === 'Digest', 'a rank answers ReadDigest with Digest');
      for (const { consumer, digest, units } of answer.body.digests) {
        const sum = sums.get(consumer) ?? { digest: 0n, units: 0 };
        sums.set(consumer, { digest: BigInt.asUintN(64, sum.digest + digest), units: sum.units + units });
      }
    }
    return [...sums]
      .map(([consumer, { digest, units }]) => ({ consumer, digest: digest.toString(16).padStart(16, '0'), units }))
      .sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
  }
  backendDemand(): BackendDemand {
    const { plan, epoch, study } = this.#p;
    return {
      epoch,
      desiredPilots: plan.desiredPilots,
      desiredRanks: ranksOf(study),
      controlEndpoint: this.#p.controlEndpoint(),
      planFinished: plan.state.finished,
      finished: this.finished,
      pilots: [...plan.state.pilots.values()]
        .slice(0, pilotsListedMax)
        .map(({ pilot, leases }) => ({ pilot, active: leases.size })),
    };
  }
  setParallelism(pilots: number): void {
    this.#p.apply({ type: 'setParallelism', pilots });
  }
  suspend(): void {
    this.#p.apply({ type: 'suspend' });
  }
  resume(): void {
    this.#p.apply({ type: 'resume' });
  }
  cancel(reason: string): void {
    this.#p.apply({ type: 'cancel', reason });
  }
  takeIntent(intent: Intent): Promise<boolean> {
    return this.#p.intent.take(intent);
  }
  /** The backend lists a pilot as gone; without it the head finds out by silence. */
  backendGone(pilot: string, reason: string): void {
    this.#p.apply({ type: 'backendGone', pilot, reason });
  }
}
