// SPDX-License-Identifier: Apache-2.0
/** Every benchmark, in the order in which the page lists them. */
import { readdirSync } from 'node:fs';
import type { Bench } from './bench.ts';

const folder = new URL('./questions/', import.meta.url);
const order = [
  'ingest',
  'kernel',
  'moments',
  'sobol',
  'spawn',
  'persistent',
  'send',
  'memory',
  'head',
  'overhead',
  'two',
  'operator',
];
const place = (name: string): number => order.findIndex((start) => name.startsWith(start));

/** One file a question: what is there is asked. */
export async function allBenches(): Promise<Bench[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.bench.ts'));
  const benches = await Promise.all(
    files.map(async (file) => ((await import(new URL(file, folder).href)) as { bench: Bench }).bench),
  );
  return benches.sort((a, b) => place(a.name) - place(b.name) || a.name.localeCompare(b.name));
}
