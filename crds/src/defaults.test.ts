// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { compileStudy } from './compile.ts';
import { completeSpec, withoutDefaults } from './defaults.ts';
import { aManifest, HEAT } from './testing.ts';
import type { MelissaStudySpec } from './types.generated.ts';

const manifests = [HEAT, aManifest(), aManifest({ 'spec.server': { checkpoint: { periodSeconds: 60 } } })];

test('filling in the defaults and leaving them out again come to the same', () => {
  for (const { spec } of manifests) {
    const complete = completeSpec(spec);
    assert.ok(complete !== null);
    const bare = withoutDefaults(spec as MelissaStudySpec);
    assert.deepEqual(withoutDefaults(complete as MelissaStudySpec), bare);
    assert.deepEqual(completeSpec(bare), complete);
  }
});

test('a study compiles to the same with its defaults filled in, as the API server does', () => {
  for (const manifest of manifests) {
    const context = { manifestDirectory: '/', backend: 'Kubernetes' } as const;
    const filled = { ...manifest, spec: completeSpec(manifest['spec']) };
    assert.deepEqual(compileStudy(filled, context), compileStudy(manifest, context));
  }
});

test('a value that is not the default stays', () => {
  const { spec } = aManifest({ 'spec.server': { ranks: 2, memory: '4Gi' } });
  assert.deepEqual((withoutDefaults(spec as MelissaStudySpec) as MelissaStudySpec).server, { ranks: 2 });
});

test('what the schema refuses has no complete form', () => {
  assert.equal(completeSpec({ parameters: 3 }), null);
});
