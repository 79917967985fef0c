// SPDX-License-Identifier: Apache-2.0
/** The `melissa` command: makes the real world, runs one command in it, and ends with that command's exit code. */
import process from 'node:process';
import { systemWorld } from './io/world.ts';
import { runCommandLine } from './command-line.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), systemWorld(process.env));
