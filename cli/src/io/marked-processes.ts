// SPDX-License-Identifier: Apache-2.0
/**
 * Finds processes by the mark in their environment. Each process of a study is started with MELISSA_PROCESS set to
 * `RUN.SLOT.START`, and its descendants inherit it: the mark proves that a process is ours, where a process id, used
 * again by the system, proves nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';

export const MARK_VARIABLE = 'MELISSA_PROCESS';

/** Ids of the living processes whose mark starts with `prefix`. Only those of the same user can be seen. */
export function markedProcesses(prefix: string): number[] {
  const wanted = `\0${MARK_VARIABLE}=${prefix}`;
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && environmentOf(pid).includes(wanted) ? [pid] : [];
  });
}

/** Sends SIGKILL to every marked process, again and again while new ones appear. Returns how many were hit. */
export function killMarked(prefix: string, passesMax = 10): number {
  const hit = new Set<number>();
  for (let pass = 0; pass < passesMax; pass++) {
    const pids = markedProcesses(prefix);
    if (pids.every((pid) => hit.has(pid))) break;
    for (const pid of pids) {
      hit.add(pid);
      signalProcess(pid, 'SIGKILL');
    }
  }
  return hit.size;
}

/** False when the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Start of a process in clock ticks since boot: with the id it names one process for ever. Null when it is gone. */
export function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain anything; field 22 is the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
  } catch {
    return ''; // it ended, or is not ours to look at
  }
}
