// SPDX-License-Identifier: Apache-2.0
/**
 * Solvers and rank on one machine share memory. The same study over sockets alone must give the same bits; a solver that is killed
 * while it writes costs nothing but its attempt; and nothing that was shared outlives the processes.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUp, root, runStudy, scratch, startStudy, summaryOf, variant } from './melissa.ts';

after(cleanUp);
const LIMIT_MS = 400_000;
/** A solver that sends less than 4 MiB in its life is not worth a ring. */
const CELLS = 30_000;
const STEPS = 20;

/** Loops, or runs once; sends as fast as it can. */
const solver = `#include <melissa.h>
#include <melissa_api_no_mpi.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  static double values[${CELLS}];
  if (argc > 2) setenv("MELISSA_TRANSPORT", argv[2], 1);
  int loops = getenv("MELISSA_LOOP_LEASE") != NULL;
  double p = argc > 1 ? atof(argv[1]) : 0;
  melissa_init_no_mpi("x", ${CELLS});
  while (!loops || melissa_next_simulation() == MELISSA_OK) {
    if (loops) p = melissa_parameter(0);
    for (int step = 0; step < ${STEPS}; step++) {
      for (int i = 0; i < ${CELLS}; i++) values[i] = p * (i + 1) + step;
      melissa_send("x", values);
    }
    if (!loops) break;
  }
  melissa_finalize();
  return melissa_last_status() != MELISSA_OK;
}
`;

function solverIn(folder: string): string {
  const source = join(folder, 'solver.c');
  const program = join(folder, 'sends-fast');
  writeFileSync(source, solver);
  const library = join(root, 'build', 'client-api');
  const words = ['-O2', '-o', program, source, `-I${join(root, 'client-api', 'include')}`, `-L${library}`];
  execFileSync('cc', [...words, '-lmelissa', `-Wl,-rpath,${library}`]);
  return program;
}

const manifest = (program: string, simulations: number, loop: boolean, sampling = '') => `
apiVersion: melissa.dev/v1alpha1
kind: MelissaStudy
metadata: { name: shared }
spec:
  parameters: [{ name: p, uniform: { min: 0, max: 1 } }, { name: q, uniform: { min: 0, max: 1 } }]
  sampling: ${sampling === '' ? `{ method: Random, simulations: ${simulations}, seed: 4 }` : sampling}
  time: { steps: ${STEPS} }
  fields: [{ name: x, cells: ${CELLS} }]
  statistics: { extrema: true, quantiles: [0.5] }
  client: { command: [${program}], args: ['${loop ? '0' : '{p}'}'], loop: ${loop}, parallelism: 2 }
  faultPolicy: { timeoutSeconds: 20, retryLimit: 40 }
`;

type Process = { pid: number; maps: string };
/** Processes that run the program, with what they have mapped. */
function running(program: string): Process[] {
  const found: Process[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] !== program) continue;
      found.push({ pid: Number(pid), maps: readFileSync(`/proc/${pid}/maps`, 'utf8') });
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}
const shares = ({ maps }: Process): boolean => maps.includes('/memfd:melissa-ring');

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < end, `no ${what} in time`);
    await sleep(5);
  }
}

/** Runs to its end, looking on; true when some solver had memory of the rank's mapped. */
async function watched(
  path: string,
  program: string,
  transport: string,
): Promise<{ directory: string; shared: boolean }> {
  const directory = join(scratch(), 'study');
  const study = startStudy(path, directory, { 'spec.client.args': `['0', '${transport}']` });
  let code: number | null | undefined;
  study.on('exit', (value) => (code = value ?? -1));
  let shared = false;
  await until('end of the study', () => {
    shared ||= running(program).some(shares);
    return code;
  });
  assert.equal(code, 0);
  return { directory, shared };
}

for (const [name, sampling] of [
  ['independent simulations', ''],
  ['pick-freeze groups', '{ method: PickFreeze, groups: 6, seed: 4 }'],
] as const) {
  test(`through shared memory and through sockets the same bits are folded: ${name}`, async () => {
    const folder = scratch();
    const program = solverIn(folder);
    const path = variant('shared', manifest(program, 24, true, sampling));
    const memory = await watched(path, program, 'auto');
    const sockets = await watched(path, program, 'tcp');
    assert.ok(memory.shared, 'the first study shared memory');
    assert.ok(!sockets.shared, 'the second did not');
    const [a, b] = [memory, sockets].map(({ directory }) => summaryOf(directory));
    assert.deepEqual(a!.digests, b!.digests);
    assert.ok(a!.digests[0]!.units > 0);
    for (const map of ['minimum', 'maximum']) {
      const read = (directory: string) => {
        const folderOf = join(directory, 'results', 'npy');
        const file = readdirSync(folderOf, { recursive: true })
          .map(String)
          .find((one) => one.includes(map) && one.endsWith('.npy'));
        return readFileSync(join(folderOf, file!));
      };
      assert.deepEqual(read(memory.directory), read(sockets.directory));
    }
  });
}

test('solvers killed while they write cost nothing, and nothing that was shared is left', async () => {
  const folder = scratch();
  const program = solverIn(folder);
  const path = variant('killed', manifest(program, 60, false));
  const whole = runStudy(path, { 'spec.client.args': "['{p}', 'tcp']" });
  assert.equal(whole.code, 0, whole.stderr);
  const directory = join(scratch(), 'study');
  const study = startStudy(path, directory);
  let code: number | null | undefined;
  study.on('exit', (value) => (code = value ?? -1));
  const before = new Set(readdirSync('/dev/shm'));
  let killed = 0;
  while (killed < 8 && code === undefined) {
    const victim = await until('solver that shares memory', () =>
      code === undefined ? running(program).find(shares) : null,
    );
    if (victim === null) break;
    try {
      process.kill(victim.pid, 'SIGKILL');
      killed += 1;
    } catch {
      // It ended by itself.
    }
    await until('its end', () => (running(program).some(({ pid }) => pid === victim.pid) ? undefined : true));
  }
  assert.ok(killed >= 4, `${killed} solvers were killed`);
  await until('end of the study', () => code);
  assert.equal(code, 0);
  assert.deepEqual(summaryOf(directory).digests, summaryOf(whole.directory).digests);
  const left = readdirSync('/dev/shm').filter((name) => name.includes('melissa') && !before.has(name));
  assert.deepEqual(left, []);
});
