// SPDX-License-Identifier: Apache-2.0
/** Runs every gate over the tree and reports in TAP. Each says how much it looked at; looking at nothing is a failure. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { at, root } from '../setup/run.ts';
import { generators } from '../setup/generate.ts';
import type { GateResult } from './gate.ts';
import { importLaw } from './import-law.ts';
import {
  codesExplained,
  dependenciesExplained,
  linksLead,
  noRegistryHosts,
  nothingLeftOpen,
  spdxLines,
  type TextFile,
} from './text-gates.ts';

const binary = /[.](bin|png|npy|ico|woff2?|gz|tar)$/;
const FILE_BYTES_MAX = 1 << 20;

function trackedFiles(): TextFile[] {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return listed.stdout
    .split('\n')
    .filter(
      (path) => path !== '' && !binary.test(path) && existsSync(at(path)) && statSync(at(path)).size <= FILE_BYTES_MAX,
    )
    .map((path) => ({ path, text: readFileSync(at(path), 'utf8') }));
}

/** A program of node_modules; its own findings are the problems. */
function program(script: string, args: string[], looked: number): GateResult {
  const run = spawnSync(process.execPath, [at('node_modules', script), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (run.status === 0) return { looked, problems: [] };
  const lines = `${run.stdout}\n${run.stderr}`.split('\n').filter((line) => line.trim() !== '');
  return { looked, problems: lines.slice(0, 60) };
}

function generated(): GateResult {
  const problems: string[] = [];
  for (const generator of generators) {
    const run = spawnSync(process.execPath, [at(generator), '--check'], { cwd: root, encoding: 'utf8' });
    if (run.status !== 0) problems.push(`${generator}: ${`${run.stdout}${run.stderr}`.trim().slice(0, 2000)}`);
  }
  return { looked: generators.length, problems };
}

const files = trackedFiles();
const typescript = files.filter((file) => /[.]m?ts$/.test(file.path)).length;
const gates: [string, () => GateResult][] = [
  [
    'every file is laid out by the formatter',
    () => program('prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.'], files.length),
  ],
  ['the lint finds nothing', () => program('eslint/bin/eslint.js', ['--max-warnings=0', '.'], typescript)],
  ['the types hold', () => program('typescript/bin/tsc', ['--noEmit', '-p', '.'], typescript)],
  [
    'packages import only what they may',
    () => importLaw(root, at('node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs')),
  ],
  ['generated files are current', generated],
  ['every source names its licence', () => spdxLines(files)],
  ['no registry host is named', () => noRegistryHosts(files)],
  ['nothing is left open in the code', () => nothingLeftOpen(files)],
  ['every dependency is explained', () => dependenciesExplained(files)],
  ['every error code is explained', () => codesExplained(files)],
  ['links in the documentation lead somewhere', () => linksLead(files, (path) => existsSync(join(root, path)))],
];

let failed = 0;
process.stdout.write(`TAP version 13\n1..${gates.length}\n`);
gates.forEach(([sentence, gate], index) => {
  const { looked, problems } = gate();
  if (looked === 0) problems.push('the gate looked at nothing');
  if (problems.length > 0) failed += 1;
  process.stdout.write(`${problems.length > 0 ? 'not ok' : 'ok'} ${index + 1} - ${sentence} (looked at ${looked})\n`);
  for (const problem of problems) process.stdout.write(`  # ${problem}\n`);
});
process.exitCode = failed === 0 ? 0 : 1;
