// SPDX-License-Identifier: Apache-2.0
/** Every simulation's parameters and fate as columns: the failed ones too, because failures bias a sample. */
import type { SimulationSummary } from '@melissa/api';

export type SimulationRow = SimulationSummary;

const fixed = ['simulation', 'group', 'member', 'state', 'draw', 'attempts', 'reason', 'pilot'] as const;

/** One line of RFC 4180, ended by a line feed. */
export function csvHeading(parameters: readonly string[]): string {
  return csvLine([...fixed, ...parameters]);
}
export function csvRow(row: SimulationRow, parameters: readonly string[]): string {
  return csvLine([...fixed.map((name) => row[name]), ...parameters.map((name) => row.parameters[name] ?? '')]);
}
function csvLine(values: (string | number)[]): string {
  const cells = values.map((value) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\n`;
}

export type Column = { name: string; type: 'INT32' | 'DOUBLE' | 'STRING'; data: (string | number)[] };

/** Columns of a page of rows; a parameter that takes text is a column of text. Parameter columns keep their names. */
export function columnsOf(rows: SimulationRow[], parameters: readonly { name: string; isText: boolean }[]): Column[] {
  const number = (name: 'simulation' | 'group' | 'member' | 'draw' | 'attempts'): Column => ({
    name,
    type: 'INT32',
    data: rows.map((row) => row[name]),
  });
  const text = (name: 'state' | 'reason' | 'pilot'): Column => ({
    name,
    type: 'STRING',
    data: rows.map((row) => row[name]),
  });
  return [
    number('simulation'), number('group'), number('member'), text('state'), number('draw'), number('attempts'), text('reason'), text('pilot'),
    ...parameters.map(
      ({ name, isText }): Column => ({
        name,
        type: isText ? 'STRING' : 'DOUBLE',
        data: rows.map((row) => (isText ? String(row.parameters[name] ?? '') : Number(row.parameters[name] ?? NaN))),
      }),
    ),
  ]; // prettier-ignore
}
