// SPDX-License-Identifier: Apache-2.0
/** Results written by the real worker from a scripted study, and opened by the programs that people use. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';
import { compiled, plateManifest, ScriptedService, scriptedValue } from '../http/scripted-service.ts';
import { createIoWorker } from '../io/worker.ts';
import type { ResultsFacts } from './writer.ts';

const python =
  process.env['MELISSA_TEST_PYTHON'] ?? fileURLToPath(new URL('../../../.cache/python/bin/python', import.meta.url));
const checker = fileURLToPath(new URL('./check-results.py', import.meta.url));
const facts: ResultsFacts = {
  manifest: { kind: 'MelissaStudy' }, versions: { melissa: '0.1.0' }, host: 'here', time: '2026-01-01T00:00:20.000Z', isFinal: true, outcome: 'Succeeded', stoppedEarly: true, partlyIn: [3], designLabel: '',
}; // prettier-ignore

type Seen = {
  variables: Record<string, { dims: string[]; shape: number[]; units: string; long_name: string }>;
  coords: Record<string, (number | string)[]>;
  sums: Record<string, number>;
  nans: Record<string, number>;
  selected: Record<string, number[]>;
  npy: Record<string, { shape: number[]; sum: number }>;
  vtk: Record<
    string,
    { attributes: Record<string, string>; first: Record<string, number[]>; lengths: Record<string, number> }
  >;
  pvd: Record<string, Record<string, string>[]>;
  table: { columns: string[]; rows: number; failed: Record<string, unknown>[]; same: boolean };
};

async function written(
  context: TestContext,
  manifest: Record<string, unknown>,
  prepare: (folder: string) => void = () => undefined,
) {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-results-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  prepare(directory);
  const service = new ScriptedService(compiled(manifest, directory));
  const worker = await createIoWorker({ directory });
  context.after(() => worker.close());
  const report = await worker.writeResults(service, facts);
  const look = (...selections: string[]): Seen =>
    JSON.parse(
      execFileSync(python, [checker, report.directory, ...selections], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
        timeout: 120_000,
      }),
    ) as Seen;
  return { directory, service, worker, report, look };
}
const sumOf = (field: string, statistic: string, argument: number, steps: number[], cells: number): number => {
  let sum = 0;
  for (const step of steps)
    for (let cell = 0; cell < cells; cell++) sum += scriptedValue({ field, step, statistic, argument }, cell);
  return sum;
};
const isClose = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs(actual! - expected) <= 1e-9 * Math.abs(expected), `${actual} is not ${expected}`);

test('xarray, NumPy, pandas and VTK readers see every value in its place', async (context) => {
  const { report, look, directory, service } = await written(context, plateManifest());
  assert.deepEqual(report.missing, []);
  assert.deepEqual(report.warnings, []);
  const one = 'temperature_sobol_first@{"parameter":"left","time":1.5,"y":1.5,"x":2.25}';
  const seen = look(one, 'temperature_quantile@{"quantile":0.5,"time":0.5,"y":1.0,"x":2.0}');
  // Step 3 is at the fourth time; row 1 and column 1 are cell 9.
  const times = service.study.time.values;
  assert.deepEqual(seen.coords['time'], times);
  const step = times.indexOf(1.5);
  assert.deepEqual(seen.selected[one], [
    scriptedValue({ field: 'temperature', statistic: 'sobolFirst', argument: 1, step }, 9),
  ]);
  assert.deepEqual(Object.values(seen.selected)[1], [
    scriptedValue({ field: 'temperature', statistic: 'quantile', argument: 1, step: times.indexOf(0.5) }, 0),
  ]);
  assert.deepEqual(seen.variables['temperature_sobol_first_lower']!.dims, ['time', 'parameter', 'y', 'x']);
  assert.deepEqual(seen.variables['temperature_variance'], {
    dims: ['time', 'y', 'x'],
    shape: [4, 6, 8],
    units: 'K^2',
    long_name: 'temperature: variance',
  });
  assert.deepEqual(seen.coords['parameter'], ['initial', 'left']);
  assert.deepEqual(seen.coords['quantile'], [0.05, 0.5]);
  assert.deepEqual(seen.coords['threshold'], [350]);
  assert.deepEqual(seen.coords['y'], [1, 1.5, 2, 2.5, 3, 3.5]);
  assert.deepEqual(seen.coords['x']!.slice(0, 3), [2, 2.25, 2.5]);
  assert.equal(seen.nans['temperature_skewness'], 4);
  const steps = service.study.fields[0]!.keptSteps;
  for (const name of ['mean', 'variance', 'kurtosis', 'minimum', 'count'])
    isClose(seen.sums[`temperature_${name}`], sumOf('temperature', name, 0, steps, 48));
  isClose(seen.npy['temperature_mean.npy']!.sum, sumOf('temperature', 'mean', 0, steps, 48));
  assert.deepEqual(seen.npy['temperature_sobol_total_left.npy']!.shape, [4, 6, 8]);
  const last = seen.vtk[`temperature_${String(steps.at(-1)).padStart(6, '0')}.vti`]!;
  assert.deepEqual(last.attributes, {
    WholeExtent: '0 8 0 6 0 1',
    Origin: '1.875 0.75 -0.5',
    Spacing: '0.25 0.5 1',
    Extent: '0 8 0 6 0 1',
  });
  assert.deepEqual(
    last.first['sobol_total left'],
    [0, 1, 2, 3].map((cell) =>
      scriptedValue({ field: 'temperature', statistic: 'sobolTotal', argument: 1, step: steps.at(-1)! }, cell),
    ),
  );
  assert.equal(last.lengths['mean'], 48);
  assert.deepEqual(seen.pvd['temperature.pvd']!.map(({ timestep }) => Number(timestep)), times); // prettier-ignore
  assert.deepEqual(seen.table.columns.slice(0, 4), ['simulation', 'group', 'member', 'state']);
  assert.equal(seen.table.rows, 20);
  assert.equal(seen.table.same, true);
  assert.equal(seen.table.failed.length, 1);
  assert.deepEqual(
    [seen.table.failed[0]!['initial'], seen.table.failed[0]!['reason']],
    [3, 'exit code 1, "out of range"'],
  );
  const pictures = readdirSync(join(directory, 'results', 'maps'));
  assert.ok(
    pictures.includes('temperature_mean.png') && pictures.includes('temperature_sobol_first_left.png'),
    pictures.join(),
  );
});

test('the summary says what a reader must know', async (context) => {
  const { directory, service } = await written(context, plateManifest());
  const summary = JSON.parse(readFileSync(join(directory, 'results', 'summary.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.equal(summary['seed'], 7);
  assert.equal(summary['fingerprint'], service.study.fingerprint);
  assert.deepEqual(summary['simulationsPartlyIn'], [3]);
  assert.deepEqual(summary['sobol'], { groups: 4, medianIntervalWidth: 0.2, widestInterval: 0.4, goal: null });
  assert.deepEqual(summary['digests'], [{ consumer: 'temperature', digest: '0123456789abcdef', units: 80 }]);
  assert.deepEqual(summary['versions'], { melissa: '0.1.0' });
  assert.ok((summary['notes'] as string[]).includes('stopped early; intervals not corrected for looking'));
  assert.ok((summary['latticeErrorBound'] as Record<string, number>)['temperature']! > 0);
});

test('fields on other grids, kept steps and regions get axes of their own; second order and covariance have their places', async (context) => {
  const field = { name: 'temperature', unit: 'K', shape: [6, 8] };
  const manifest = plateManifest({
    fields: [
      field,
      { name: 'flux', unit: 'W m^-2', shape: [6, 8] },
      { name: 'edge', shape: [6, 8], every: 2, region: { box: { start: [2, 0], stop: [4, 8] } } },
      {
        name: 'probe',
        cells: 10,
        region: {
          ranges: [
            { start: 1, stop: 3 },
            { start: 7, stop: 9 },
          ],
        },
      },
    ],
    statistics: {
      moments: 1,
      covariance: [{ fields: ['temperature', 'flux'] }],
      sobol: { estimator: 'Martinez', interval: 'None' },
    },
    sampling: { method: 'PickFreeze', design: 'Random', groups: 5, seed: 7, secondOrder: true },
  });
  const { look, service } = await written(context, manifest);
  const pair = 'temperature_sobol_second@{"parameter":"left","parameter_other":"initial","time":0,"y":0,"x":0}';
  const seen = look(pair);
  assert.deepEqual(seen.variables['temperature_sobol_second']!.dims, [
    'time',
    'parameter',
    'parameter_other',
    'y',
    'x',
  ]);
  assert.deepEqual(seen.selected[pair], [
    scriptedValue({ field: 'temperature', statistic: 'sobolSecond', argument: 1, step: 0 }, 0),
  ]);
  assert.deepEqual(seen.variables['temperature_flux_covariance']!.units, 'K W m^-2');
  isClose(
    seen.sums['temperature_flux_correlation'],
    sumOf('temperature:flux', 'correlation', 0, service.study.fields[0]!.keptSteps, 48),
  );
  assert.deepEqual(seen.variables['edge_mean']!.dims, ['time_edge', 'y_edge', 'x']);
  assert.deepEqual(seen.coords['y_edge'], [2, 3]);
  assert.deepEqual(seen.variables['probe_mean']!.dims, ['time', 'cell']);
  assert.deepEqual(seen.coords['cell'], [1, 2, 7, 8]);
});

test('points and an unstructured mesh carry the fields on the mesh of the user', async (context) => {
  const points = Array.from({ length: 5 }, (_, i) => `${i / 2}, ${i * i}`);
  const triangle =
    '<Piece NumberOfPoints="4" NumberOfCells="2"><Points/><Cells/><CellData Scalars="id"><DataArray type="Int32" Name="id" format="ascii">7 8</DataArray></CellData></Piece>';
  const vtu = `<?xml version="1.0"?><VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64"><UnstructuredGrid>${triangle}</UnstructuredGrid></VTKFile>`;
  const manifest = plateManifest({
    fields: [
      { name: 'probe', cells: 5, mesh: { points: 'points.csv' } },
      { name: 'stress', cells: 2, mesh: { file: 'mesh.vtu' } },
      { name: 'wrong', cells: 3, mesh: { file: 'mesh.vtu' } },
    ],
    statistics: { moments: 1 },
    sampling: { method: 'Random', simulations: 20, seed: 7 },
  });
  const { look, report, service } = await written(context, manifest, (folder) => {
    writeFileSync(join(folder, 'points.csv'), `x,y\n${points.join('\n')}\n`);
    writeFileSync(join(folder, 'mesh.vtu'), vtu);
  });
  assert.match(
    report.warnings.join(),
    /mesh.vtu cannot be used for VTK files: it has 2 cells and 4 points, the field has 3 cells/,
  );
  const seen = look();
  assert.deepEqual(seen.coords['x'], [0, 0.5, 1, 1.5, 2]);
  assert.deepEqual(seen.coords['y'], [0, 1, 4, 9, 16]);
  const name = (field: string): string =>
    `${field}_${String(service.study.fields[0]!.keptSteps.at(-1)).padStart(6, '0')}.vtu`;
  assert.deepEqual(seen.vtk[name('probe')]!.first['Points'], [0, 0, 0, 0.5]);
  assert.equal(seen.vtk[name('probe')]!.lengths['mean'], 5);
  const stress = seen.vtk[name('stress')]!;
  assert.deepEqual(stress.first['id'], [7, 8]);
  assert.deepEqual(
    stress.first['mean'],
    [0, 1].map((cell) =>
      scriptedValue(
        { field: 'stress', statistic: 'mean', argument: 0, step: service.study.fields[1]!.keptSteps.at(-1)! },
        cell,
      ),
    ),
  );
});

test('a map that fails is named and left empty; a rank that is away keeps the earlier results', async (context) => {
  const { worker, service, directory } = await written(context, plateManifest());
  service.failing.set('kurtosis', 'EINTERNAL');
  const second = await worker.writeResults(service, { ...facts, isFinal: false });
  assert.equal(readdirSync(join(directory, 'results', 'vtk')).filter((name) => name.endsWith('.vti')).length, 1);
  assert.match(second.missing[0]!, /temperature kurtosis 0 at step 0: kurtosis cannot be read/);
  const before = readFileSync(join(directory, 'results', 'summary.json'), 'utf8');
  service.failing.set('kurtosis', 'EUNAVAILABLE');
  await assert.rejects(worker.writeResults(service, facts), { code: 'EUNAVAILABLE' });
  assert.equal(readFileSync(join(directory, 'results', 'summary.json'), 'utf8'), before);
  assert.match(worker.degraded().join(), /results were not written/);
  assert.ok(!existsSync(join(directory, 'results.new')));
  service.failing.clear();
  service.failing.set('mean', 'EBUSY'); // asked again after a pause
  assert.deepEqual((await worker.writeResults(service, facts)).missing, []);
  assert.deepEqual(worker.degraded(), []);
});

test('on a full disk the earlier results stay, nothing half-written is left, and the study is told', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-full-'));
  let isMounted = true;
  context.after(() => {
    if (isMounted) execFileSync('umount', ['-l', directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'melissa-test', directory], { stdio: 'pipe' });
  } catch {
    isMounted = false;
    context.skip('a small file system cannot be mounted here');
    return;
  }
  const small = new ScriptedService(compiled(plateManifest(), directory));
  const large = new ScriptedService(
    compiled(
      plateManifest({
        fields: [{ name: 'temperature', shape: [200, 200] }],
        statistics: { moments: 4, extrema: true },
      }),
      directory,
    ),
  );
  const worker = await createIoWorker({ directory });
  await worker.writeResults(small, facts);
  const before = readFileSync(join(directory, 'results', 'summary.json'), 'utf8');
  await assert.rejects(worker.writeResults(large, facts), { code: 'ERESULTS', message: /ENOSPC/ });
  assert.match(worker.degraded().join(), /results were not written.*ENOSPC.*Earlier results are kept/);
  assert.equal(readFileSync(join(directory, 'results', 'summary.json'), 'utf8'), before);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith('results')),
    ['results'],
  );
  worker.events.append({
    timeMs: 1,
    entity: 'study',
    id: 'plate',
    from: 'Running',
    to: 'Succeeded',
    cause: 'test',
    data: {},
  });
  await worker.events.flush();
  await worker.writeResults(small, facts);
  assert.deepEqual(worker.degraded(), []);
  await worker.close();
});

test('a crash in the middle of the swap gives the earlier results back', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-swap-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ['results.old', 'results.new']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'results.old', 'summary.json'), 'earlier');
  const worker = await createIoWorker({ directory });
  await worker.close();
  assert.equal(readFileSync(join(directory, 'results', 'summary.json'), 'utf8'), 'earlier');
  assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith('results.')), []); // prettier-ignore
});
