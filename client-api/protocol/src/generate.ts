// SPDX-License-Identifier: Apache-2.0
/**
 * Makes everything that follows from messages.ts: the C codec's tables, the golden vectors, the tables of PROTOCOL.md.
 * `node generate.ts` writes what differs; `--check` writes nothing and ends with 1 if something is stale.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeControl, encodeData } from './codec.ts';
import { cHeader, cSamples, cSource } from './generate-c.ts';
import { withTables } from './generate-markdown.ts';
import { control, data, type MessageTable } from './messages.ts';
import { refusedVectors } from './refused.ts';
import { sampleEnvelope, sampleToJson, samplesOf } from './samples.ts';
import { dataFrameVectors } from './samples-data.ts';

const root = fileURLToPath(new URL('../../', import.meta.url)); // client-api/
const tables: { control: MessageTable; data: MessageTable } = { control, data };

function vectors(): { files: Map<string, Uint8Array>; index: unknown[] } {
  const files = new Map<string, Uint8Array>();
  const index: unknown[] = [];
  for (const kind of ['control', 'data'] as const) {
    for (const { name, kind: sample, body } of samplesOf(tables[kind])) {
      const file = `${name}.${sample}.bin`;
      const { epoch, request } = sampleEnvelope[sample];
      const frame =
        kind === 'control'
          ? encodeControl(name as never, body as never, { epoch, request })
          : encodeData(name as never, body as never, { epoch });
      files.set(file, frame);
      index.push({ file, kind, name, epoch, ...(kind === 'control' ? { request } : {}), body: sampleToJson(body) });
    }
  }
  for (const { file, bytes, frames } of dataFrameVectors()) {
    files.set(file, bytes);
    index.push({
      file,
      kind: 'frames',
      frames: frames.map(({ header, payload }) => ({ header: sampleToJson(header), payload: sampleToJson(payload) })),
    });
  }
  for (const { file, bytes, kind, error } of refusedVectors()) {
    files.set(file, bytes);
    index.push({ file, kind: `refused-${kind}`, error });
  }
  return { files, index };
}

/** Every generated file, by its path under client-api/. */
export function generated(): Map<string, Uint8Array> {
  const text = new TextEncoder();
  const { files, index } = vectors();
  const out = new Map<string, Uint8Array>();
  out.set('src/generated/messages.h', text.encode(cHeader(tables.control, tables.data)));
  out.set('src/generated/messages.c', text.encode(cSource(tables.control, tables.data)));
  out.set('tests/generated/samples.h', text.encode(cSamples(tables.control, tables.data)));
  out.set('protocol/PROTOCOL.md', text.encode(withTables(readFileSync(`${root}protocol/PROTOCOL.md`, 'utf8'), tables)));
  for (const [file, bytes] of files) out.set(`protocol/vectors/${file}`, bytes);
  out.set(
    'protocol/vectors/index.json',
    text.encode(`[\n${index.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`),
  );
  return out;
}

/** Paths that differ from what would be generated, and vectors that nothing generates any more. */
export function stale(): { differs: string[]; surplus: string[] } {
  const wanted = generated();
  const differs = [...wanted].filter(([path, bytes]) => !sameFile(`${root}${path}`, bytes)).map(([path]) => path);
  const surplus = vectorFiles().filter((path) => !wanted.has(path));
  return { differs, surplus };
}
function vectorFiles(): string[] {
  try {
    return readdirSync(`${root}protocol/vectors`).map((name) => `protocol/vectors/${name}`);
  } catch {
    return [];
  }
}
function sameFile(path: string, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(readFileSync(path), bytes) === 0;
  } catch {
    return false;
  }
}

function main(): void {
  const { differs, surplus } = stale();
  if (process.argv.includes('--check')) {
    for (const path of [...differs, ...surplus]) console.error(`stale: client-api/${path}; run: npm run generate`);
    console.log(`protocol: ${generated().size} generated files, ${differs.length + surplus.length} stale`);
    process.exitCode = differs.length + surplus.length > 0 ? 1 : 0;
    return;
  }
  const wanted = generated();
  for (const path of differs) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    writeFileSync(`${root}${path}`, wanted.get(path)!);
  }
  for (const path of surplus) rmSync(`${root}${path}`);
  console.log(`protocol: ${differs.length} written, ${surplus.length} removed, ${wanted.size} in all`);
}
if (process.argv[1] === fileURLToPath(import.meta.url)) main();
