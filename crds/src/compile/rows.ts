// SPDX-License-Identifier: Apache-2.0
/** `spec.sampling.list` → rows of values: from a CSV file, its text, a ConfigMap, or written in the manifest. */
import { closest } from '@melissa/kit';
import type { CompiledParameter } from '../compiled.ts';
import { plural, type Problems } from '../problems.ts';
import { INLINE_TEXT_MAX, SIMULATIONS_MAX } from '../schema/sampling.ts';
import type { CheckedSpec } from '../types.generated.ts';

export type ReadContext = {
  /** Reads a file by its path as written in the manifest; may throw, and the message is shown. */
  readText?: (path: string) => string;
  /** Reads a key of a ConfigMap; only on a cluster. */
  readConfigMap?: (name: string, key: string) => string;
};

type Value = number | string;
type Rows = Value[][];
type List = NonNullable<CheckedSpec['sampling']['list']>;
type Source = { path: string; parameters: CompiledParameter[]; problems: Problems };
const PATH = 'spec.sampling.list';

/** One broken column of a long file would otherwise bury everything else. */
const ROW_PROBLEMS_MAX = 10;

export function readRows(list: List, parameters: CompiledParameter[], context: ReadContext, problems: Problems): Rows {
  if (list.rows !== undefined)
    return checkRows(list.rows, (i) => `${PATH}.rows[${i}]`, { path: `${PATH}.rows`, parameters, problems });
  const key = list.csv !== undefined ? 'csv' : list.text !== undefined ? 'text' : 'configMap';
  const source = { path: `${PATH}.${key}`, parameters, problems };
  const text = readSource(list, source, context);
  if (text === null) return [];
  return parseCsv(text, source);
}

function readSource(list: List, { path, problems }: Source, context: ReadContext): string | null {
  if (list.text !== undefined) return list.text;
  const read =
    list.csv !== undefined
      ? context.readText && (() => context.readText!(list.csv!))
      : context.readConfigMap && (() => context.readConfigMap!(list.configMap!.name, list.configMap!.key));
  const value = list.csv ?? `${list.configMap!.name}/${list.configMap!.key}`;
  if (read === undefined) {
    if (list.csv === undefined)
      problems.add(path, value, 'a ConfigMap can be read on a cluster only', 'Use csv, text or rows on one machine.');
    else
      problems.add(
        path,
        value,
        'files cannot be read here',
        'Use text, or start the study with melissa run, which inlines the file.',
      );
    return null;
  }
  try {
    return read();
  } catch (error) {
    problems.add(
      path,
      value,
      `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Check the path; it is relative to the manifest.',
    );
    return null;
  }
}

/** The text that a manifest for a cluster carries instead of a path; null when it is too large. */
export function inlineable(text: string): string | null {
  return new TextEncoder().encode(text).length <= INLINE_TEXT_MAX ? text : null;
}

function parseCsv(text: string, source: Source): Rows {
  const { path, parameters, problems } = source;
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((line, i) => ({ line: i + 1, text: line }))
    .filter(({ text: line }) => line.trim() !== '' && !line.startsWith('#'));
  const header = lines.shift();
  if (header === undefined) {
    problems.add(path, null, 'is empty', 'Its first line names the parameters, for example initial,left,right.');
    return [];
  }
  const columns = columnsOf(splitLine(header.text), source);
  if (columns === null) return [];
  const texts = lines.map(({ text: line }) => splitLine(line));
  const rows = texts.map((cells) => parameters.map((parameter, i) => valueOf(cells[columns[i]!], parameter)));
  const width = splitLine(header.text).length;
  const odd = texts.findIndex((cells) => cells.length !== width);
  if (odd >= 0) {
    problems.add(
      path,
      lines[odd]!.text,
      `line ${lines[odd]!.line} has ${texts[odd]!.length} values, the first line names ${width}`,
      'Give every line one value a column.',
    );
    return [];
  }
  return checkRows(rows as Rows, (i) => `${path} line ${lines[i]!.line}`, source);
}

/** Cells of one line; a cell may be in double quotes, with "" for a quote. Cells do not span lines. */
function splitLine(line: string): string[] {
  const cells: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(,|$)/y;
  while (pattern.lastIndex <= line.length) {
    const match = pattern.exec(line);
    if (match === null) return [...cells, line];
    cells.push(match[1] === undefined ? match[2]!.trim() : match[1].replaceAll('""', '"'));
    if (match[3] === '') break;
  }
  return cells;
}

function columnsOf(header: string[], { path, parameters, problems }: Source): number[] | null {
  const names = parameters.map(({ name }) => name);
  const before = problems.all.length;
  for (const [i, name] of header.entries()) {
    if (header.indexOf(name) !== i) problems.add(path, name, `column "${name}" is there twice`, 'Remove one of them.');
    else if (!names.includes(name)) {
      const near = closest(name, names);
      problems.add(
        path,
        name,
        `column "${name}" is not a parameter${near === null ? '' : `; did you mean ${near}?`}`,
        `The first line must name ${names.join(',')}.`,
      );
    }
  }
  for (const name of names) {
    if (!header.includes(name))
      problems.add(
        path,
        header.join(','),
        `has no column for parameter "${name}"`,
        `The first line must name ${names.join(',')}.`,
      );
  }
  return problems.all.length > before ? null : names.map((name) => header.indexOf(name));
}

const hasTextValues = ({ distribution: d }: CompiledParameter): boolean =>
  (d.kind === 'Choice' && d.values.some((value) => typeof value === 'string')) ||
  (d.kind === 'Constant' && typeof d.value === 'string');

function valueOf(cell: string | undefined, parameter: CompiledParameter): Value {
  const text = cell ?? '';
  const number = text === '' ? NaN : Number(text);
  const exact = parameter.distribution.kind === 'Choice' && parameter.distribution.values.includes(text);
  return exact || Number.isNaN(number) ? text : number;
}

function checkRows(rows: Rows, nameOf: (i: number) => string, { path, parameters, problems }: Source): Rows {
  if (rows.length === 0) problems.add(path, null, 'has no row', 'Add one row a simulation.');
  if (rows.length > SIMULATIONS_MAX)
    problems.add(
      path,
      rows.length,
      `has ${rows.length} rows; at most ${SIMULATIONS_MAX} are allowed`,
      'Shorten the list.',
    );
  let found = 0;
  for (const [i, row] of rows.entries()) {
    if (found >= ROW_PROBLEMS_MAX) break;
    if (row.length !== parameters.length) {
      found += 1;
      problems.add(
        nameOf(i),
        row,
        `has ${plural(row.length, 'value')} for ${plural(parameters.length, 'parameter')}`,
        `Give one value each for ${parameters.map(({ name }) => name).join(', ')}.`,
      );
      continue;
    }
    for (const [j, parameter] of parameters.entries()) {
      const message = wrongValue(row[j]!, parameter);
      if (message === null) continue;
      found += 1;
      problems.add(nameOf(i), row[j]!, message, `Correct the value of ${parameter.name}.`);
    }
  }
  return rows;
}

function wrongValue(value: Value, parameter: CompiledParameter): string | null {
  const { name, distribution } = parameter;
  if (distribution.kind === 'Choice' && !distribution.values.includes(value)) {
    return `${JSON.stringify(value)} is not one of the values of "${name}": ${distribution.values.join(', ')}`;
  }
  if (distribution.kind === 'Constant' && value !== distribution.value)
    return `${JSON.stringify(value)} is not the constant "${name}", ${JSON.stringify(distribution.value)}`;
  if (hasTextValues(parameter)) return null;
  return typeof value === 'number' && Number.isFinite(value)
    ? null
    : `${JSON.stringify(value)} is not a number, but "${name}" is one`;
}
