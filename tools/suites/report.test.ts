// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJunit, readTap } from './report.ts';

test('JUnit of the Node test runner and of ctest is counted case by case', () => {
  const xml = `<testsuites><testsuite name="outer"><testcase name="a" time="0.1"/>
    <testcase name="b &lt;1&gt;"><failure message="no">stack</failure></testcase>
    <testcase name="c"><skipped type="skipped" message="needs a cluster"/></testcase>
    <testcase name="d" status="run"><system-out>fine</system-out></testcase></testsuite></testsuites>`;
  assert.deepEqual(readJunit(xml), { passed: 2, failed: 1, skipped: ['c: needs a cluster'], failures: ['b <1>'] });
});

test('TAP is counted at the top level', () => {
  const tap = 'TAP version 13\nok 1 - a\nnot ok 2 - b\n  ok 1 - nested\nok 3 - c # SKIP no gpu\n1..3\n';
  assert.deepEqual(readTap(tap), { passed: 1, failed: 1, skipped: ['c: no gpu'], failures: ['b'] });
});

test('an empty report counts nothing', () => {
  assert.deepEqual(readJunit(''), { passed: 0, failed: 0, skipped: [], failures: [] });
});
