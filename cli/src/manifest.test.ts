// SPDX-License-Identifier: Apache-2.0
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProjectError } from '@melissa/kit';
import { systemFiles } from './io/files.ts';
import { CSV_INLINE_BYTES_MAX } from './limits.ts';
import { applyOverrides, inlineCsv, readManifest, setPath, type Tree } from './manifest.ts';

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'melissa-manifest-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
const code = (wanted: string) => (error: unknown) => error instanceof ProjectError && error.code === wanted;

test('--set reaches maps, list items by number and list items by name, with or without spec', () => {
  const tree: Tree = {
    spec: { parameters: [{ name: 'left', normal: { mean: 1, sd: 2 } }], client: { args: ['a', 'b'] } },
  };
  const manifest = { tree, directory: '/', path: 'study.yaml' };
  const set = [
    'spec.parameters[left].normal.sd=5',
    'client.args[1]="{left}"',
    'spec.fields=[]',
    'faultPolicy.retryLimit=7',
    'metadata.name=heat',
  ];
  const changed = applyOverrides(manifest, { set, parallelism: 3, port: 0 });
  assert.deepEqual(changed.tree, {
    metadata: { name: 'heat' },
    spec: {
      parameters: [{ name: 'left', normal: { mean: 1, sd: 5 } }],
      client: { args: ['a', '{left}'], parallelism: 3 },
      fields: [],
      faultPolicy: { retryLimit: 7 },
      local: { port: 0 },
    },
  });
  assert.deepEqual((tree['spec'] as Tree)['client'], { args: ['a', 'b'] }, 'what was read is left alone');
});

test('a --set that cannot be followed is refused with its path', () => {
  const tree: Tree = { spec: { fields: [{ name: 'u' }], time: { steps: 3 } } };
  assert.throws(() => setPath(tree, 'spec.fields[v].unit', 'K'), code('ESET'));
  assert.throws(() => setPath(tree, 'spec.fields[4]', {}), code('ESET'));
  assert.throws(() => setPath(tree, 'spec.time.steps.more', 1), code('ESET'));
  assert.throws(() => applyOverrides({ tree, directory: '/', path: '' }, { set: ['spec.time'] }), code('ESET'));
});

test('a key that JavaScript gives every object is no way out of the manifest', () => {
  const tree: Tree = {};
  setPath(tree, 'spec.constructor.prototype.polluted', 1);
  assert.equal(({} as Tree)['polluted'], undefined);
});

test('a manifest is found among the documents of a file, and what is no manifest is refused', (context) => {
  const directory = folder(context);
  const write = (text: string): string => {
    const path = join(directory, 'study.yaml');
    writeFileSync(path, text);
    return path;
  };
  const study = 'apiVersion: melissa.dev/v1alpha1\nkind: MelissaStudy\nmetadata: { name: heat }\n';
  assert.deepEqual(readManifest(systemFiles, write(`kind: Namespace\n---\n${study}`)).tree['metadata'], {
    name: 'heat',
  });
  assert.throws(() => readManifest(systemFiles, write(`${study}---\n${study}`)), code('EMANIFEST_READ'));
  assert.throws(() => readManifest(systemFiles, write('')), code('EMANIFEST_READ'));
  assert.throws(() => readManifest(systemFiles, write('- 1\n')), code('EMANIFEST_READ'));
  assert.throws(() => readManifest(systemFiles, write('spec: { a: 1\n')), code('EMANIFEST_SYNTAX'));
  assert.throws(() => readManifest(systemFiles, write('a: 1\na: 2\n')), code('EMANIFEST_SYNTAX'));
  assert.throws(() => readManifest(systemFiles, join(directory, 'none.yaml')), code('EMANIFEST_READ'));
  assert.throws(() => readManifest(systemFiles, directory), code('EMANIFEST_READ'));
});

test('a small CSV file becomes part of the manifest; a large one stays a path', (context) => {
  const directory = folder(context);
  writeFileSync(join(directory, 'rows.csv'), 'a,b\n1,2\n');
  writeFileSync(join(directory, 'long.csv'), `a\n${'1\n'.repeat(CSV_INLINE_BYTES_MAX / 2)}`);
  const listOf = (csv: string): unknown => {
    const tree = { spec: { sampling: { method: 'List', list: { csv } } } };
    return ((inlineCsv({ tree, directory, path: '' }, systemFiles).tree['spec'] as Tree)['sampling'] as Tree)['list'];
  };
  assert.deepEqual(listOf('rows.csv'), { text: 'a,b\n1,2\n' });
  assert.deepEqual(listOf('long.csv'), { csv: 'long.csv' });
  assert.deepEqual(listOf('none.csv'), { csv: 'none.csv' });
});
