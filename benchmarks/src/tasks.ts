// SPDX-License-Identifier: Apache-2.0
/** How many simulations a second a study runs when they do nothing: a program each, or a call each in a process that stays. */
import { createHash } from 'node:crypto';
import { nativePath } from './programs.ts';
import { plainSpec, runStudy, spanMs } from './study.ts';

export type Rate = { perSecond: number; hash: string };

/** A study without fields; every simulation must be done, the event log is on and output is captured, as always. */
export async function tasksPerSecond(folder: string, simulations: number, kind: 'program' | 'loop'): Promise<Rate> {
  const loop = kind === 'loop';
  const spec = {
    ...plainSpec(simulations),
    fields: [],
    client: { loop, parallelism: 2, workDirectory: false },
  };
  const command = loop ? [nativePath('sender'), '0', '0'] : ['/bin/true'];
  const study = await runStudy(folder, { name: 'tasks', spec }, command);
  const perSecond = (1000 * simulations) / spanMs(study.directory);
  const hash = createHash('sha256').update(JSON.stringify(study.summary.simulations)).digest('hex').slice(0, 16);
  study.discard();
  return { perSecond, hash };
}
