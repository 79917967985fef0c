// SPDX-License-Identifier: Apache-2.0
/** For tests of operators: a clock that is moved, chance from a seed, an API server in memory and over HTTP, faults. */
export * from './random.ts';
export * from './manual-clock.ts';
export * from './faulty.ts';
export * from './fake-api.ts';
export { servedOverHttp, type Served } from '../io/scripted-server.ts';
