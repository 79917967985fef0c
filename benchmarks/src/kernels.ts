// SPDX-License-Identifier: Apache-2.0
/** Kernels against the memory of one core (native/kernels.cpp), and how their lines are read. */
import { createHash } from 'node:crypto';
import { median, rounded, type Answer, type Setting } from './bench.ts';
import { runNative } from './programs.ts';

export type KernelLine = {
  question: string;
  instructionSet: string;
  ratios: number[];
  valuesPerSecond: number;
  boundBytesPerSecond: number;
  bytesPerCell: number;
  hash: string;
};

/** State far beyond the last-level cache that one core of a server processor can call its own. */
const STATE_MIB = 384;

export const kernel = (question: string, setting: Setting, repetitions: number): Promise<KernelLine> =>
  runNative<KernelLine>('kernels', [question, setting.tiny ? 1 : STATE_MIB, repetitions]);

/** The first question is the answer; the others are reported beside it. */
export async function kernelAnswer(setting: Setting, questions: string[]): Promise<Answer> {
  const lines: KernelLine[] = [];
  // A few more repetitions than elsewhere: each takes a fraction of a second.
  for (const question of questions)
    lines.push(await kernel(question, setting, setting.tiny ? 1 : 3 * setting.repetitions));
  const hash = createHash('sha256')
    .update(lines.map((line) => line.hash).join('\n'))
    .digest('hex')
    .slice(0, 16);
  const told = lines.map((line) => ({
    question: line.question,
    ratio: rounded(median(line.ratios)),
    valuesPerSecond: line.valuesPerSecond,
    boundBytesPerSecond: line.boundBytesPerSecond,
    bytesPerCell: line.bytesPerCell,
  }));
  const [first] = lines;
  return {
    value: median(first?.ratios ?? []),
    hash,
    detail: { instructionSet: first?.instructionSet, measured: told },
  };
}
