// SPDX-License-Identifier: Apache-2.0
/** Every manifest of the examples is one that the compiler accepts, and names a solver that is there to be built or run. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileStudy } from '@melissa/crds';
import { parse } from 'yaml';

const root = dirname(fileURLToPath(import.meta.url));
const examples = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const manifests = examples.flatMap(({ name }) =>
  readdirSync(join(root, name))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => join(name, file)),
);

test('there are examples', () => assert.ok(manifests.length >= 6, manifests.join()));

for (const manifest of manifests) {
  test(`${manifest} compiles, and its solver exists`, () => {
    const folder = join(root, dirname(manifest));
    const result = compileStudy(parse(readFileSync(join(root, manifest), 'utf8')), { manifestDirectory: folder });
    assert.ok(!('errors' in result), 'errors' in result ? JSON.stringify(result.errors, null, 2) : '');
    const command = result.study.client.command[0]!;
    const makefile = readFileSync(join(folder, 'Makefile'), 'utf8');
    assert.ok(
      command.startsWith('./') ? existsSync(join(folder, command)) : makefile.includes(`bin/${command}:`),
      command,
    );
    assert.ok(existsSync(join(folder, 'README.md')));
  });
}

test('the quickstart is the study that its page promises', () => {
  const manifest = parse(readFileSync(join(root, 'heat/study.yaml'), 'utf8'));
  const result = compileStudy(manifest, { manifestDirectory: join(root, 'heat') });
  assert.ok(!('errors' in result));
  const { sampling, fields, time } = result.study;
  assert.deepEqual([sampling.groups, sampling.groupSize, time.steps, fields[0]!.cells], [300, 5, 100, 10_000]);
  const { moments, extrema, exceedance, quantiles, sobol } = fields[0]!.statistics;
  assert.deepEqual([moments, extrema, exceedance.length, quantiles.length], [4, true, 1, 3]);
  assert.deepEqual([sobol!.estimator, sobol!.interval], ['Martinez', 'Robust']);
});
