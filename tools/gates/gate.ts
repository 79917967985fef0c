// SPDX-License-Identifier: Apache-2.0
/** A gate looks at the tree and says how much it looked at and what is wrong: one sentence a problem, with the place. */
export type GateResult = { looked: number; problems: string[] };
