// SPDX-License-Identifier: Apache-2.0
/**
 * The backend of one machine: head, ranks and pilots as child processes. Each leads a session of its own, so that a
 * terminal's ^C reaches the command line alone, and carries a mark in its environment (marked-processes.ts). A guardian
 * started first ends them all when this process dies (guardian.sh). It starts, stops and lists; what should run is
 * decided in local/reconcile.ts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Backend, BackendProcess, BackendScope, Clock } from '@melissa/kit';
import type { Launch } from '../local/launch.ts';
import { slotId, type Exit } from '../local/reconcile.ts';
import { GUARDIAN_GRACE_SECONDS, LAST_CALL_SECONDS, LOG_BYTES_MAX } from '../limits.ts';
import { killMarked, MARK_VARIABLE } from './marked-processes.ts';

export type LocalBackendOptions = {
  /** Unique for this life of the command line; names its processes. */
  mark: string;
  clock: Clock;
  launch: (scope: BackendScope, index: number) => Launch;
  logFile: (id: string) => string;
  onEnded: (id: string, exit: Exit) => void;
};

type Child = { scope: BackendScope; index: number; process: ChildProcess; mark: string; ended: Promise<void> };

export class LocalBackend implements Backend {
  #options: LocalBackendOptions;
  #children = new Map<string, Child>();
  #starts = 0;
  #guardian: ChildProcess | null = null;
  #closed = false;

  constructor(options: LocalBackendOptions) {
    this.#options = options;
    this.#startGuardian();
  }

  async start(scope: BackendScope, indexes: number[]): Promise<void> {
    for (const index of indexes) this.#startOne(scope, index);
  }

  /** SIGTERM, once more shortly before `graceSeconds` are over, then SIGKILL to it and all its descendants. */
  async stop(ids: string[], graceSeconds: number): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const child = this.#children.get(id);
        if (child === undefined) return;
        child.process.kill('SIGTERM');
        const { clock } = this.#options;
        const lastCall = clock.after((graceSeconds - LAST_CALL_SECONDS) * 1000, () => child.process.kill('SIGTERM'));
        const end = clock.after(graceSeconds * 1000, () => this.#kill(child));
        await child.ended;
        lastCall.cancel();
        end.cancel();
      }),
    );
  }

  async list(): Promise<BackendProcess[]> {
    return [...this.#children].map(([id, { scope, index }]) => ({ id, scope, index, state: 'Running', reason: null }));
  }

  /** Process id of a slot's living process. */
  processId(id: string): number | null {
    return this.#children.get(id)?.process.pid ?? null;
  }

  /** Ends everything at once and lets the guardian go. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#children.values()) this.#kill(child);
    await Promise.all([...this.#children.values()].map((child) => child.ended));
    killMarked(`${this.#options.mark}.`);
    this.#guardian?.stdin?.end();
  }

  #startOne(scope: BackendScope, index: number): void {
    const id = slotId(scope, index);
    const { command, args, directory, environment } = this.#options.launch(scope, index);
    this.#starts += 1;
    // It ends in a dot, so that start 3 is not taken for the beginning of start 30.
    const mark = `${this.#options.mark}.${id}.${this.#starts}.`;
    const log = openLog(this.#options.logFile(id));
    const process = spawn(command, args, {
      cwd: directory,
      env: { ...environment, [MARK_VARIABLE]: mark },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => {
      const settle = (exit: Exit): void => {
        if (this.#children.get(id)?.process !== process) return;
        // Whatever outlived it (solvers of a pilot that was killed) ends before the slot is free again.
        killMarked(mark);
        this.#children.delete(id);
        this.#options.onEnded(id, exit);
        resolve();
      };
      process.once('exit', (code, signal) => settle({ code, signal }));
      process.once('error', (error) => {
        if (process.pid === undefined) settle({ code: 127, signal: `could not start: ${error.message}` });
      });
    });
    this.#children.set(id, { scope, index, process, mark, ended });
  }

  #kill(child: Child): void {
    killMarked(child.mark);
    child.process.kill('SIGKILL');
  }

  #startGuardian(): void {
    const script = fileURLToPath(new URL('./guardian.sh', import.meta.url));
    const guardian = spawn('/bin/sh', [script, this.#options.mark, String(GUARDIAN_GRACE_SECONDS)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guardian.stdin.on('error', () => undefined); // its end is noticed below
    guardian.once('error', () => undefined); // no shell: ^C and SIGTERM still clean up, SIGKILL cannot
    guardian.once('exit', () => {
      if (!this.#closed) this.#startGuardian();
    });
    guardian.unref();
    this.#guardian = guardian;
  }
}

function openLog(path: string): number {
  try {
    if (statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  } catch {
    // no log yet
  }
  return openSync(path, 'a', 0o600);
}
