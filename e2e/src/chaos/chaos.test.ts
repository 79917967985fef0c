// SPDX-License-Identifier: Apache-2.0
/**
 * Some seeds of chaos as a test (MELISSA_CHAOS_SEEDS: how many), and tests of the instrument itself: a schedule is a function
 * of its seed, every kind of fault occurs, and the comparison sees a single wrong cell.
 */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { cleanUp, scratch } from '../melissa.ts';
import { Chaos } from './chaos.ts';
import { Comparer } from './comparer.ts';
import { faultName, scheduleOf } from './schedule.ts';
import { variants } from './variants.ts';

const SEEDS = Number(process.env['MELISSA_CHAOS_SEEDS'] ?? 30);
const all = { mpi: true, mounts: true };

test('a seed means the same schedule each time, and without MPI or mounts none of it is needed', () => {
  for (let seed = 0; seed < 300; seed++) {
    assert.deepEqual(scheduleOf(seed, all), scheduleOf(seed, all));
    const bare = scheduleOf(seed, { mpi: false, mounts: false });
    assert.equal(bare.variant.clientRanks, 1);
    assert.ok(bare.faults.every(({ kind }) => kind !== 'diskFull'));
  }
});

test('a thousand seeds hold every variant and every kind of fault', () => {
  const schedules = Array.from({ length: 1000 }, (_, seed) => scheduleOf(seed, all));
  assert.deepEqual(new Set(schedules.map(({ variant }) => variant.name)), new Set(variants.map(({ name }) => name)));
  const kinds = new Set(schedules.flatMap(({ faults }) => faults.map(faultName)));
  const victims = ['solver', 'pilot', 'rank', 'head', 'cli'];
  const expected = [
    ...victims.flatMap((victim) => [`kill:${victim}`, `freeze:${victim}`]),
    'cut',
    'delay',
    'stall',
    'diskFull',
    'damage',
  ];
  assert.deepEqual(kinds, new Set(expected));
  assert.ok(schedules.some(({ isLinkOnly }) => isLinkOnly));
});

const chaos = new Chaos();
after(() => {
  chaos.close();
  cleanUp();
});
for (const [what, isHere] of [
  ['studies with MPI', chaos.ability.mpi],
  ['full disks', chaos.ability.mounts],
] as const) {
  if (!isHere)
    test(
      `${what} under chaos`,
      { skip: 'this machine cannot: it needs mpicc and mpirun, or the right to mount' },
      () => undefined,
    );
}

describe('a study with faults has the result of the study without', { concurrency: 2 }, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { variant, faults } = scheduleOf(seed, chaos.ability);
    test(`seed ${seed}: ${variant.name}, ${faults.map(faultName).join(', ')}`, async () => {
      const findings = await chaos.seed(seed);
      assert.deepEqual(
        findings.problems,
        [],
        `npm run chaos -- --seeds 1 --first ${seed}\n${findings.notes.join('\n')}`,
      );
      assert.ok(findings.maxRelativeError <= 1);
    });
  }
});

test('the comparison sees one wrong bit in one cell', async () => {
  const twin = await chaos.twin(variants[0]!);
  const copy = join(scratch(), 'copy');
  cpSync(join(twin, 'results'), join(copy, 'results'), { recursive: true });
  const comparer = new Comparer();
  try {
    assert.equal((await comparer.compare(twin, copy)).largest, 0);
    const place = join(copy, 'results', 'results.zarr', 'u_minimum');
    const chunk = join(
      place,
      readdirSync(place)
        .filter((name) => !name.startsWith('.'))
        .sort()[0]!,
    );
    const bytes = zstdDecompressSync(readFileSync(chunk));
    bytes[bytes.length - 8]! ^= 1;
    writeFileSync(chunk, zstdCompressSync(bytes));
    const { largest, ratios } = await comparer.compare(twin, copy);
    assert.ok(largest > 1);
    assert.deepEqual(
      Object.keys(ratios).filter((name) => ratios[name]! > 1),
      ['u_minimum'],
    );
  } finally {
    comparer.close();
  }
});
