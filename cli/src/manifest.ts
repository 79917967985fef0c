// SPDX-License-Identifier: Apache-2.0
/**
 * From a file to a manifest: reads the YAML, applies what the command line sets, and puts the rows of a CSV file into
 * the manifest, so that what is compiled here is exactly what could be applied to a cluster.
 */
import { dirname, resolve } from 'node:path';
import { isMap, parse, parseAllDocuments, stringify } from 'yaml';
import { failure } from './errors.ts';
import { CSV_INLINE_BYTES_MAX, MANIFEST_BYTES_MAX } from './limits.ts';
import type { Files } from './world.ts';

export type Tree = { [key: string]: unknown };
export type Manifest = { tree: Tree; directory: string; path: string };
export type Overrides = { set: string[]; parallelism?: number | undefined; port?: number | undefined };

/** Reads one MelissaStudy from a YAML file; other kinds beside it (a Namespace, a Secret) are passed over. */
export function readManifest(files: Files, path: string): Manifest {
  const size = files.sizeBytes(path);
  if (size === null) throw failure('EMANIFEST_READ', `there is no file ${path}`);
  if (files.isDirectory(path))
    throw failure('EMANIFEST_READ', `${path} is a folder`, {
      remedy: `Name the file in it, for example ${path}/study.yaml.`,
    });
  if (size > MANIFEST_BYTES_MAX)
    throw failure('EMANIFEST_READ', `${path} has ${size} bytes; at most ${MANIFEST_BYTES_MAX} are read`);
  const documents = parseAllDocuments(files.readText(path));
  if (!Array.isArray(documents)) throw failure('EMANIFEST_READ', `${path} is empty`);
  const errors = documents.flatMap((document) => document.errors);
  if (errors[0] !== undefined) throw failure('EMANIFEST_SYNTAX', `${path}: ${errors[0].message.trimEnd()}`);
  const studies = documents.filter(
    (document) => documents.length === 1 || (isMap(document.contents) && document.get('kind') === 'MelissaStudy'),
  );
  if (studies.length !== 1) {
    throw failure('EMANIFEST_READ', `${path} holds ${studies.length} MelissaStudy documents`, {
      remedy: 'Write one study a file.',
    });
  }
  const tree: unknown = studies[0]!.toJS({ maxAliasCount: 100 });
  if (tree === null || typeof tree !== 'object' || Array.isArray(tree))
    throw failure('EMANIFEST_READ', `${path} is not a map of keys and values`);
  return { tree: tree as Tree, directory: dirname(resolve(path)), path };
}

/** Applies --set, --parallelism and --port, in this order. The manifest is left alone; a changed copy is returned. */
export function applyOverrides(manifest: Manifest, overrides: Overrides): Manifest {
  const tree = structuredClone(manifest.tree);
  for (const assignment of overrides.set) {
    const equals = assignment.indexOf('=');
    if (equals <= 0) throw failure('ESET', `"${assignment}" has no "="`);
    setPath(tree, assignment.slice(0, equals), parse(assignment.slice(equals + 1)));
  }
  if (overrides.parallelism !== undefined) setPath(tree, 'spec.client.parallelism', overrides.parallelism);
  if (overrides.port !== undefined) setPath(tree, 'spec.local.port', overrides.port);
  return { ...manifest, tree };
}

/**
 * `spec.client.args[0]`, `spec.parameters[left].normal.sd` (an item of a list by its name), with or without `spec.`.
 * Missing maps are made on the way; whether the key exists is for the validator to say.
 */
export function setPath(tree: Tree, path: string, value: unknown): void {
  const words = path.split(/[.[\]]+/).filter((word) => word !== '');
  if (words[0] !== 'spec' && words[0] !== 'metadata' && words[0] !== 'apiVersion' && words[0] !== 'kind')
    words.unshift('spec');
  const last = words.pop()!;
  let holder: unknown = tree;
  for (const [position, word] of words.entries()) {
    const where = words.slice(0, position + 1).join('.');
    const next = childOf(holder, word, where);
    if (next !== undefined && next !== null) {
      holder = next;
      continue;
    }
    if (Array.isArray(holder)) throw failure('ESET', `${where}: the list has no item ${word}`);
    const made = {};
    (holder as Tree)[word] = made;
    holder = made;
  }
  if (Array.isArray(holder)) {
    const index = indexIn(holder, last);
    if (index < 0) throw failure('ESET', `${path}: the list has no item ${last}`);
    holder[index] = value;
  } else if (holder !== null && typeof holder === 'object') (holder as Tree)[last] = value;
  else throw failure('ESET', `${path}: ${words.join('.')} is a single value`);
}

function childOf(holder: unknown, word: string, where: string): unknown {
  if (Array.isArray(holder)) return holder[indexIn(holder, word)] as unknown;
  if (holder !== null && typeof holder === 'object')
    return Object.hasOwn(holder, word) ? (holder as Tree)[word] : undefined;
  throw failure('ESET', `${where}: what is before it is a single value`);
}

function indexIn(list: unknown[], word: string): number {
  if (/^[0-9]+$/.test(word)) return Number(word) < list.length ? Number(word) : -1;
  return list.findIndex((item) => item !== null && typeof item === 'object' && (item as Tree)['name'] === word);
}

/**
 * Puts the content of `spec.sampling.list.csv` into `spec.sampling.list.text`, as a cluster needs it. A file that is
 * missing or too large stays a path: the validator says what is wrong with the one, and one machine reads the other.
 */
export function inlineCsv(manifest: Manifest, files: Files): Manifest {
  const list = ((manifest.tree['spec'] as Tree | undefined)?.['sampling'] as Tree | undefined)?.['list'];
  if (list === null || typeof list !== 'object' || typeof (list as Tree)['csv'] !== 'string') return manifest;
  const path = resolve(manifest.directory, (list as Tree)['csv'] as string);
  const size = files.sizeBytes(path);
  if (size === null || size > CSV_INLINE_BYTES_MAX || files.isDirectory(path)) return manifest;
  const tree = structuredClone(manifest.tree);
  const copy = ((tree['spec'] as Tree)['sampling'] as Tree)['list'] as Tree;
  delete copy['csv'];
  copy['text'] = files.readText(path);
  return { ...manifest, tree };
}

/** The manifest with what was set, as YAML. */
export const manifestText = (manifest: Manifest): string => stringify(manifest.tree, { lineWidth: 120 });
