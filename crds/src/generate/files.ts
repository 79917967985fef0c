// SPDX-License-Identifier: Apache-2.0
/** The files that are made from the schema, and which of them are stale. */
import { fileURLToPath } from 'node:url';
import { crdYaml } from './crd.ts';
import { referencePage } from './reference.ts';
import { typesSource } from './types.ts';

const root = new URL('../../../', import.meta.url);

const makers: Record<string, () => string> = {
  'crds/melissastudies.melissa.dev.yaml': crdYaml,
  'crds/src/types.generated.ts': typesSource,
  'docs/reference/manifest.md': referencePage,
};

export const FILE_COUNT = Object.keys(makers).length;

export type GeneratedFile = { name: string; path: string; text: string };

/** `read` gives a file's text, or null when it is not there. */
export function staleFiles(read: (path: string) => string | null): GeneratedFile[] {
  return Object.entries(makers)
    .map(([name, make]) => ({ name, path: fileURLToPath(new URL(name, root)), text: make() }))
    .filter(({ path, text }) => read(path) !== text);
}
