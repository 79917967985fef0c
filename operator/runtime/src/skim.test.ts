// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { projection, readBy } from './projection.ts';
import { Skim, type Tree } from './skim.ts';
import { keptEvents, wholeEvents } from './watch-stream.ts';

type Json = Record<string, unknown>;

/** What the tree names, the plain way. */
function kept(value: unknown, tree: Tree | null): unknown {
  if (tree === null || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => kept(item, tree));
  const entries = Object.entries(value).filter(([name]) => tree.has(name));
  return Object.fromEntries(entries.map(([name, item]) => [name, kept(item, tree.get(name)!)]));
}
const skimmed = (text: string, tree: Tree): string | null => {
  const bytes = Buffer.from(`before${text}\nafter`);
  return new Skim(tree).text(bytes, 6, bytes.length - 6);
};

const names = ['metadata', 'spec', 'a', 'b', 'ä', ''];
const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.option(tie('tree'), { depthSize: 'small' })), {
      selector: ([name]) => name,
      maxLength: 4,
    })
    .map((entries) => new Map(entries)),
})).tree;
const objects = fc.letrec<{ object: Json; value: unknown }>((tie) => ({
  object: fc.dictionary(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, fc.string()), tie('value'), {
    maxKeys: 6,
  }),
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('', '}', ']{"', '\\', '\\"', 'ä🚀', '\u0000', null, true, false, 0, -1.5e-7),
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
})).object;

test('what is read is what the tree names, of any object', () => {
  fc.assert(
    fc.property(objects, trees, (object, tree) => {
      const text = JSON.stringify(object);
      const read = skimmed(text, tree);
      // A key with a backslash is where the walk gives up.
      if (read === null) assert.match(text, /\\/);
      else assert.deepEqual(JSON.parse(read), kept(JSON.parse(text), tree));
    }),
    { numRuns: 3_000 },
  );
});

test('a text that is cut is never taken for another one', () => {
  const tree: Tree = new Map([
    ['a', null],
    ['b', new Map([['a', null]])],
  ]);
  const text = JSON.stringify({ x: [{ y: '}"]' }], a: { x: [1] }, b: [{ a: 'ä', c: 1 }, 2], z: -1 });
  const whole = skimmed(text, tree);
  assert.notEqual(whole, null);
  for (let length = 0; length < text.length; length++) {
    const read = skimmed(text.slice(0, length), tree);
    if (read !== null) assert.equal(read, whole, text.slice(0, length));
  }
});

test('what comes after the last member that is kept is not walked', () => {
  const tree: Tree = new Map([
    ['a', null],
    ['b', new Map([['c', new Map([['d', null]])]])],
  ]);
  assert.equal(skimmed('{"a":1,"b":{"x":2,"c":{"d":3,and so on}}}', tree), '{"a":1,"b":{"c":{"d":3}}}');
  assert.equal(skimmed('{"b":{"c":{"d":3,"x":{}}},"a":1,and so on}', tree), '{"b":{"c":{"d":3}},"a":1}');
  // What is missing is looked for to the end, and what does not close an object is no end.
  assert.equal(skimmed('{"a":1,"b":{"c":{"x":3,and so on}}}', tree), null);
  assert.equal(skimmed('{"a":1,"b":{"c":{"d":3,and so on', tree), null);
});

test('what the API server does not write is left to the parser', () => {
  const tree: Tree = new Map([['a', null]]);
  for (const text of ['{ "a":1}', '{"a" :1}', '{"\\u0061":1}', '{,}', '{"a":}', '{"a"}'])
    assert.equal(skimmed(text, tree), null, text);
});

const line = (event: object): Buffer => Buffer.from(JSON.stringify(event));
const pod = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    name: 'a',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '7',
    generation: 1,
    labels: { 'x/y': 'z' },
    annotations: { note: '{"metadata":{"name":"other"}}' },
    creationTimestamp: '2026-01-01T00:00:00Z',
    deletionTimestamp: '2026-01-01T00:01:00Z',
    finalizers: ['f'],
    ownerReferences: [{ apiVersion: 'v1', kind: 'K', name: 'o', uid: 'w', controller: true }],
    managedFields: [{ manager: 'm', fieldsV1: { 'f:spec': { 'k:{"name":"}]"}': {} } } }],
  },
  spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'E', value: '1' }] }, { name: 'd' }], nodeName: 'one' },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};

test('the cache keeps the same of an event, read whole or in part', () => {
  const asked = [
    [],
    ['spec.nodeName', 'status.phase'],
    ['spec.containers.env.name', 'status'],
    ['metadata', 'spec.missing.more'],
    ['metadata.annotations'],
    ['metadata.creationTimestamp', 'kind'],
  ];
  for (const paths of asked)
    for (const type of ['ADDED', 'MODIFIED', 'DELETED']) {
      const bytes = line({ type, object: pod });
      const project = projection(paths);
      const part = keptEvents(readBy(paths)!)(bytes, 0, bytes.length);
      const whole = wholeEvents(bytes, 0, bytes.length);
      assert.equal(part.type, type);
      assert.deepEqual(project(part.object), project(whole.object));
    }
});

test('bookmarks and errors are read whole', () => {
  const read = keptEvents(readBy([])!);
  for (const event of [
    {
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } } },
    },
    { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old', details: { retryAfterSeconds: 3 } } },
    { object: { metadata: { name: 'a' }, spec: 1 }, type: 'ADDED' },
  ]) {
    const bytes = line(event);
    assert.deepEqual(read(bytes, 0, bytes.length), event);
  }
});

test('a line that ends early is refused, or all that is kept had come', () => {
  const read = keptEvents(readBy(['spec', 'status'])!);
  const bytes = line({ type: 'ADDED', object: pod });
  const whole = read(bytes, 0, bytes.length);
  // The last two braces close the object and the event.
  for (let length = 1; length < bytes.length; length++)
    if (length < bytes.length - 2) assert.throws(() => read(bytes, 0, length), SyntaxError);
    else assert.deepEqual(read(bytes, 0, length), whole);
});
