// SPDX-License-Identifier: Apache-2.0
/**
 * A study directory with a real head and real ranks, each a process of its own, started again when they are killed, as a
 * backend would. Used by the world tests; nothing here is a stand-in.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Client } from '@melissa/api';
import { compileStudy, type CompiledStudy } from '@melissa/crds';
import { assert } from '@melissa/kit';

const main = new URL('../src/main.ts', import.meta.url).pathname;
/** Only a broken server waits this long. */
export const PATIENCE_MS = 90_000;

export function compile(spec: Record<string, unknown>, directory: string): CompiledStudy {
  const manifest = { apiVersion: 'melissa.dev/v1alpha1', kind: 'MelissaStudy', metadata: { name: 'world' }, spec };
  const result = compileStudy(manifest, { manifestDirectory: directory, readText: () => '' });
  assert('study' in result, `the manifest of the test compiles: ${JSON.stringify(result)}`);
  return result.study;
}

/** Asks again until the answer is there; a server that is being restarted does not answer. */
export async function until<T>(what: string, ask: () => Promise<T | null> | T | null): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null) return answer;
    } catch (cause) {
      if (performance.now() > endMs) throw cause;
    }
    assert(performance.now() < endMs, `in ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(25);
  }
}

export class Server {
  readonly directory = mkdtempSync(join(tmpdir(), 'melissa-world-'));
  readonly study: CompiledStudy;
  readonly token = 'a-token-for-the-tests-of-the-world';
  #children = new Map<string, ChildProcess>();
  #codes = new Map<string, number | null>();
  #ending = false;
  /** Exits that nobody asked for: slot, code, signal. */
  readonly exits: string[] = [];

  constructor(spec: Record<string, unknown>) {
    this.study = compile(spec, this.directory);
    mkdirSync(join(this.directory, 'logs'));
    writeFileSync(join(this.directory, 'token'), `${this.token}\n`);
    writeFileSync(join(this.directory, 'compiled.json'), JSON.stringify(this.study));
  }
  async start(): Promise<void> {
    this.#spawn('head', ['head', '--study', this.directory, '--http', '127.0.0.1:0']);
    const { control } = await this.headFile();
    for (let rank = 0; rank < this.study.server.ranks && this.study.fields.length > 0; rank++) {
      this.#spawn(`rank-${rank}`, ['rank', '--study', this.directory, '--rank', String(rank), '--head', control]);
    }
  }
  #spawn(slot: string, words: string[]): void {
    const log = openSync(join(this.directory, 'logs', `${slot}.log`), 'a');
    const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#children.set(slot, child);
    child.on('exit', (code, signal) => {
      if (this.#children.get(slot) === child) this.#children.delete(slot);
      this.#codes.set(slot, code);
      if (this.#ending) return;
      this.exits.push(`${slot} ${code} ${signal}`);
      this.#spawn(slot, words);
    });
  }
  /** head.json of the head that runs now. */
  async headFile(): Promise<{ pid: number; control: string; http: string; epoch: number }> {
    return until('the head is up', () => {
      const file = JSON.parse(readFileSync(join(this.directory, 'head.json'), 'utf8'));
      return file.pid === this.#children.get('head')?.pid ? file : null;
    });
  }
  async client(): Promise<Client> {
    const { http } = await this.headFile();
    return createClient({ baseUrl: http, token: this.token, fetch, timeoutMs: 20_000 });
  }
  /** Ends a process as the kernel would; it is started again. */
  kill(slot: string): void {
    const child = this.#children.get(slot);
    assert(child !== undefined, `${slot} runs`);
    child.kill('SIGKILL');
  }
  log(slot: string): string {
    return readFileSync(join(this.directory, 'logs', `${slot}.log`), 'utf8');
  }
  /** Head first, so that it can write; then the ranks. Exit codes by slot. */
  async stop(): Promise<Record<string, number | null>> {
    this.#ending = true;
    const codes: Record<string, number | null> = {};
    for (const slot of [...this.#children.keys()].sort()) {
      const child = this.#children.get(slot);
      if (child !== undefined) {
        const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
        await exited;
        clearTimeout(timer);
      }
      // The ranks of a finished study leave by themselves when the head does.
      codes[slot] = this.#codes.get(slot) ?? null;
    }
    return codes;
  }
  remove(): void {
    this.#ending = true;
    for (const child of this.#children.values()) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
