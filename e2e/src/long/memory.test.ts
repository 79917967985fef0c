// SPDX-License-Identifier: Apache-2.0
/**
 * The memory of head and ranks does not grow with the number of simulations, but for 256 bytes each: resident memory when
 * 20,000 simulations are done, less that when 100 are, is at most 16 MiB and 256 bytes a simulation. MELISSA_MEMORY_SIMULATIONS
 * sets how many.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeStudy } from '../bad-input/study.ts';
import { cleanUp, root } from '../melissa.ts';

after(cleanUp);

const FEW = 100;
const MANY = Number(process.env['MELISSA_MEMORY_SIMULATIONS'] ?? 20_000);
const BYTES_MAX = 16 * 2 ** 20 + 256 * MANY;
const LIMIT_MS = 3_000_000;

function residentBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has just ended
  }
}

const solver = join(root, 'build/client-api/tests/loop_program');
const cases: { name: string; spec: Record<string, unknown> }[] = [
  {
    name: 'without fields, a process each',
    spec: { fields: [], time: { steps: 1 }, client: { command: ['true'], parallelism: 4 } },
  },
  {
    name: 'with a small field, through looping solvers',
    spec: {
      fields: [{ name: 'temperature', shape: [4] }],
      time: { steps: 2 },
      statistics: { moments: 2 },
      client: { command: [solver], args: ['2'], loop: true, parallelism: 4 },
    },
  },
];

for (const { name, spec } of cases) {
  test(`${MANY} simulations ${name}: resident memory of head and ranks`, async () => {
    const study = makeStudy(
      JSON.stringify({
        apiVersion: 'melissa.dev/v1alpha1',
        kind: 'MelissaStudy',
        metadata: { name: 'memory' },
        spec: {
          parameters: [{ name: 'x', uniform: { min: 1, max: 2 } }],
          sampling: { method: 'Random', simulations: MANY, seed: 1 },
          server: { memory: '1Gi', keepSeconds: 60, checkpoint: { periodSeconds: 10 } },
          ...spec,
        },
      }),
    );
    study.start();
    const first = new Map<string, number>();
    const last = new Map<string, number>();
    const endMs = performance.now() + LIMIT_MS;
    let done = 0;
    while (done < MANY) {
      assert.ok(study.exitCode === null && performance.now() < endMs, `${done} are done\n${study.lastWords()}`);
      done = (await study.status())?.simulations.done ?? done;
      for (const { role, pid } of study.processes()) {
        if (role !== 'head' && role !== 'rank') continue;
        const bytes = residentBytes(pid);
        if (done >= FEW && !first.has(role)) first.set(role, bytes);
        if (bytes > 0) last.set(role, bytes);
      }
      await sleep(50);
    }
    for (const { pid } of study.processes()) process.kill(pid, 'SIGKILL');
    const growth = [...last].map(([role, bytes]) => [role, bytes - first.get(role)!] as const);
    for (const [role, bytes] of growth)
      process.stdout.write(`${name}: ${role} ${first.get(role)} bytes, ${bytes} bytes more at ${MANY} simulations\n`);
    assert.ok(growth.length >= 1);
    for (const [role, bytes] of growth)
      assert.ok(bytes <= BYTES_MAX, `${role} grew by ${bytes} bytes, ${BYTES_MAX} are allowed`);
  });
}
