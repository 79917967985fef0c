// SPDX-License-Identifier: Apache-2.0
/** On a cluster the manifest is the only source of intent: a change asked for here is refused with the command to give. */
import { problem } from './errors.ts';

export type Change = 'parallelism' | 'suspend' | 'resume' | 'cancel';

export function refuseChange(study: string, change: Change, value: number): never {
  throw problem('EINTENT', '', { remedy: `Run \`${kubectlCommand(study, change, value)}\`.` });
}

export function kubectlCommand(study: string, change: Change, value: number): string {
  if (change === 'parallelism') return `kubectl scale mst/${study} --replicas=${value}`;
  const spec = change === 'cancel' ? { cancel: true } : { suspend: change === 'suspend' };
  return `kubectl patch mst/${study} --type=merge -p '${JSON.stringify({ spec })}'`;
}
