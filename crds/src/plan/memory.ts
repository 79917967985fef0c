// SPDX-License-Identifier: Apache-2.0
/**
 * What a study needs before it is started: memory of every server process, checkpoint and results on disk. `melissa
 * validate` prints it, and a study that does not fit is refused with remedies and what each saves.
 */
import { formatBytes } from '@melissa/kit';
import type { CompiledStudy } from '../compiled.ts';
import { groupHeldBytes, groupsWanted, openGroupsMax } from './held.ts';
import { remediesFor, type Remedy } from './remedies.ts';
import { ringBytes } from './rings.ts';
import { resultBytes, stateBytes, stateRows, type StateRow } from './state.ts';

/** Code and heap of a head or rank without any study. */
export const PROCESS_BYTES = 120 * 2 ** 20;
/** A checkpoint is copied block by block with at most so much at once. */
export const CHECKPOINT_COPY_BYTES = 64 * 2 ** 20;
/** Bound of what the head keeps of one simulation. */
export const HEAD_BYTES_PER_SIMULATION = 256;

export type RankMemory = {
  process: number;
  state: number;
  held: number;
  receive: number;
  /** Shared with solvers of the same machine. */
  rings: number;
  checkpointCopy: number;
  bits: number;
  total: number;
};

export type MemoryPlan = {
  ranks: number;
  memoryBytes: number;
  /** The largest rank. */
  rank: RankMemory;
  head: number;
  /** State of the largest rank by statistic. */
  statistics: (StateRow & { bytes: number })[];
  /** One checkpoint of one rank; two are kept. */
  checkpointBytes: number;
  /** Results of the whole study before compression, and its kept raw fields. */
  resultsBytes: number;
  rawBytes: number;
  groupHeldBytes: number;
  openGroupsMax: number;
  fits: boolean;
  /** What does not fit, in sentences; empty when everything does. */
  excesses: string[];
  remedies: Remedy[];
};

export function rankMemory(study: CompiledStudy): RankMemory {
  const { server, client, sampling } = study;
  const state = stateBytes(study);
  const oneGroup = groupHeldBytes(study);
  const held = Math.min(Math.max(server.heldBytesMax, oneGroup), oneGroup * Math.max(1, groupsWanted(study)));
  const receive =
    study.fields.length === 0
      ? 0
      : Math.min(server.receiveBudgetBytes, client.parallelism * client.ranks * server.sendWindowBytes);
  const rings = ringBytes(study);
  const checkpointCopy = Math.min(CHECKPOINT_COPY_BYTES, state);
  // One bit a finished simulation and consumer; those of running ones are counted by the process.
  const consumers = study.fields.length * 2 + study.covariances.length;
  const bits = Math.ceil(sampling.simulations / 8) * consumers;
  const total = PROCESS_BYTES + state + held + receive + rings + checkpointCopy + bits;
  return { process: PROCESS_BYTES, state, held, receive, rings, checkpointCopy, bits, total };
}

/** The head; a Latin hypercube also keeps 4 bytes a parameter and point. */
export function headMemory({ sampling, parameters }: CompiledStudy): number {
  const dimensions = parameters.length * (sampling.method === 'PickFreeze' ? 2 : 1);
  const strata = sampling.design === 'LatinHypercube' ? 4 * dimensions * sampling.groups : 0;
  return PROCESS_BYTES + HEAD_BYTES_PER_SIMULATION * sampling.simulations + strata;
}

/** What does not fit, in sentences. */
function excessesOf(study: CompiledStudy): string[] {
  const { memoryBytes, heldBytesMax } = study.server;
  const rank = rankMemory(study).total;
  const head = headMemory(study);
  const oneGroup = groupHeldBytes(study);
  const excesses: string[] = [];
  const limit = `but server.memory is ${formatBytes(memoryBytes)}`;
  if (rank > memoryBytes) excesses.push(`each rank needs ${formatBytes(rank)}, ${limit}`);
  if (head > memoryBytes) {
    excesses.push(`the head needs ${formatBytes(head)} for ${study.sampling.simulations} simulations, ${limit}`);
  }
  if (oneGroup > heldBytesMax) {
    const { groupSize } = study.sampling;
    const what = groupSize > 1 ? `one group of ${groupSize} simulations` : 'one simulation';
    excesses.push(
      `${what} may hold ${formatBytes(oneGroup)} on a rank, but server.heldLimit is ${formatBytes(heldBytesMax)}`,
    );
  }
  return excesses;
}

/** Memory that the largest process of this study takes; what the saving of a remedy is counted in. */
const needOf = (study: CompiledStudy): number => Math.max(rankMemory(study).total, headMemory(study));

export function planMemory(study: CompiledStudy): MemoryPlan {
  const rank = rankMemory(study);
  const excesses = excessesOf(study);
  const results = resultBytes(study);
  return {
    ranks: study.server.ranks,
    memoryBytes: study.server.memoryBytes,
    rank,
    head: headMemory(study),
    statistics: stateRows(study).map((row) => ({ ...row, bytes: row.bytesPerCellStep * row.cellSteps })),
    checkpointBytes: rank.state + rank.bits,
    resultsBytes: results.statistics,
    rawBytes: results.raw,
    groupHeldBytes: groupHeldBytes(study),
    openGroupsMax: openGroupsMax(study),
    fits: excesses.length === 0,
    excesses,
    remedies:
      excesses.length === 0 ? [] : remediesFor(study, { needOf, fits: (changed) => excessesOf(changed).length === 0 }),
  };
}
