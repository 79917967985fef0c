// SPDX-License-Identifier: Apache-2.0
/**
 * The processes of a study, as the system sees them: everything whose command line or environment names the study's
 * directory. It finds what the project's own bookkeeping might have lost.
 */
import { readdirSync, readFileSync } from 'node:fs';

export type Found = { pid: number; parent: number; state: string; words: string[]; role: string };

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended meanwhile
  }
};

/** Living processes of the study; zombies are dead. */
export function processesOf(directory: string): Found[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const command = read(`/proc/${pid}/cmdline`);
    if (!command.includes(directory) && !read(`/proc/${pid}/environ`).includes(directory)) return [];
    const stat = read(`/proc/${pid}/stat`);
    const [state = 'Z', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return [];
    const words = command.split('\0').slice(0, -1);
    return [{ pid, parent: Number(parent), state, words, role: roleOf(words) }];
  });
}

function roleOf(words: string[]): string {
  const all = words.join(' ');
  if (words.includes('head') && all.includes('server/src/main.ts')) return 'head';
  if (words.includes('rank') && all.includes('server/src/main.ts')) return 'rank';
  if (all.includes('cli/src/main.ts')) return 'cli';
  if (/^\S*melissa-pilot /.test(all)) return 'pilot';
  return 'solver';
}

export const describe = (found: Found[]): string =>
  found
    .map(
      ({ pid, parent, state, role, words }) =>
        `  ${pid} (child of ${parent}, ${state}) ${role}: ${words.join(' ').slice(0, 160)}`,
    )
    .join('\n');

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // it ended by itself meanwhile
  }
}
