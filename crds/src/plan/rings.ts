// SPDX-License-Identifier: Apache-2.0
/**
 * Memory that a rank shares with solvers of its machine: a ring each (client-api/protocol/PROTOCOL.md, "Shared memory on one host").
 * memory.ts counts it beside what is being received, because a ring is mapped whole before anything lies in it. The constants are
 * those of server/native/src/io/rings.cpp and of the client library.
 */
import type { CompiledStudy } from '../compiled.ts';
import { itemSize, rankCells } from './state.ts';

/** Before every frame in a ring, and at the beginning of every frame. */
const RECORD_BYTES = 64;
const FRAME_HEADER_BYTES = 96;
const PAGE_BYTES = 4096;
/** Places beyond the send window. */
const FRAMES_BEYOND_WINDOW = 2;
/** A rank offers no more. */
const RINGS_MAX = 256;
/** A solver that runs one simulation asks for a ring only when it sends a rank at least so much. */
const RING_WORTH_BYTES = 4 * 2 ** 20;

const roundedUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;

/** Bytes of the payload of the largest frame that one rank of a solver can send to one rank of the server. */
function largestBlockBytes(study: CompiledStudy): number {
  return Math.max(
    0,
    ...study.fields.map((field) => rankCells(field.keptCells, study.server.ranks, 0) * itemSize(field)),
  );
}

/** What a solver expects to send to the largest rank: it does not look at which steps are kept. */
function simulationBytes(study: CompiledStudy): number {
  const bytes = study.fields.map(
    (field) => rankCells(field.keptCells, study.server.ranks, 0) * itemSize(field) * study.time.steps,
  );
  return bytes.reduce((sum, one) => sum + one, 0);
}

/**
 * Most bytes of all rings of one rank; 0 where nobody shares memory with it. A solver that loops has one for each of its ranks as long
 * as it lives. Those of solvers that run one simulation outlive them by up to a second, so there only the rank's own bound counts: half
 * of `receiveBudget`.
 */
export function ringBytes(study: CompiledStudy): number {
  const { server, client, backend } = study;
  // A pod has a process namespace and a host name of its own: it takes no ring and is offered none.
  if (backend === 'Kubernetes' || study.fields.length === 0) return 0;
  if (!client.loop && simulationBytes(study) < RING_WORTH_BYTES) return 0;
  const place = RECORD_BYTES + roundedUp(FRAME_HEADER_BYTES + largestBlockBytes(study), 64);
  const one = roundedUp(server.sendWindowBytes + FRAMES_BEYOND_WINDOW * place, PAGE_BYTES);
  const rings = client.loop ? Math.min(RINGS_MAX, client.parallelism * client.ranks) : RINGS_MAX;
  return Math.min(Math.floor(server.receiveBudgetBytes / 2), rings * one);
}
