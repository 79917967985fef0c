// SPDX-License-Identifier: Apache-2.0
/** Frames that must be refused, each with the error that both codecs must give. */
import { encodeControl, encodeData, encodeDataFrame } from './codec.ts';
import { crc32c } from './crc32c.ts';
import type { ProtocolErrorCode } from './errors.ts';
import { dataFrameVectors } from './samples-data.ts';

type Refused = { file: string; bytes: Uint8Array; kind: 'control' | 'data' | 'frames'; error: ProtocolErrorCode };

const changed = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
};
const longer = (bytes: Uint8Array): Uint8Array => Uint8Array.of(...bytes, 0);
/** Seals the checksum again, so that the error behind it is reached. */
const sealed = (bytes: Uint8Array, size = bytes.length): Uint8Array => {
  const copy = changed(bytes, 12, 0, 0, 0, 0);
  new DataView(copy.buffer).setUint32(12, crc32c(copy.subarray(0, size)), true);
  return copy;
};

export function refusedVectors(): Refused[] {
  const refused = encodeControl(
    'Refused',
    { code: 'EX', message: 'm', remedy: 'r', retryAfterMs: 0 },
    { epoch: 1, request: 2 },
  );
  const heartbeat = encodeControl('PilotHeartbeat', { running: [1], waiting: [] }, { epoch: 1, request: 2 });
  const ack = encodeData('Ack', { simulation: 1, attempt: 1, held: 5, creditLimit: 100 }, { epoch: 1 });
  const frame = dataFrameVectors()[0]!.bytes;
  const longString = encodeControl('StopLeases', { leases: [], reason: 'x'.repeat(65_536) }, { epoch: 1, request: 2 });
  const tooLong = new Uint8Array(longString.length + 1);
  tooLong.set(longString);
  new DataView(tooLong.buffer).setUint32(28, 65_537, true);
  const wrongCount = encodeDataFrame({ ...dataFrameVectors()[0]!.frames[0]!.header, count: 4 }, new Uint8Array(24));
  const row = (name: string, kind: Refused['kind'], error: ProtocolErrorCode, bytes: Uint8Array): Refused => ({
    file: `refused.${name}.bin`,
    bytes,
    kind,
    error,
  });
  return [
    row('nothing', 'control', 'EFRAME_SHORT', new Uint8Array(0)),
    row('half-envelope', 'control', 'EFRAME_SHORT', refused.subarray(0, 12)),
    row('cut', 'control', 'EFRAME_SHORT', refused.subarray(0, refused.length - 1)),
    row('string-beyond-end', 'control', 'EFRAME_SHORT', changed(refused, 24, 0xff)),
    row('list-beyond-end', 'control', 'EFRAME_SHORT', changed(heartbeat, 24, 0xff, 0xff, 0x0f)),
    row('list-too-long', 'control', 'EFRAME_LIMIT', changed(heartbeat, 24, 0xff, 0xff, 0xff, 0xff)),
    row('string-too-long', 'control', 'EFRAME_LIMIT', tooLong),
    row('trailing', 'control', 'EFRAME_LONG', longer(refused)),
    row('magic', 'control', 'EFRAME_MAGIC', changed(refused, 0, 0x47)),
    row('data-on-control', 'control', 'EFRAME_MAGIC', ack),
    row('version-0', 'control', 'EVERSION', changed(refused, 4, 0)),
    row('version-next', 'control', 'EVERSION', changed(refused, 4, 2)),
    row('code', 'control', 'EFRAME_CODE', changed(refused, 6, 0xff, 0xff)),
    row('utf8', 'control', 'EFRAME_TEXT', changed(refused, 28, 0xc0)),
    row('ack-crc', 'data', 'EFRAME_CRC', changed(ack, 30, 0xee)),
    row('ack-code', 'data', 'EFRAME_CODE', sealed(changed(ack, 6, 99))),
    row('ack-version', 'data', 'EVERSION', changed(ack, 4, 9)),
    row('ack-trailing', 'data', 'EFRAME_LONG', sealed(longer(ack))),
    row('data-cut', 'frames', 'EFRAME_SHORT', frame.subarray(0, frame.length - 8)),
    row('data-header-cut', 'frames', 'EFRAME_SHORT', frame.subarray(0, 90)),
    row('data-crc', 'frames', 'EFRAME_CRC', changed(frame, 40, 0xee)),
    row('data-dtype', 'frames', 'EFRAME_LIMIT', sealed(changed(frame, 38, 7), 96)),
    row('data-count', 'frames', 'EFRAME_LIMIT', wrongCount),
    row('data-count-wraps', 'frames', 'EFRAME_LIMIT', sealed(changed(frame, 56, 3, 0, 0, 0, 0, 0, 0, 0x20), 96)),
    row('data-trailing', 'frames', 'EFRAME_SHORT', longer(frame)),
  ];
}
