// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ManualClock } from '@melissa/kit';
import { aStatus } from '../testing.ts';
import { LiveProgress } from './live.ts';

const HTTP = 'http://127.0.0.1:8888';

function aScreen(
  isTerminal: boolean,
  columns = 140,
): { lines: string[]; screen: ConstructorParameters<typeof LiveProgress>[0]; resize(columns: number): void } {
  const lines: string[] = [];
  const looks = { columns, unicode: true, color: false };
  return {
    lines,
    screen: { isTerminal, write: (text) => void lines.push(text), looks: () => looks },
    resize: (wanted) => void (looks.columns = wanted),
  };
}

test('a terminal is redrawn at most five times a second, each time in one write over the old lines', () => {
  const clock = new ManualClock();
  const { lines, screen } = aScreen(true);
  const progress = new LiveProgress(screen, clock);
  for (let i = 0; i < 100; i++) {
    progress.status(aStatus(), HTTP);
    clock.advance(20);
  }
  assert.equal(lines.length, 10);
  assert.ok(!lines[0]!.startsWith('\x1b['));
  assert.ok(lines[1]!.startsWith('\x1b[2A\r\x1b[J'));
});

test('after the terminal became narrower, the rows that the old lines now take are cleared', () => {
  const clock = new ManualClock();
  const { lines, screen, resize } = aScreen(true);
  const progress = new LiveProgress(screen, clock);
  progress.status(aStatus(), HTTP);
  resize(50); // 101 and 97 characters: three and two rows
  clock.advance(1000);
  progress.status(aStatus(), HTTP);
  assert.ok(lines[1]!.startsWith('\x1b[5A\r\x1b[J'), JSON.stringify(lines[1]!.slice(0, 12)));
});

test('a notice scrolls above the progress, and each failure is told once', () => {
  const clock = new ManualClock();
  const { lines, screen } = aScreen(true);
  const progress = new LiveProgress(screen, clock);
  const failedSimulations = [{ simulation: 7, reason: 'exit code 3' }];
  progress.status(aStatus(), HTTP);
  for (let i = 0; i < 3; i++) {
    clock.advance(1000);
    progress.status(aStatus({ failedSimulations, degraded: ['The disk is full; free some space.'] }), HTTP);
  }
  const all = lines.join('');
  assert.equal(all.split('simulation 7 failed: exit code 3\n').length, 2);
  assert.equal(all.split('warning: The disk is full; free some space.\n').length, 2);
  assert.ok(lines[1]!.startsWith('\x1b[2A\r\x1b[Jsimulation 7'));
});

test('without a terminal a line is written at a change and every five seconds, without control characters', () => {
  const clock = new ManualClock();
  const { lines, screen } = aScreen(false);
  const progress = new LiveProgress(screen, clock);
  for (let i = 0; i < 115; i++) {
    progress.status(aStatus({ state: i < 10 ? 'Starting' : 'Running' }), HTTP);
    clock.advance(100);
  }
  assert.equal(lines.length, 4); // Starting, Running, and two periods of five seconds
  assert.ok(lines.every((line) => !/\x1b/.test(line)));
  assert.match(lines[0]!, /^heat: Starting, 81 %/);
});
