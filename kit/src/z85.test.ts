// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeZ85, encodeZ85 } from './z85.ts';

test('the example of the specification, there and back', () => {
  const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
  assert.equal(encodeZ85(bytes), 'HelloWorld');
  assert.deepEqual(decodeZ85('HelloWorld'), bytes);
  assert.deepEqual(decodeZ85(encodeZ85(new Uint8Array(8).fill(255))), new Uint8Array(8).fill(255));
  assert.deepEqual(decodeZ85(''), new Uint8Array(0));
});

test('what is no Z85 is null: a wrong length, a foreign character, more than 32 bits', () => {
  for (const text of ['Hell', 'Hello World'.slice(0, 10), 'Hell~', '#####', 'é0000'])
    assert.equal(decodeZ85(text), null, text);
});
