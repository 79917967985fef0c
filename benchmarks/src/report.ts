// SPDX-License-Identifier: Apache-2.0
/** docs/performance.md from the last line of each benchmarks/results/*.jsonl. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allBenches } from './all.ts';
import type { Bench, Result } from './bench.ts';
import { root } from './programs.ts';

type Line = Result & { date: string; commit: string; machine: string };

function lastOf(name: string): Line | null {
  const path = join(root, 'benchmarks', 'results', `${name}.jsonl`);
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8').trim().split('\n').at(-1);
  return text === undefined || text === '' ? null : (JSON.parse(text) as Line);
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const shown = ({ value, unit }: Line): string => (unit === 'ms' ? `${value} ms` : String(value));
const goalOf = (bench: Bench): string =>
  bench.goal === null
    ? 'none'
    : `${bench.better === 'higher' ? '≥' : '≤'} ${bench.goal}${bench.unit === 'ms' ? ' ms' : ''}`;

const metOf = (bench: Bench, line: Line): string => (bench.goal === null ? '' : line.met ? 'yes' : '**no**');

function row(bench: Bench, line: Line | null): string {
  if (line === null) return `| [${bench.name}](#${bench.name}) | not asked yet | ${goalOf(bench)} | |`;
  return `| [${bench.name}](#${bench.name}) | ${shown(line)} | ${goalOf(bench)} | ${metOf(bench, line)} |`;
}

function section(bench: Bench, line: Line | null): string {
  const head = `### ${bench.name}\n\n${bench.question} Compared with: ${bench.peer}.\n\n${bench.limits}\n`;
  if (line === null) return head;
  const facts = Object.entries(line.detail)
    .map(([key, value]) => `- ${key}: ${cell(typeof value === 'object' ? JSON.stringify(value) : String(value))}`)
    .join('\n');
  return `${head}\n${shown(line)} on ${line.date}, commit ${line.commit}, ${line.machine}\n([every answer](../benchmarks/results/${bench.name}.jsonl)).\n\n${facts}\n`;
}

async function text(): Promise<string> {
  const all = (await allBenches()).map((bench) => ({ bench, line: lastOf(bench.name) }));
  return `# Performance

Generated from benchmarks/results by \`npm run bench\`; do not edit. Each benchmark asks one question of the same machine in the same run as a
peer or a bound, at least five times in turn (\`repetitions\` says how often); a value is the median of the ratios (for a time, of the times). \`npm run bench -- NAME\` asks one
of them again. Figures move with the machine and with what else runs on it; ratios move less.

| benchmark | value | goal | met |
|---|---|---|---|
${all.map(({ bench, line }) => row(bench, line)).join('\n')}

${all.map(({ bench, line }) => section(bench, line)).join('\n')}`;
}

export const reportPath = join(root, 'docs', 'performance.md');
export const reportText = text;
export async function writeReport(): Promise<void> {
  writeFileSync(reportPath, await text());
}
