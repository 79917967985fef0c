// SPDX-License-Identifier: Apache-2.0
/** Plain tables for a terminal: columns as wide as their widest cell, numbers to the right. */
export type Column = { title: string; align?: 'left' | 'right' };

export function table(columns: Column[], rows: string[][]): string {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: string[]): string =>
    columns
      .map(({ align }, i) =>
        align === 'right' ? (cells[i] ?? '').padStart(widths[i]!) : (cells[i] ?? '').padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].join('\n');
}
