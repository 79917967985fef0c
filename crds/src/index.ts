// SPDX-License-Identifier: Apache-2.0
/** The MelissaStudy schema, the single source of truth, and what is made from it. */
export type * from './compiled.ts';
