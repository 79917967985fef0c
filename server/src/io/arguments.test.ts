// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProjectError } from '@melissa/kit';
import { assertLimits } from '../limits.ts';
import { parseArguments } from './arguments.ts';

test('the defaults of a head listen on the loopback interface only', () => {
  const options = parseArguments(['head', '--study', '/s']);
  assert.ok(options.role === 'head');
  const { httpHost, httpPort, control, tokenFile, intent } = options;
  assert.deepEqual(
    [httpHost, httpPort, control, tokenFile, intent],
    ['127.0.0.1', 8888, 'tcp://127.0.0.1:*', '/s/token', 'api'],
  );
  const rank = parseArguments(['rank', '--study', '/s', '--rank', '1', '--head', 'tcp://h:1']);
  assert.ok(rank.role === 'rank' && rank.listen.startsWith('tcp://127.0.0.1:'));
});

test('a wrong command line says what is wrong', () => {
  const cases: [string[], RegExp][] = [
    [[], /"" is neither head nor rank/],
    [['head'], /--study is missing/],
    [['head', '--study', '/s', '--http', 'nowhere'], /--http nowhere is not host:port/],
    [['head', '--study', '/s', '--http', '127.0.0.1:70000'], /is not host:port/],
    [['rank', '--study', '/s', '--head', 'tcp://h:1'], /--rank is not a number/],
    [['rank', '--study', '/s', '--rank', '0'], /--head is missing/],
    [['head', '--study', '/s', '--colour'], /--colour/],
  ];
  for (const [words, expected] of cases) {
    assert.throws(
      () => parseArguments(words),
      (cause: ProjectError) => cause.code === 'EUSAGE' && expected.test(cause.message),
    );
  }
});

test('the limits agree with each other', () => assertLimits());
