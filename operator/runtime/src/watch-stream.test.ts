// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseEvent, watchEvents, type WatchEvent } from './watch-stream.ts';

const event = (object: object): string => JSON.stringify({ type: 'ADDED', object });
/** As JSON has it: what is undefined is absent. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const usual = [
  {
    manager: 'kubelet',
    operation: 'Update',
    fieldsV1: { 'f:status': { '.': {}, 'k:{"type":"Ready"}': { 'f:a': {} } } },
  },
  { manager: 'x', fieldsV1: { 'f:a': {} }, subresource: 'status' },
];
/** Nothing that a server sends, but JSON. */
const strange = [{ manager: 'm]', fieldsV1: { 'k:{"a":"]}\\\\"}': { '.': {}, 'v:[1,"\\""]': [[]] } } }];

test('managedFields of metadata are left out, and nothing else is', () => {
  const object = {
    kind: 'Pod',
    metadata: { name: 'a', managedFields: usual, labels: { b: ']' } },
    spec: { c: [1, [2]] },
  };
  const { managedFields: _dropped, ...metadata } = object.metadata;
  assert.deepEqual(plain(parseEvent(event(object))), { type: 'ADDED', object: { ...object, metadata } });
});

test('the name elsewhere is a field like any other', () => {
  const objects = [
    { config: { a: 1, managedFields: [1, 2] }, metadata: { name: 'a', managedFields: strange } },
    { metadata: { name: 'a' }, spec: { a: 1, managedFields: strange } },
    { metadata: { name: 'a', annotations: { last: event({ metadata: { name: 'b', managedFields: strange } }) } } },
    { metadata: { name: 'a', annotations: { 'x,"managedFields': [',"managedFields":['] } } },
    { metadata: { name: 'a', managedFields: [] }, kind: 'Last', list: [{ a: 1 }], more: 2 },
    { metadata: { name: 'a', managedFields: strange, z: 1 }, list: [{ a: 1 }], more: 2 },
    { metadata: { name: 'a', managedFields: [{ manager: '}],' }, { manager: '}]' }], z: 1 }, list: [{ a: 1 }] },
    { metadata: { name: 'a', managedFields: [{ 'f:}],': {} }], z: [{ a: 1 }] }, list: [{ a: 1 }] },
    { a: 1, managedFields: [{ b: [{ c: 1 }], d: 2 }], metadata: { name: 'a' } },
    {},
  ];
  for (const object of objects) {
    const read = plain(parseEvent(event(object))) as { object: { metadata?: { managedFields?: unknown } } };
    const whole = plain({ type: 'ADDED', object }) as typeof read;
    if (read.object.metadata?.managedFields === undefined) delete whole.object.metadata?.managedFields;
    assert.deepEqual(read, whole);
  }
});

test('a line that is no JSON is refused, cut inside managedFields too', () => {
  const line = event({ metadata: { name: 'a', managedFields: strange } });
  for (let length = 1; length < line.length; length++)
    assert.throws(() => parseEvent(line.slice(0, length)), SyntaxError);
});

test('lines are found however the bytes are cut, in the middle of a character too', async () => {
  const objects = ['ä€🚀', 'plain', '\\n'].map((name) => ({ metadata: { name } }));
  const bytes = Buffer.from(objects.map((object) => `${event(object)}\n`).join('\n'));
  for (const step of [1, 2, 3, 7, 1000]) {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
    }
    const read: WatchEvent[] = [];
    for await (const some of watchEvents(chunks())) read.push(...some);
    assert.deepEqual(
      read.map(({ object }) => object),
      objects,
    );
  }
});

test('chunks that nobody else has are given back once they are read, others stay', async () => {
  const text = '{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"MODI';
  for (const ownsChunks of [true, false]) {
    const chunks = [text, 'FIED","object":{}}\n'].map((part) => new Uint8Array(new TextEncoder().encode(part)));
    const body = async function* () {
      yield* chunks;
    };
    const types: string[] = [];
    for await (const events of watchEvents(body(), undefined, ownsChunks))
      for (const { type } of events) types.push(type);
    assert.deepEqual(types, ['ADDED', 'MODIFIED']);
    const left = chunks.map(({ length }) => length);
    assert.deepEqual(left, ownsChunks ? [0, 0] : [text.length, 19]);
  }
});

test('a chunk that is a part of something larger is left alone', async () => {
  const whole = new TextEncoder().encode('{"type":"ADDED","object":{}}\n{"type":"DELETED","object":{}}\n');
  const body = async function* () {
    yield whole.subarray(0, 29);
    yield whole.subarray(29);
  };
  const types: string[] = [];
  for await (const events of watchEvents(body(), undefined, true)) for (const { type } of events) types.push(type);
  assert.deepEqual(types, ['ADDED', 'DELETED']);
});
