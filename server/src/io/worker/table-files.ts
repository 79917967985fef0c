// SPDX-License-Identifier: Apache-2.0
/** Every simulation's parameters and fate on disk, for people (CSV) and for data frames (Parquet). */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { columnsOf, csvHeading, csvRow, type SimulationRow } from '../../results/simulation-table.ts';

/** simulations.csv and simulations.parquet, page by page. */
export class SimulationTable {
  #csv: string;
  #parquet: ParquetWriter;
  #parameters: { name: string; isText: boolean }[];
  #names: string[];

  constructor(folder: string, first: SimulationRow[]) {
    const row = first[0]?.parameters ?? {};
    // A parameter is text as soon as one of the first page's values is: a choice may mix words and numbers.
    this.#parameters = Object.keys(row).map((name) => ({
      name,
      isText: first.some(({ parameters }) => typeof parameters[name] === 'string'),
    }));
    this.#names = Object.keys(row);
    this.#csv = join(folder, 'simulations.csv');
    writeFileSync(this.#csv, csvHeading(this.#names));
    const schema = schemaFromColumnData({ columnData: columnsOf([], this.#parameters) });
    this.#parquet = new ParquetWriter({
      writer: fileWriter(join(folder, 'simulations.parquet')),
      schema,
      codec: 'SNAPPY',
    });
  }
  add(rows: SimulationRow[]): void {
    if (rows.length === 0) return;
    appendFileSync(this.#csv, rows.map((row) => csvRow(row, this.#names)).join(''));
    void this.#parquet.write({ columnData: columnsOf(rows, this.#parameters), rowGroupSize: rows.length });
  }
  close(): void {
    void this.#parquet.finish();
  }
}
