// SPDX-License-Identifier: Apache-2.0
/** compare.py as a process that answers questions one after another: loading NumPy once a run, not once a seed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { python } from '../melissa.ts';

export type Comparison = { largest: number; ratios: Record<string, number> };
const ANSWER_LIMIT_MS = 60_000;

export class Comparer {
  #process: ChildProcess;
  #lines: AsyncIterator<string>;

  constructor() {
    this.#process = spawn(python, [fileURLToPath(new URL('./compare.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }
  async compare(one: string, other: string): Promise<Comparison> {
    this.#process.stdin!.write(`${JSON.stringify({ one, other })}\n`);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), ANSWER_LIMIT_MS);
    const line = await this.#lines.next();
    clearTimeout(timer);
    if (line.done === true) return { largest: Infinity, ratios: { 'the comparer ended': Infinity } };
    return JSON.parse(line.value) as Comparison;
  }
  close(): void {
    this.#process.stdin!.end();
  }
}
