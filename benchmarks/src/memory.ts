// SPDX-License-Identifier: Apache-2.0
/** Resident memory of the processes of a study, from outside, while it runs. */
import { readdirSync, readFileSync } from 'node:fs';

const PERIOD_MS = 50;

/** `head` or `rank` by the command line of a process of the study in `directory`; null for any other process. */
function roleOf(pid: string, directory: string): string | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (!words.includes(directory)) return null;
    return words.find((word) => word === 'head' || word === 'rank') ?? null;
  } catch {
    return null; // ended meanwhile
  }
}

function peakBytes(pid: string): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return 1024 * Number(line?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The largest resident memory that head and ranks ever had, added up, while `work` ran. */
export async function peakOfServer<T>(
  directory: string,
  work: () => Promise<T>,
): Promise<{ bytes: number; result: T }> {
  const peaks = new Map<string, number>();
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid) || roleOf(pid, directory) === null) continue;
      peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakBytes(pid)));
    }
  };
  const timer = setInterval(look, PERIOD_MS);
  try {
    const result = await work();
    return { bytes: [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0), result };
  } finally {
    clearInterval(timer);
  }
}
