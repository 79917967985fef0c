// SPDX-License-Identifier: Apache-2.0
/** `spec.server`, `spec.faultPolicy`, `spec.keepRaw` → their compiled forms. */
import { formatBytes, parseQuantity } from '@melissa/kit';
import type { CompiledFaultPolicy, CompiledSampling, CompiledServer, CompiledStudy } from '../compiled.ts';
import type { Problems } from '../problems.ts';
import type { CheckedSpec } from '../types.generated.ts';

const PATH = 'spec.server';

/** A server process without any state; less memory than this cannot run one. */
export const SERVER_MEMORY_MIN_BYTES = 128 * 2 ** 20;
/** One frame must fit into a window, and a frame is at most 1 MiB. */
export const SEND_WINDOW_MIN_BYTES = 2 ** 20;
export const KEEP_SECONDS_ON_CLUSTER = 3600;

export function compileServer(
  written: CheckedSpec['server'],
  backend: CompiledStudy['backend'],
  problems: Problems,
): CompiledServer | null {
  if (!problems.clean(PATH)) return null;
  const memoryBytes = parseQuantity(written.memory);
  const heldBytesMax = written.heldLimit === undefined ? Math.floor(memoryBytes / 4) : parseQuantity(written.heldLimit);
  const receiveBudgetBytes = parseQuantity(written.receiveBudget);
  const sendWindowBytes = parseQuantity(written.sendWindow);
  if (memoryBytes < SERVER_MEMORY_MIN_BYTES) {
    problems.add(
      `${PATH}.memory`,
      written.memory,
      `is less than the ${formatBytes(SERVER_MEMORY_MIN_BYTES)} that a server process needs`,
      'Write 128Mi or more.',
    );
  }
  if (sendWindowBytes < SEND_WINDOW_MIN_BYTES)
    problems.add(`${PATH}.sendWindow`, written.sendWindow, 'holds less than one frame', 'Write 1Mi or more.');
  if (sendWindowBytes > receiveBudgetBytes) {
    problems.add(
      `${PATH}.sendWindow`,
      written.sendWindow,
      `is more than receiveBudget ${written.receiveBudget}, so one solver could use all of it`,
      'Lower sendWindow, or raise receiveBudget.',
    );
  }
  for (const [key, bytes] of [['heldLimit', heldBytesMax] as const, ['receiveBudget', receiveBudgetBytes] as const]) {
    if (bytes > memoryBytes)
      problems.add(
        `${PATH}.${key}`,
        written[key] ?? null,
        `is more than memory ${written.memory}`,
        'Lower it, or raise memory.',
      );
  }
  return {
    ranks: written.ranks,
    memoryBytes,
    checkpointPeriodSeconds: written.checkpoint.periodSeconds,
    resultsPeriodSeconds: written.results.periodSeconds,
    keepSeconds: written.keepSeconds ?? (backend === 'Local' ? 0 : KEEP_SECONDS_ON_CLUSTER),
    heldBytesMax,
    receiveBudgetBytes,
    sendWindowBytes,
  };
}

export function compileFaultPolicy(
  written: CheckedSpec['faultPolicy'],
  sampling: CompiledSampling | null,
  problems: Problems,
): CompiledFaultPolicy | null {
  if (!problems.clean('spec.faultPolicy')) return null;
  if (written.onExhausted === 'Redraw' && (sampling?.method === 'Grid' || sampling?.method === 'List')) {
    problems.add(
      'spec.faultPolicy.onExhausted',
      'Redraw',
      `a ${sampling.method} design is fixed and cannot be redrawn`,
      'Write onExhausted: Fail, or use method Random.',
    );
  }
  return written;
}

export function compileKeepRaw(
  written: CheckedSpec['keepRaw'],
  simulations: number | null,
  problems: Problems,
): CompiledStudy['keepRaw'] {
  if (written === undefined || !problems.clean('spec.keepRaw')) return { all: false, ids: [] };
  if (written.all === false)
    problems.add('spec.keepRaw.all', false, 'false keeps nothing', 'Remove keepRaw, or write all: true.');
  const ids = [...new Set(written.ids ?? [])].sort((a, b) => a - b);
  if (simulations !== null) {
    for (const [i, id] of (written.ids ?? []).entries()) {
      if (id >= simulations)
        problems.add(
          `spec.keepRaw.ids[${i}]`,
          id,
          `is not a simulation: their ids are 0 to ${simulations - 1}`,
          'Remove it.',
        );
    }
  }
  return { all: written.all === true, ids };
}
