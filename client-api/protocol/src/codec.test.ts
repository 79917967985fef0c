// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  ProtocolError,
  crc32c,
  dataCodeOf,
  dataFrames,
  decodeControl,
  decodeData,
  encodeControl,
  encodeData,
  encodeDataFrame,
  limits,
  peekControl,
  type ControlName,
  type DataName,
} from './index.ts';
import { sampleToJson, type SampleValue } from './samples.ts';
import { stale } from './generate.ts';

type Entry = {
  file: string;
  kind: string;
  name: string;
  epoch: number;
  request: number;
  body: unknown;
  error: string;
  frames: { header: Record<string, unknown>; payload: unknown }[];
};
const folder = new URL('../vectors/', import.meta.url);
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(file, folder)));
const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as Entry[];
const of = (kind: string): Entry[] => index.filter((entry) => entry.kind === kind);
const jsonOf = (value: unknown): unknown => JSON.parse(JSON.stringify(sampleToJson(value as SampleValue)));

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    assert.ok(error.remedy.length > 20);
    return error.code;
  }
  return 'accepted';
};

test('generated files are current', () => {
  assert.deepEqual(stale(), { differs: [], surplus: [] });
});

test('every control vector decodes to its body and encodes to the same bytes', () => {
  assert.ok(of('control').length > 100);
  for (const { file, name, epoch, request, body } of of('control')) {
    const message = decodeControl(read(file));
    assert.deepEqual([message.name, message.epoch, message.request], [name, epoch, request]);
    assert.deepEqual(jsonOf(message.body), body, file);
    assert.deepEqual(encodeControl(name as ControlName, message.body as never, { epoch, request }), read(file), file);
    assert.equal(peekControl(read(file))?.request, request);
  }
});

test('every data vector decodes to its body and encodes to the same bytes', () => {
  for (const { file, name, epoch, body } of of('data')) {
    const message = decodeData(read(file));
    assert.deepEqual([message.name, message.epoch], [name, epoch]);
    assert.deepEqual(jsonOf(message.body), body, file);
    assert.deepEqual(encodeData(name as DataName, message.body as never, { epoch }), read(file), file);
    assert.notEqual(dataCodeOf(read(file)), 100);
  }
});

test('Data frames and batches decode to their headers and payloads', () => {
  for (const { file, frames } of of('frames')) {
    const decoded = [...dataFrames(read(file))];
    assert.equal(decoded.length, frames.length);
    decoded.forEach(({ header, payload }, i) => {
      const { frameBytes, ...rest } = header;
      assert.deepEqual(jsonOf(rest), frames[i]!.header);
      assert.deepEqual(jsonOf(payload), frames[i]!.payload);
      assert.equal(encodeDataFrame(rest, payload).length, frameBytes);
    });
  }
});

test('what must be refused is refused with the named error', () => {
  const decoders = {
    'refused-control': (bytes: Uint8Array) => decodeControl(bytes),
    'refused-data': (bytes: Uint8Array) => decodeData(bytes),
    'refused-frames': (bytes: Uint8Array) => [...dataFrames(bytes)],
  };
  for (const [kind, decode] of Object.entries(decoders)) {
    for (const { file, error } of of(kind))
      assert.equal(
        codeOf(() => decode(read(file))),
        error,
        file,
      );
  }
});

test('every prefix of every message is refused', () => {
  for (const { file } of of('control')) {
    const bytes = read(file);
    for (let size = 0; size < bytes.length; size++)
      assert.notEqual(
        codeOf(() => decodeControl(bytes.subarray(0, size))),
        'accepted',
        file,
      );
  }
});

test('the encoder refuses what a decoder would refuse', () => {
  const envelope = { epoch: 1, request: 1 };
  const refused = (message: string) => ({ code: 'E', message, remedy: '', retryAfterMs: 0 });
  assert.equal(
    codeOf(() => encodeControl('Refused', refused('x'.repeat(limits.stringBytesMax)), envelope)),
    'accepted',
  );
  assert.equal(
    codeOf(() => encodeControl('Refused', refused('x'.repeat(limits.stringBytesMax + 1)), envelope)),
    'EFRAME_LIMIT',
  );
  assert.equal(
    codeOf(() => encodeControl('StopLeases', { leases: [2 ** 53], reason: '' }, envelope)),
    'EFRAME_LIMIT',
  );
  assert.equal(
    codeOf(() => encodeControl('StopLeases', { leases: [-1], reason: '' }, envelope)),
    'EFRAME_LIMIT',
  );
  assert.equal(
    codeOf(() => encodeControl('Checkpoint', { number: 1.5 }, envelope)),
    'EFRAME_LIMIT',
  );
  const many = Array.from({ length: limits.listItemsMax + 1 }, () => 0);
  assert.equal(
    codeOf(() => encodeControl('StopLeases', { leases: many, reason: '' }, envelope)),
    'EFRAME_LIMIT',
  );
});

test('crc32c has the check value of the CRC catalogue', () => {
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
});
