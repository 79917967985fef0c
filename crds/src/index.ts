// SPDX-License-Identifier: Apache-2.0
/** The MelissaStudy schema, the single source of truth, and what is made from it. */
export type * from './compiled.ts';
export type { CheckedSpec, MelissaStudy, MelissaStudySpec, MelissaStudyStatus } from './types.generated.ts';
export { compileStudy, type CompileContext, type CompileResult } from './compile.ts';
export { inlineable } from './compile/rows.ts';
export { type ManifestProblem } from './problems.ts';
export { fingerprintOf, sha256, canonicalJson } from './fingerprint.ts';
export { CONDITION_TYPES } from './schema/status.ts';
export { API_VERSION, NAME_MAX, NAME_PATTERN, resource } from './schema/study.ts';
export { completeSpec, withoutDefaults } from './defaults.ts';
export { explain } from './explain.ts';
export { groupHeldBytes, groupsWanted, openGroupsMax } from './plan/held.ts';
export { planMemory, type MemoryPlan, type RankMemory } from './plan/memory.ts';
export { type Remedy } from './plan/remedies.ts';
export { rankBegin, rankCells } from './plan/state.ts';
export { errors } from './errors.ts';
export { intervalNote } from './labels.ts';
