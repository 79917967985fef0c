// SPDX-License-Identifier: Apache-2.0
/** The memory plan of a study as a person reads it: what each process needs, why, and what would make it smaller. */
import { formatBytes } from '@melissa/kit';
import type { MemoryPlan } from '@melissa/crds';
import { table } from '../table.ts';

const REMEDIES_SHOWN_MAX = 6;

export function planText(plan: MemoryPlan): string {
  const { rank } = plan;
  const has = formatBytes(plan.memoryBytes);
  const rows: [string, number][] = [
    ['state of the statistics', rank.state],
    ['held for partners', rank.held],
    ['being received', rank.receive],
    ['shared with solvers', rank.rings],
    ['copy for a checkpoint', rank.checkpointCopy],
    ['what is counted', rank.bits],
    ['the process itself', rank.process],
  ];
  const lines = [
    table(
      [
        { title: `MEMORY OF EACH OF ${plan.ranks} RANK${plan.ranks === 1 ? '' : 'S'}` },
        { title: 'BYTES', align: 'right' },
      ],
      [
        ...rows.filter(([, bytes]) => bytes > 0).map(([label, bytes]) => [label, formatBytes(bytes)]),
        ['together', formatBytes(rank.total)],
      ],
    ),
    '',
    table(
      [{ title: 'STATE BY STATISTIC' }, { title: 'BYTES', align: 'right' }],
      plan.statistics.map(({ field, statistic, bytes }) => [`${field}: ${statistic}`, formatBytes(bytes)]),
    ),
    '',
    `each rank   ${verdict(rank.total, plan.memoryBytes)}`,
    `the head    ${verdict(plan.head, plan.memoryBytes)}`,
    `checkpoint  ${formatBytes(plan.checkpointBytes)} a rank on disk, two are kept`,
    `results     ${formatBytes(plan.resultsBytes)} before compression${plan.rawBytes > 0 ? `, and ${formatBytes(plan.rawBytes)} of raw fields` : ''}`,
  ];
  if (!plan.fits) {
    lines.push(
      '',
      `does not fit into server.memory = ${has}:`,
      ...plan.excesses.map((sentence) => `  ${sentence}`),
      '',
      'what would help:',
    );
    for (const { path, text, savesBytes, fits } of plan.remedies.slice(0, REMEDIES_SHOWN_MAX)) {
      lines.push(
        `  ${path}: ${text}${savesBytes > 0 ? ` Saves ${formatBytes(savesBytes)}.` : ''}${fits ? ' Enough.' : ''}`,
      );
    }
  }
  return lines.join('\n');
}

const verdict = (needs: number, has: number): string =>
  `needs ${formatBytes(needs)} of ${formatBytes(has)}: ${needs <= has ? 'fits' : 'does not fit'}`;
