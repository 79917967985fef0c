// SPDX-License-Identifier: Apache-2.0
/**
 * The plan as bytes, for the head's checkpoint: a header, a small JSON part, the table's arrays, a checksum. Leases are not
 * in it: after a restore pilots name what they run, and ranks name what is complete, so that what was leased or received
 * becomes Pending and is corrected by them. Files and checksums are the caller's (head/checkpoints.ts).
 *
 * Layout, little-endian: magic u32, version u32, JSON length u32, simulations u32, JSON (UTF-8), state u8[], then draw,
 * attempt, failures, lost, executions, communicator u16[], crc32 u32 of all before.
 */
import { ProjectError } from '@melissa/kit';
import { attemptJump } from '../limits.ts';
import { errors } from '../errors.ts';
import type { ConvergenceState } from './convergence-policy.ts';
import type { PlanState } from './plan-state.ts';
import { Code } from './types.ts';

const MAGIC = 0x50534c4d; // 'MLSP'
const VERSION = 1;
const HEADER_BYTES = 16;

type Rest = {
  fingerprint: string;
  epoch: number;
  /** Number of the last checkpoint that all ranks have; 0 = none. */
  checkpoint: number;
  elapsedMs: number;
  parallelism: number;
  suspended: boolean;
  closed: string;
  outcome: PlanState['outcome'];
  outcomeReason: string;
  convergence: ConvergenceState;
  meanMs: number | null;
  retried: number;
  redrawn: number;
  failed: number;
  reasons: [number, string][];
};
export type CheckpointFacts = { fingerprint: string; checkpoint: number; elapsedMs: number };

export function encodePlan(plan: PlanState, facts: CheckpointFacts, crc32: (bytes: Uint8Array) => number): Uint8Array {
  const { suspended, closed, outcome, outcomeReason, convergence, meanMs, retried, redrawn, failed, parallelism } =
    plan;
  const rest: Rest = {
    ...facts,
    epoch: plan.options.epoch,
    parallelism,
    suspended,
    closed,
    outcome,
    outcomeReason,
    convergence: { ...convergence, checking: false },
    meanMs,
    retried,
    redrawn,
    failed,
    reasons: [...plan.reasons],
  };
  const json = new TextEncoder().encode(JSON.stringify(rest));
  const arrays = arraysOf(plan);
  const size = HEADER_BYTES + json.length + arrays.reduce((sum, array) => sum + array.byteLength, 0) + 4;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, json.length, true);
  view.setUint32(12, plan.options.simulations, true);
  bytes.set(json, HEADER_BYTES);
  let at = HEADER_BYTES + json.length;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

function arraysOf(plan: PlanState): (Uint8Array | Uint16Array)[] {
  const { state, draw, attempt, failures, lost, executions, communicator } = plan.table;
  return [state, draw, attempt, failures, lost, executions, communicator];
}

function refuse(kind: keyof typeof errors, detail: string): ProjectError {
  return new ProjectError({ code: kind, message: `${errors[kind].message}: ${detail}`, remedy: errors[kind].remedy });
}

/** What the bytes say about themselves. Throws ECHECKPOINT_DAMAGED or ECHECKPOINT_STUDY. */
export function inspectPlan(bytes: Uint8Array, fingerprint: string, crc32: (bytes: Uint8Array) => number): Rest {
  if (bytes.length < HEADER_BYTES + 4) throw refuse('ECHECKPOINT_DAMAGED', `it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 4;
  if (view.getUint32(0, true) !== MAGIC) throw refuse('ECHECKPOINT_DAMAGED', 'it does not begin as a plan');
  if (view.getUint32(4, true) !== VERSION)
    throw refuse('ECHECKPOINT_DAMAGED', `its version is ${view.getUint32(4, true)}, this server reads ${VERSION}`);
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end)))
    throw refuse('ECHECKPOINT_DAMAGED', 'its checksum is wrong');
  const jsonBytes = view.getUint32(8, true);
  const rest = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_BYTES, HEADER_BYTES + jsonBytes))) as Rest;
  if (rest.fingerprint !== fingerprint) throw refuse('ECHECKPOINT_STUDY', 'its fingerprint differs');
  return rest;
}

/** Fills a new plan. Returns what the head needs besides. */
export function restorePlan(
  plan: PlanState,
  bytes: Uint8Array,
  fingerprint: string,
  crc32: (bytes: Uint8Array) => number,
): Rest {
  const rest = inspectPlan(bytes, fingerprint, crc32);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(12, true) !== plan.options.simulations)
    throw refuse('ECHECKPOINT_STUDY', 'it has another number of simulations');
  let at = HEADER_BYTES + view.getUint32(8, true);
  for (const array of arraysOf(plan)) {
    const target = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    target.set(bytes.subarray(at, at + array.byteLength));
    at += array.byteLength;
  }
  const { state, attempt } = plan.table;
  // Heads after this plan, of which none or only damaged ones are left, may have given out attempts: their numbers are not used again.
  const jump = attemptJump * Math.max(1, plan.options.epoch - rest.epoch);
  for (let simulation = 0; simulation < state.length; simulation++) {
    if (state[simulation]! > Code.Done) continue;
    // Also of what was done: a rank that lost it had it leased again.
    attempt[simulation] = Math.min(65535, attempt[simulation]! + jump);
    if (state[simulation]! < Code.Done) state[simulation] = Code.Pending;
  }
  plan.table.recount();
  const { parallelism, suspended, closed, outcome, outcomeReason, convergence, meanMs, retried, redrawn, failed } =
    rest;
  Object.assign(plan, {
    parallelism,
    suspended,
    closed,
    outcome,
    outcomeReason,
    convergence,
    meanMs,
    retried,
    redrawn,
    failed,
  });
  for (const [simulation, reason] of rest.reasons) plan.reasons.set(simulation, reason);
  return rest;
}
