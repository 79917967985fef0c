// SPDX-License-Identifier: Apache-2.0
/** Sampling designs: what the plan and the results writer use of this folder. */
export { makeDesign, type Design, type ParameterVector } from './design.ts';
export { formatValue } from './format.ts';
