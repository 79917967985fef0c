// SPDX-License-Identifier: Apache-2.0
/**
 * The codec: bytes to messages and back, driven by the tables of messages.ts. The head, its tests and the pilot's tests
 * call it; the rank's engine and the clients use the C codec that is made from the same tables. Whatever the bytes are,
 * the result is a complete message or a ProtocolError, and memory made while decoding is at most a small multiple of
 * the frame.
 */
import { crc32c } from './crc32c.ts';
import { ProtocolError } from './errors.ts';
import { limits } from './limits.ts';
import {
  CONTROL_MAGIC,
  DATA_CODE,
  DATA_HEADER_BYTES,
  DATA_MAGIC,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_OLDEST,
  control,
  data,
  dataHeader,
  type FieldType,
  type MessageTable,
  type Scalar,
} from './messages.ts';
import {
  wideNames,
  type ControlBody,
  type ControlMessage,
  type ControlName,
  type DataBody,
  type DataHeader,
  type DataMessage,
  type DataName,
} from './types.ts';
import { Reader, Writer, scalarBytesMin } from './wire.ts';

export const ENVELOPE_BYTES = 24;
const CRC_AT = 12;

type Kind = Exclude<Scalar, 'u64'> | 'u64' | 'wide';
/** `what` is the field with its path, for sentences about what is wrong with it. */
type Plan =
  | { name: string; what: string; kind: Kind; list: false }
  | { name: string; what: string; kind: Kind; list: true }
  | { name: string; what: string; record: Plan[]; itemBytesMin: number };
type Body = Record<string, unknown>;

const kindOf = (name: string, type: Scalar): Kind =>
  type === 'u64' && (wideNames as readonly string[]).includes(name) ? 'wide' : type;

function planOf(where: string, name: string, type: FieldType): Plan {
  const what = `${where}.${name}`;
  if (typeof type === 'string') return { name, what, kind: kindOf(name, type), list: false };
  if (typeof type.list === 'string') return { name, what, kind: kindOf(name, type.list), list: true };
  const fields = Object.entries(type.list);
  const itemBytesMin = fields.reduce((sum, [, scalar]) => sum + scalarBytesMin[scalar], 0);
  return { name, what, record: fields.map(([field, scalar]) => planOf(what, field, scalar)), itemBytesMin };
}

type Message = { name: string; code: number; plans: Plan[] };
function messagesOf(table: MessageTable): { byName: Map<string, Message>; byCode: Map<number, Message> } {
  const messages = Object.entries(table).map(([name, { code, fields }]) => ({
    name,
    code,
    plans: Object.entries(fields).map(([field, type]) => planOf(name, field, type)),
  }));
  return {
    byName: new Map(messages.map((message) => [message.name, message])),
    byCode: new Map(messages.map((message) => [message.code, message])),
  };
}
const controlMessages = messagesOf(control);
const dataMessages = messagesOf(data);
const writer = new Writer();

const minOf = (kind: Kind): number => scalarBytesMin[kind === 'wide' ? 'u64' : kind];

function readPlans(reader: Reader, plans: Plan[]): Body {
  const body: Body = {};
  for (const plan of plans) {
    const { what } = plan;
    if ('record' in plan) {
      const count = reader.count(what, plan.itemBytesMin);
      const items: Body[] = [];
      for (let i = 0; i < count; i++) items.push(readPlans(reader, plan.record));
      body[plan.name] = items;
    } else if (plan.list) {
      const count = reader.count(what, minOf(plan.kind));
      const items: unknown[] = [];
      for (let i = 0; i < count; i++) items.push(reader[plan.kind](what));
      body[plan.name] = items;
    } else {
      body[plan.name] = reader[plan.kind](what);
    }
  }
  return body;
}

function writePlans(plans: Plan[], body: Body): void {
  for (const plan of plans) {
    const { what } = plan;
    const value = body[plan.name];
    if ('record' in plan) {
      const items = value as Body[];
      writer.count(items.length, what);
      for (const item of items) writePlans(plan.record, item);
    } else if (plan.list) {
      const items = value as unknown[];
      writer.count(items.length, what);
      for (const item of items) writer[plan.kind](item as never, what);
    } else {
      writer[plan.kind](value as never, what);
    }
  }
}

function encode(magic: number, message: Message, body: Body, envelope: { epoch: number; request: number }): Uint8Array {
  writer.reset();
  writer.u32(magic, 'magic');
  writer.u16(PROTOCOL_VERSION, 'version');
  writer.u16(message.code, 'code');
  writer.u32(envelope.epoch, 'epoch');
  writer.u32(0, 'reserved');
  writer.u64(envelope.request, 'request');
  writePlans(message.plans, body);
  return writer.take();
}

/** Checks magic and version, in this order, so that a stranger and an old friend get different answers. */
function readStart(bytes: Uint8Array, magic: number, sizeMax: number): Reader {
  const reader = new Reader(bytes);
  if (reader.u32('magic') !== magic) throw new ProtocolError('EFRAME_MAGIC');
  const version = reader.u16('version');
  if (version < PROTOCOL_VERSION_OLDEST || version > PROTOCOL_VERSION) {
    const ours =
      PROTOCOL_VERSION_OLDEST === PROTOCOL_VERSION
        ? `${PROTOCOL_VERSION}`
        : `${PROTOCOL_VERSION_OLDEST} to ${PROTOCOL_VERSION}`;
    throw new ProtocolError('EVERSION', `the peer speaks ${version}, this side ${ours}`, { version });
  }
  if (bytes.length > sizeMax) throw new ProtocolError('EFRAME_LIMIT', `a frame of ${bytes.length} bytes`);
  return reader;
}

function decode(bytes: Uint8Array, magic: number, known: Map<number, Message>) {
  const reader = readStart(bytes, magic, limits.controlFrameBytesMax);
  const code = reader.u16('code');
  const epoch = reader.u32('epoch');
  reader.u32('reserved');
  if (magic === DATA_MAGIC) checkCrc(bytes, bytes.length);
  const request = reader.u64('request');
  const message = known.get(code);
  if (message === undefined) throw new ProtocolError('EFRAME_CODE', `code ${code}`, { code });
  const body = readPlans(reader, message.plans);
  if (reader.left > 0) throw new ProtocolError('EFRAME_LONG', `${reader.left} bytes after ${message.name}`);
  return { name: message.name, epoch, request, body };
}

const fourZeros = new Uint8Array(4);
function crcOf(bytes: Uint8Array, size: number): number {
  const before = crc32c(bytes.subarray(0, CRC_AT));
  return crc32c(bytes.subarray(CRC_AT + 4, size), crc32c(fourZeros, before));
}
function checkCrc(bytes: Uint8Array, size: number): void {
  const stored = new DataView(bytes.buffer, bytes.byteOffset + CRC_AT, 4).getUint32(0, true);
  if (stored !== crcOf(bytes, size)) throw new ProtocolError('EFRAME_CRC');
}
function sealCrc(bytes: Uint8Array, size: number): void {
  new DataView(bytes.buffer, bytes.byteOffset + CRC_AT, 4).setUint32(0, crcOf(bytes, size), true);
}

/** The frame of a control message. */
export function encodeControl<N extends ControlName>(
  name: N,
  body: ControlBody<N>,
  envelope: { epoch: number; request: number },
): Uint8Array {
  return encode(CONTROL_MAGIC, controlMessages.byName.get(name)!, body as Body, envelope);
}

/** The message in a control frame, or a ProtocolError. */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  return decode(bytes, CONTROL_MAGIC, controlMessages.byCode) as ControlMessage;
}

/** Epoch and request of a control frame that may not be decodable otherwise, to answer it; null if it is none of ours. */
export function peekControl(
  bytes: Uint8Array,
): { version: number; code: number; epoch: number; request: number } | null {
  if (bytes.length < ENVELOPE_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, ENVELOPE_BYTES);
  const request = view.getBigUint64(16, true);
  if (view.getUint32(0, true) !== CONTROL_MAGIC || request > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return {
    version: view.getUint16(4, true),
    code: view.getUint16(6, true),
    epoch: view.getUint32(8, true),
    request: Number(request),
  };
}

/** The frame of a data message other than Data; its checksum covers the whole frame. */
export function encodeData<N extends DataName>(name: N, body: DataBody<N>, envelope: { epoch: number }): Uint8Array {
  const bytes = encode(DATA_MAGIC, dataMessages.byName.get(name)!, body as Body, { ...envelope, request: 0 });
  sealCrc(bytes, bytes.length);
  return bytes;
}

/** The message in a data frame other than Data, or a ProtocolError. */
export function decodeData(bytes: Uint8Array): DataMessage {
  const { name, epoch, body } = decode(bytes, DATA_MAGIC, dataMessages.byCode);
  return { name, epoch, body } as DataMessage;
}

/** The code of a data frame (DATA_CODE for Data), after magic and version were checked. */
export function dataCodeOf(bytes: Uint8Array): number {
  return readStart(bytes, DATA_MAGIC, limits.dataFrameBytesMax).u16('code');
}

const headerFields = Object.entries(dataHeader).map(([name, [, type]]) => ({
  name,
  kind: kindOf(name, type),
  what: `Data.${name}`,
}));
const headerFixed: Record<string, number> = {
  magic: DATA_MAGIC,
  version: PROTOCOL_VERSION,
  code: DATA_CODE,
  crc: 0,
  reserved: 0,
  reserved2: 0,
};

/** Header, payload and padding of one Data frame. `frameBytes` is filled in. */
export function encodeDataFrame(header: Omit<DataHeader, 'frameBytes'>, payload: Uint8Array): Uint8Array {
  const frameBytes = Math.ceil((DATA_HEADER_BYTES + payload.length) / 8) * 8;
  const values: Record<string, number | bigint> = { ...header, ...headerFixed, frameBytes };
  writer.reset();
  for (const { name, kind, what } of headerFields) writer[kind](values[name] as never, what);
  const bytes = new Uint8Array(frameBytes);
  bytes.set(writer.take());
  bytes.set(payload, DATA_HEADER_BYTES);
  sealCrc(bytes, DATA_HEADER_BYTES);
  return bytes;
}

/** The header of the Data frame at the start of `bytes`; checks that its lengths agree with each other and with `bytes`. */
export function decodeDataHeader(bytes: Uint8Array): DataHeader {
  const reader = readStart(bytes, DATA_MAGIC, limits.dataFrameBytesMax);
  if (bytes.length < DATA_HEADER_BYTES)
    throw new ProtocolError('EFRAME_SHORT', `a Data header of ${bytes.length} bytes`);
  const code = reader.u16('code');
  if (code !== DATA_CODE) throw new ProtocolError('EFRAME_CODE', `code ${code} where Data was expected`, { code });
  checkCrc(bytes, DATA_HEADER_BYTES);
  const header: Record<string, number | bigint> = {};
  const rest = new Reader(bytes);
  for (const { name, kind, what } of headerFields) {
    const value = rest[kind](what) as number | bigint;
    if (!(name in headerFixed)) header[name] = value;
  }
  const decoded = header as unknown as DataHeader;
  if (decoded.dtype !== 1 && decoded.dtype !== 2) throw new ProtocolError('EFRAME_LIMIT', `dtype ${decoded.dtype}`);
  const size = DATA_HEADER_BYTES + payloadBytesOf(decoded);
  if (decoded.frameBytes !== Math.ceil(size / 8) * 8)
    throw new ProtocolError('EFRAME_LIMIT', 'count and frameBytes disagree');
  if (decoded.frameBytes > bytes.length) throw new ProtocolError('EFRAME_SHORT', 'a Data frame is cut');
  return decoded;
}

export const payloadBytesOf = (header: Pick<DataHeader, 'count' | 'dtype'>): number =>
  header.count * (header.dtype === 1 ? 4 : 8);

/** The Data frames of one ZeroMQ message, which may be a batch. Payloads are views into `bytes`. */
export function* dataFrames(bytes: Uint8Array): Generator<{ header: DataHeader; payload: Uint8Array }> {
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    const header = decodeDataHeader(rest);
    yield { header, payload: rest.subarray(DATA_HEADER_BYTES, DATA_HEADER_BYTES + payloadBytesOf(header)) };
    at += header.frameBytes;
  }
}
