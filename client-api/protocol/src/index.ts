// SPDX-License-Identifier: Apache-2.0
export * from './messages.ts';
export * from './errors.ts';
export * from './limits.ts';
export * from './crc32c.ts';
export {
  type ControlName,
  type ControlBody,
  type ControlMessage,
  type DataName,
  type DataBody,
  type DataMessage,
  type DataHeader,
} from './types.ts';
export {
  ENVELOPE_BYTES,
  encodeControl,
  decodeControl,
  peekControl,
  encodeData,
  decodeData,
  dataCodeOf,
  encodeDataFrame,
  decodeDataHeader,
  dataFrames,
  payloadBytesOf,
} from './codec.ts';
