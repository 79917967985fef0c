// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeZ85 } from '@melissa/kit';
import { keyPair } from './key-pair.ts';

test('a pair is two keys of 32 bytes in Z85, and no pair comes twice', () => {
  const pairs = Array.from({ length: 50 }, keyPair);
  for (const { publicKey, secretKey } of pairs)
    for (const key of [publicKey, secretKey]) assert.equal(decodeZ85(key)?.length, 32);
  assert.equal(new Set(pairs.flatMap(({ publicKey, secretKey }) => [publicKey, secretKey])).size, 100);
});
