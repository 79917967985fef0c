// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument } from './openapi.ts';
import { referencePage } from './reference.ts';
import { allRoutes, methodsOf } from './routes.ts';

test('the document is valid OpenAPI 3.1 and a broken one is not', async () => {
  const document = openApiDocument('0.1.0');
  const result = await new Validator().validate(structuredClone(document));
  assert.deepEqual(result.errors ?? [], []);
  assert.equal(result.valid, true);
  const broken = structuredClone(document);
  delete broken['info'];
  assert.equal((await new Validator().validate(broken)).valid, false);
});

test('every route is in the document once, and every reference in it resolves', () => {
  const document = openApiDocument('0.1.0') as {
    paths: Record<string, object>;
    components: { schemas: Record<string, object> };
  };
  const operations = Object.values(document.paths).reduce((sum, path) => sum + Object.keys(path).length, 0);
  assert.equal(operations, allRoutes.length);
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
    (match) => match[1]!,
  );
  assert.ok(references.length > 10);
  for (const name of references) assert.ok(name in document.components.schemas, name);
});

test('the generated files are current', () => {
  const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  assert.equal(read('server/api/openapi.json'), `${JSON.stringify(openApiDocument('0.1.0'), null, 2)}\n`);
  assert.equal(read('docs/reference/rest.md'), referencePage());
});

test('a path knows its methods', () => {
  assert.deepEqual(methodsOf('/v1/simulations/7'), ['GET']);
  assert.deepEqual(methodsOf('/v1/cancel'), ['POST']);
  assert.deepEqual(methodsOf('/v1/nothing'), []);
  assert.deepEqual(methodsOf('/openapixjson'), []);
});
