// SPDX-License-Identifier: Apache-2.0
/** One study under `melissa run`, from outside: started, watched by its REST API, resumed when its command line was killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type StudyStatus } from '@melissa/api';
import { environment, melissa } from '../melissa.ts';
import { processesOf, type Found } from './processes.ts';

const REQUEST_TIMEOUT_MS = 2_000;
/** What the command line promises of its sudden death. */
export const GONE_WITHIN_MS = 5_000;

export class ChaosStudy {
  readonly directory: string;
  readonly manifest: string;
  readonly log: string;
  #child: ChildProcess | null = null;
  #code: number | null = null;
  #environment: NodeJS.ProcessEnv;

  constructor(folder: string, manifest: string, advertise: string | null, more: Record<string, string> = {}) {
    this.directory = join(folder, 'study');
    this.manifest = join(folder, 'study.yaml');
    this.log = join(folder, 'cli.log');
    mkdirSync(folder, { recursive: true });
    writeFileSync(this.manifest, manifest);
    this.#environment = { ...environment, ...(advertise === null ? {} : { MELISSA_ADVERTISE: advertise }), ...more };
  }
  start(): void {
    this.#spawn(['run', this.manifest, '--directory', this.directory, '--port', '0']);
  }
  resume(): void {
    this.#spawn(['run', '--resume', this.directory, '--port', '0']);
  }
  #spawn(words: string[]): void {
    const log = openSync(this.log, 'a');
    const child = spawn(melissa, words, { env: this.#environment, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    this.#code = null;
    child.once('exit', (code) => {
      if (this.#child === child) this.#code = code ?? -1;
    });
  }
  get cli(): number | null {
    return this.#child?.pid ?? null;
  }
  /** null while the command line runs; -1 when it was killed. */
  get exitCode(): number | null {
    return this.#code;
  }
  processes(): Found[] {
    return processesOf(this.directory);
  }
  head(): { pid: number; control: string; http: string } | null {
    try {
      return JSON.parse(readFileSync(join(this.directory, 'head.json'), 'utf8'));
    } catch {
      return null;
    }
  }
  /** null while no head answers. */
  async status(): Promise<StudyStatus | null> {
    const head = this.head();
    if (head === null) return null;
    try {
      const token = readFileSync(join(this.directory, 'token'), 'utf8').trim();
      return await createClient({ baseUrl: head.http, token, fetch, timeoutMs: REQUEST_TIMEOUT_MS }).status();
    } catch {
      return null;
    }
  }
  /** Those that live longer than the promise after the command line has gone. */
  async leftOver(): Promise<Found[]> {
    const endMs = performance.now() + GONE_WITHIN_MS;
    for (;;) {
      const found = this.processes();
      if (found.length === 0 || performance.now() > endMs) return found;
      await sleep(50);
    }
  }
  /** What a person would look at first when it hangs. */
  lastWords(): string {
    const tail = (path: string): string => {
      try {
        return readFileSync(path, 'utf8').split('\n').slice(-12).join('\n');
      } catch {
        return '(none)';
      }
    };
    const logs = ['head', 'rank-0', 'rank-1', 'rank-2', 'pilot-0'].map(
      (id) => `--- ${id}\n${tail(join(this.directory, 'logs', `${id}.log`))}`,
    );
    return [`--- command line\n${tail(this.log)}`, ...logs].join('\n');
  }
}
