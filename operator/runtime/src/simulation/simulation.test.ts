// SPDX-License-Identifier: Apache-2.0
/**
 * Worlds from seeds, and worlds with a planted bug. A planted bug is a line of a copy of the source, changed; the simulation must
 * notice each within a few hundred seeds, or it would notice nothing.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/** How many seeds; two processes share them. */
const WORLDS = Number(process.env['WORLDS'] ?? '300');
const WORLDS_MS_MAX = 3_600_000;

const source = fileURLToPath(new URL('..', import.meta.url));

type Sums = { seeds: number; failed: number; takeOvers: number; requests: number; firstFailure: number | null };
type Run = { sums: Sums; stderr: string };

function worlds(folder: string, from: number, count: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const args = [join(folder, 'io', 'simulate.ts'), String(from), String(count)];
    execFile(process.execPath, args, { timeout: WORLDS_MS_MAX }, (_, stdout, stderr) => {
      if (stdout === '') reject(new assert.AssertionError({ message: `no result: ${stderr.slice(0, 2000)}` }));
      else resolve({ sums: JSON.parse(stdout) as Sums, stderr });
    });
  });
}

test('every world of two replicas ends as it should, whatever happened on the way', async (context) => {
  const half = Math.ceil(WORLDS / 2);
  const startedMs = performance.now();
  const runs = await Promise.all([worlds(source, 1, half), worlds(source, 1_000_001, half)]);
  for (const { sums, stderr } of runs) {
    assert.equal(stderr, '');
    assert.equal(sums.failed, 0);
    assert.equal(sums.seeds, half);
    assert.ok(sums.takeOvers > half / 3, `only ${sums.takeOvers} take-overs: the worlds are too quiet`);
  }
  context.diagnostic(`${2 * half} worlds in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
});

test('one seed is one world', async () => {
  const [one, two] = await Promise.all([worlds(source, 77, 3), worlds(source, 77, 3)]);
  assert.equal(one.sums.requests, two.sums.requests);
  assert.equal(one.sums.takeOvers, two.sums.takeOvers);
});

const bugs: { name: string; file: string; from: string; to: string }[] = [
  {
    name: 'the store takes older versions',
    file: 'store.ts',
    from: 'if (order !== null && order <= 0) return false;\n    this.#tombstones.delete(key);',
    to: 'this.#tombstones.delete(key);',
  },
  {
    name: 'a watch resumes a little after the last event',
    file: 'reflector.ts',
    from: 'this.#version = this.#highest = version;\n    this.#options.store.progressed',
    to: 'this.#version = this.#highest = String(Number(version) + 2);\n    this.#options.store.progressed',
  },
  {
    name: 'after 410 the watch resumes at the version that has expired',
    file: 'reflector.ts',
    from: "this.#tell({ type: 'relist', reason: error.message });\n      this.#version = null;",
    to: "this.#tell({ type: 'relist', reason: error.message });",
  },
  {
    name: 'a new picture does not take away what is gone',
    file: 'store.ts',
    from: 'if (!isRestored) this.#bury(key, version);\n      this.#delete(key, object);',
    to: '',
  },
  {
    name: 'lost events are never noticed',
    file: 'reflector.ts',
    from: 'if (left.length > 0) return this.#relist(',
    to: 'if (left.length > 1e9) return this.#relist(',
  },
  {
    name: 'the queue hands a key to two workers',
    file: 'queue.ts',
    from: 'if (this.#inWork.has(key)) {',
    to: 'if (this.#inWork.has(key) && this.#closed) {',
  },
  {
    name: 'a key that is added while in work is forgotten',
    file: 'queue.ts',
    from: "if (this.#again.get(key) !== 'live') this.#again.set(key, priority);",
    to: '',
  },
  {
    name: 'the election believes the wall clock in the lease',
    file: 'election.ts',
    from: 'const hasRunOut = clock.monotonicMs() >= this.#observed.atMs + this.#observed.leaseMs;',
    to: "const hasRunOut = clock.wallMs() >= Date.parse(lease.spec?.renewTime ?? '') + this.#observed.leaseMs;",
  },
  {
    name: 'a renewal counts from its answer',
    file: 'election.ts',
    from: 'this.#validUntilMs = sentMs + leaseMs - this.#marginMs;',
    to: 'this.#validUntilMs = clock.monotonicMs() + leaseMs - this.#marginMs;',
  },
  {
    name: 'the lease is not checked before a write',
    file: 'gate.ts',
    from: "if (request.method !== 'GET' && !holds())",
    to: "if (request.method === 'PUT' && !holds())",
  },
  {
    name: 'a lease is written without the version that was read',
    file: 'election.ts',
    from: 'metadata: lease === null ? { name, namespace } : { ...lease.metadata },',
    to: 'metadata: { name, namespace },',
  },
  {
    name: 'an apply does not say what it was read from',
    file: 'client.ts',
    from: 'metadata: { ...body.metadata, ...preconditions(existing) } },',
    to: 'metadata: { ...body.metadata } },',
  },
  {
    name: 'a key that came before the lease is dropped',
    file: 'manager.ts',
    from: 'else one.parked.add(key);',
    to: '',
  },
];

for (const { name, file, from, to } of bugs)
  test(`the simulation notices that ${name}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'planted-'));
    try {
      cpSync(source, folder, { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
      const text = readFileSync(join(folder, file), 'utf8');
      assert.equal(text.split(from).length, 2, `${file} must have the line once`);
      writeFileSync(join(folder, file), text.replace(from, to));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      let noticed: Sums | null = null;
      // In small bites, since most bugs show within a few worlds.
      for (let seed = 1; seed <= 600 && noticed === null; seed += 60) {
        const { sums } = await worlds(folder, seed, 60);
        if (sums.failed > 0) noticed = sums;
      }
      assert.notEqual(noticed, null, 'no world went wrong');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
