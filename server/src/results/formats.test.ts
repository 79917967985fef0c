// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { compiled, plateManifest } from '../http/scripted-service.ts';
import { Canvas } from './canvas.ts';
import { summariseMap } from './map-summary.ts';
import { statisticsOf } from './maps.ts';
import { npyBytes, parseNpy } from './npy.ts';
import { colourAt, drawPicture, type Picture } from './picture.ts';
import { planResults } from './plan.ts';
import { encodePng } from './png.ts';
import { csvRow } from './simulation-table.ts';
import { tickLabels, ticks } from './ticks.ts';
import { cutVtu, npyPoints, parsePoints, scalarArrayFor, spread, type VtuCut } from './vtk.ts';
import { axisChunk, chunksOfSlice, shuffle } from './zarr.ts';

const same = (bytes: Uint8Array): Uint8Array => bytes;
const doubles = (bytes: Uint8Array): number[] => {
  const count = bytes.length / 8;
  const whole = new Uint8Array(bytes.length);
  for (let lane = 0; lane < 8; lane++) for (let i = 0; i < count; i++) whole[8 * i + lane] = bytes[lane * count + i]!;
  return [...new Float64Array(whole.buffer)];
};

test('a slice is cut into chunks of whole rows, the last one filled up', () => {
  const values = Float64Array.from({ length: 10 }, (_, i) => i);
  const chunks = [...chunksOfSlice(values, [5, 2], 2, same)];
  assert.deepEqual(chunks.map(({ index }) => index), [0, 1, 2]); // prettier-ignore
  assert.deepEqual(doubles(chunks[1]!.bytes), [4, 5, 6, 7]);
  assert.deepEqual(doubles(chunks[2]!.bytes), [8, 9, NaN, NaN]);
  assert.deepEqual(doubles(shuffle(Float64Array.of(1.5, -2))), [1.5, -2]);
});

test('axes of text and of ranges have the bytes that NumPy expects', () => {
  const text = axisChunk({ kind: 'Text', values: ['ab', 'µ'] });
  assert.equal(text.dtype, '<U2');
  assert.deepEqual([...new Uint32Array(text.bytes.buffer)], [97, 98, 181, 0]);
  const cells = axisChunk({ kind: 'Ranges', ranges: [[1, 3], [7, 8]], count: 3 }); // prettier-ignore
  assert.deepEqual([cells.dtype, ...new BigInt64Array(cells.bytes.buffer)], ['<i8', 1n, 2n, 7n]);
});

test('large fields are cut into chunks of bounded size, and their files hold fewer steps', () => {
  const field = { name: 'temperature', shape: [3000, 3000], mesh: { spacing: [1, 1] } };
  const study = compiled(
    plateManifest({
      fields: [field],
      statistics: { moments: 2 },
      sampling: { method: 'Random', simulations: 20, seed: 7 },
      server: { memory: '64Gi' },
    }),
  );
  const plan = planResults(study);
  const mean = plan.variables.find(({ statistic }) => statistic === 'mean')!;
  assert.equal(mean.chunks[2], 3000);
  assert.ok(mean.chunks[1]! * 3000 * 8 <= 16 * 2 ** 20 && mean.chunks[1]! > 500);
  assert.equal(plan.npyAllSteps, false);
  assert.deepEqual(plan.vtkSteps, [3]);
});

test('only the maps that the study keeps are listed', () => {
  const listed = (statistics: object): string[] => {
    const study = compiled(plateManifest({ statistics, sampling: { method: 'Random', simulations: 20, seed: 7 } }));
    return statisticsOf(study, study.fields[0]!).map(({ statistic }) => statistic);
  };
  assert.deepEqual(listed({ moments: 1 }), ['count', 'mean']);
  assert.deepEqual(listed({ moments: 2, extrema: true }), [
    'count',
    'mean',
    'standardError',
    'variance',
    'degenerate',
    'minimum',
    'maximum',
  ]);
  assert.deepEqual(listed({ moments: 0, quantiles: [0.5] }), ['count', 'quantile', 'histogramLower', 'histogramWidth']);
});

test('ticks are round, inside, and told apart by their labels', () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  assert.deepEqual(ticks(-3, 12, 4), [0, 5, 10]);
  assert.deepEqual(ticks(2, 2, 4), [2]);
  assert.deepEqual(ticks(NaN, NaN, 4), []);
  assert.deepEqual(tickLabels([0, 0.2, 0.4]), ['0.0', '0.2', '0.4']);
  assert.deepEqual(tickLabels([-100, 0, 100]), ['−100', '0', '100']);
  assert.deepEqual(tickLabels([1e7, 2e7]), ['1e7', '2e7']);
  assert.deepEqual(tickLabels([2e-6, 2.5e-6]), ['2.0e−6', '2.5e−6']);
  for (const [low, high] of [[1e-300, 2e-300], [1e300, 3e300], [5, 5 + 1e-9]] as const) assert.ok(ticks(low, high, 5).length <= 12); // prettier-ignore
});

test('a PNG holds the pixels that were drawn', () => {
  const canvas = new Canvas(3, 2, [255, 255, 255]);
  canvas.set(1, 1, [10, 20, 30]);
  const png = encodePng(canvas, { deflate: (bytes) => deflateSync(bytes), crc32: (bytes) => crc32(bytes) });
  const view = new DataView(png.buffer);
  assert.deepEqual([view.getUint32(16), view.getUint32(20), png[24], png[25]], [3, 2, 8, 2]);
  const rows = inflateSync(png.subarray(41, 41 + view.getUint32(33)));
  assert.deepEqual([...rows.subarray(0, 10)], [0, ...Array.from({ length: 9 }, () => 255)]);
  assert.deepEqual([...rows.subarray(10)], [2, 0, 0, 0, 11, 21, 31, 0, 0, 0]); // differences to the row above, modulo 256
});

test('a map is drawn with its first row at the bottom, cells without a value in grey, and three dimensions by their middle', () => {
  const picture: Picture = {
    values: Float64Array.of(0, 1, NaN, 3), shape: [2, 2], title: 'T', subtitle: '', unit: 'K', axisLabels: ['y', 'x'], origin: [0, 0], spacing: [1, 1], range: null, isMeshed: true,
  }; // prettier-ignore
  const at = (canvas: Canvas, x: number, y: number): number[] => [
    ...canvas.pixels.subarray(3 * (y * canvas.width + x), 3 * (y * canvas.width + x) + 3),
  ];
  const canvas = drawPicture(picture);
  assert.deepEqual(at(canvas, 100, 700), [...colourAt(0)]);
  assert.deepEqual(at(canvas, 720, 100), [...colourAt(1)]);
  assert.deepEqual(at(canvas, 100, 100), [205, 205, 205]);
  const cube = drawPicture({
    ...picture,
    values: Float64Array.of(9, 9, 9, 9, ...picture.values),
    shape: [2, 2, 2],
    axisLabels: ['z', 'y', 'x'],
    origin: [0, 0, 0],
    spacing: [1, 1, 1],
  });
  assert.deepEqual(at(cube, 100, 700), [...colourAt(0)]);
  for (const values of [[NaN, NaN], [Infinity, 1], [5, 5]]) assert.ok(drawPicture({ ...picture, values: Float64Array.from(values), shape: [2], axisLabels: ['x'], origin: [0], spacing: [1] }).width > 300); // prettier-ignore
});

test('a summary leaves out cells without a value and agrees with NumPy on quantiles', () => {
  const summary = summariseMap(Float64Array.of(4, NaN, 1, 3, 2));
  assert.deepEqual(
    [summary.cells, summary.nanCount, summary.minimum, summary.maximum, summary.mean],
    [5, 1, 1, 4, 2.5],
  );
  assert.equal(summary.quantiles.find(({ probability }) => probability === 0.25)!.value, 1.75);
  assert.deepEqual(summariseMap(Float64Array.of(NaN)).minimum, null);
});

test('coordinates come from text with or without a heading, and from .npy', () => {
  assert.deepEqual([...parsePoints('x,y\n1,2\n3e1,4\n', 2)!], [1, 2, 0, 30, 4, 0]);
  assert.deepEqual([...parsePoints('1 2 3\n\n# a remark\n4\t5\t6', 2)!], [1, 2, 3, 4, 5, 6]);
  assert.equal(parsePoints('1,2\n', 2), null);
  assert.deepEqual([...npyPoints(npyBytes(Float64Array.of(1, 2, 3, 4), [2, 2]), 2)!], [1, 2, 0, 3, 4, 0]);
  assert.deepEqual(parseNpy(npyBytes(Float64Array.of(7), [1])), { shape: [1], values: Float64Array.of(7) });
  assert.equal(npyPoints(new Uint8Array(40), 2), null);
});

test("our arrays go into the user's mesh where its own are, in the encoding that it uses", () => {
  const piece = (inside: string, attributes = ''): string =>
    `<VTKFile type="UnstructuredGrid"${attributes}><UnstructuredGrid><Piece NumberOfPoints="4" NumberOfCells="2">${inside}</Piece></UnstructuredGrid></VTKFile>`;
  const inserted = (text: string, cells = 2): string => {
    const cut = cutVtu(text, cells) as VtuCut;
    const array = scalarArrayFor(cut, 'mean', Float64Array.of(1, 2), (bytes) => Buffer.from(bytes).toString('base64'));
    return text.slice(0, cut.before) + cut.open + array + cut.close + text.slice(cut.after);
  };
  assert.match(
    inserted(piece('<CellData><A/></CellData>')),
    /<CellData><A\/><DataArray type="Float64" Name="mean" format="binary">EAAAAAAAAAAAAPA\/AAAAAAAAAEA=<\/DataArray>\n<\/CellData>/,
  );
  assert.match(inserted(piece('<CellData/>')), /<CellData>\n<DataArray [^]*<\/CellData><\/Piece>/);
  assert.match(
    inserted(piece('<Points/>', ' compressor="vtkZLibDataCompressor"')),
    /<Points\/><CellData>\n<DataArray [^>]*ascii">\n1 2\n/,
  );
  assert.match(inserted(piece('<PointData></PointData>'), 4), /<PointData><DataArray/);
  assert.equal(cutVtu('<VTKFile type="PolyData">', 2), 'it is not an UnstructuredGrid file of VTK');
  assert.deepEqual([...spread(Float64Array.of(1, 2, 3), { cells: 5, regions: [[0, 1], [3, 5]] })], [1, NaN, NaN, 2, 3]); // prettier-ignore
});

test('a row of the table quotes what would break it', () => {
  const row = {
    simulation: 1,
    group: 0,
    member: 1,
    state: 'Failed' as const,
    draw: 0,
    attempts: 2,
    reason: 'said "no",\nthen ended',
    pilot: 'p',
    parameters: { a: 0.1 },
  };
  assert.equal(csvRow(row, ['a', 'b']), '1,0,1,Failed,0,2,"said ""no"",\nthen ended",p,0.1,\n');
});
