// SPDX-License-Identifier: Apache-2.0
/** benchmarks: questions with numbers. */
export type { Answer, Bench, Result, Setting } from './bench.ts';
