// SPDX-License-Identifier: Apache-2.0
/**
 * What a failed or lost attempt leads to. `retryLimit` counts executions after the first with the same input, so a draw
 * is executed 1 + retryLimit times; then the simulation gets a new draw or fails. Called by PlanState; pure.
 */
import type { CompiledFaultPolicy } from '@melissa/crds';

export type FailureDecision = 'Retry' | 'Redraw' | 'Fail';

/** `failures` counts those of this draw, the present one included; `draw` is the number of redraws so far. */
export function afterFailure(
  policy: CompiledFaultPolicy,
  facts: { failures: number; draw: number; redrawable: boolean },
): FailureDecision {
  if (facts.failures <= policy.retryLimit) return 'Retry';
  if (policy.onExhausted === 'Redraw' && facts.redrawable && facts.draw < policy.redrawLimit) return 'Redraw';
  return 'Fail';
}

/** `lost` counts losses of this simulation, the present one included. A simulation that kills its pilots is not redrawn. */
export function afterLoss(policy: CompiledFaultPolicy, lost: number): 'Retry' | 'Fail' {
  return lost >= policy.lostLimit ? 'Fail' : 'Retry';
}

/** The study fails at the next failure after `maxFailed`. */
export function studyFails(policy: CompiledFaultPolicy, failed: number): boolean {
  return failed > policy.maxFailed;
}

const signals: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

/** `SIGKILL (9)`, with what usually sends it. */
export function signalText(number: number): string {
  const name = signals[number] ?? `signal ${number}`;
  return number === 9 ? `${name} (9; often the kernel, when memory ran out)` : `${name} (${number})`;
}
