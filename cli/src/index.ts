// SPDX-License-Identifier: Apache-2.0
/** The command line as a library: for tests and for the generators of its reference. */
export { runCommandLine } from './command-line.ts';
export { buildProgram } from './program.ts';
export { exitCodes } from './exit-codes.ts';
export { errors } from './errors.ts';
export { systemWorld } from './io/world.ts';
