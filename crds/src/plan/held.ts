// SPDX-License-Identifier: Apache-2.0
/**
 * Held blocks: those that wait for their partners. They are bounded by leasing, so the head asks here what one more open
 * group may cost before it opens it.
 */
import type { CompiledField, CompiledStudy } from '../compiled.ts';
import { itemSize, rankCells } from './state.ts';

/** Why blocks of a field wait: for the other members of the group, for the other field, or for the end of the simulation. */
function waits(study: CompiledStudy, field: CompiledField): boolean {
  return (
    study.partial === 'Whole' ||
    field.statistics.sobol !== null ||
    study.covariances.some(({ fields }) => fields.includes(field.index))
  );
}

/**
 * Most bytes that one open group (one simulation, when there are no groups) may have held on rank `rank`: every kept block
 * of every member. 0 when nothing waits.
 */
export function groupHeldBytes(study: CompiledStudy, rank = 0): number {
  const fields = study.fields.filter((field) => waits(study, field));
  const bytes = fields.reduce(
    (sum, field) =>
      sum + rankCells(field.keptCells, study.server.ranks, rank) * field.keptSteps.length * itemSize(field),
    0,
  );
  return bytes * study.sampling.groupSize;
}

/** How many groups may be open at once so that `heldBytesMax` holds on every rank; all of them when nothing waits. 0: not even one fits. */
export function openGroupsMax(study: CompiledStudy): number {
  const bytes = groupHeldBytes(study);
  return bytes === 0
    ? study.sampling.groups
    : Math.min(study.sampling.groups, Math.floor(study.server.heldBytesMax / bytes));
}

/** Groups that must be open for every pilot to have work. */
export function groupsWanted(study: CompiledStudy): number {
  // One more, because the last member of a group ends later than the first of the next begins.
  return Math.min(
    study.sampling.groups,
    Math.ceil(study.client.parallelism / study.sampling.groupSize) + (study.sampling.groupSize > 1 ? 1 : 0),
  );
}
