// SPDX-License-Identifier: Apache-2.0
/**
 * Puts progress on a terminal or into a log. On a terminal the last lines are redrawn in place, at most five times a
 * second and in one write each, so that nothing flickers; notices scroll above them. Elsewhere a line is written when
 * something changed that a person would want to find in a log, or every five seconds.
 */
import type { Clock } from '@melissa/kit';
import type { StudyStatus } from '@melissa/api';
import { PLAIN_PERIOD_MS, REDRAW_PERIOD_MS } from '../limits.ts';
import type { Watcher } from '../local/study-run.ts';
import { renderPlain, renderProgress, type Looks } from './render.ts';

/** A study with a hundred thousand failures is not told one by one; their number is in the progress line. */
const NEWS_MAX = 500;

export type Screen = { write(text: string): void; looks(): Looks; isTerminal: boolean };

export class LiveProgress implements Watcher {
  #screen: Screen;
  #clock: Clock;
  #drawn: string[] = [];
  #lastMs = -Infinity;
  #lastState = '';
  #told = new Set<string>();

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
  }

  status(status: StudyStatus, http: string): void {
    this.#tellNews(status);
    const nowMs = this.#clock.monotonicMs();
    if (this.#screen.isTerminal) {
      if (nowMs - this.#lastMs < REDRAW_PERIOD_MS) return;
      this.#lastMs = nowMs;
      this.#draw(renderProgress(status, http, this.#screen.looks()));
      return;
    }
    const state = `${status.state} ${status.simulations.failed}`;
    if (state === this.#lastState && nowMs - this.#lastMs < PLAIN_PERIOD_MS) return;
    this.#lastState = state;
    this.#lastMs = nowMs;
    this.#screen.write(`${renderPlain(status)}\n`);
  }

  notice(text: string): void {
    const drawn = this.#drawn;
    this.#screen.write(`${this.#erasure()}${text}\n`);
    this.#drawn = [];
    if (drawn.length > 0) this.#draw(drawn);
  }

  /** Leaves the last picture on the screen and the cursor below it. */
  end(): void {
    this.#drawn = [];
  }

  /** Failed simulations and degradations, each once. */
  #tellNews(status: StudyStatus): void {
    const news = [
      ...status.failedSimulations.map(({ simulation, reason }) => `simulation ${simulation} failed: ${reason}`),
      ...status.degraded.map((sentence) => `warning: ${sentence}`),
    ];
    for (const text of news) {
      if (this.#told.has(text) || this.#told.size >= NEWS_MAX) continue;
      this.#told.add(text);
      this.notice(text);
    }
  }

  #draw(lines: string[]): void {
    this.#screen.write(`${this.#erasure()}${lines.join('\n')}\n`);
    this.#drawn = lines;
  }

  /** Moves up over the lines drawn last, counting how often each wraps at the present width, and clears below. */
  #erasure(): string {
    if (this.#drawn.length === 0) return '';
    const { columns } = this.#screen.looks();
    const rows = this.#drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(visibleLength(line) / Math.max(1, columns))),
      0,
    );
    return `\x1b[${rows}A\r\x1b[J`;
  }
}

const visibleLength = (line: string): number => line.replace(/\x1b\[[0-9;]*m/g, '').length;
