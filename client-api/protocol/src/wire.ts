// SPDX-License-Identifier: Apache-2.0
/**
 * Reading and writing the primitive types. The reader checks every length against what is left of the frame and against
 * its limit before it makes anything; the writer refuses what a reader would refuse.
 */
import { ProtocolError } from './errors.ts';
import { limits } from './limits.ts';

const utf8 = new TextEncoder();
// ignoreBOM: a byte order mark at the start of a string belongs to the string.
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Longest string that is encoded without the encoder. */
const shortStringMax = 48;

/** Bytes that an item takes at least; a count is checked against it before a list is read. */
export const scalarBytesMin = { u8: 1, u16: 2, u32: 4, u64: 8, i32: 4, f64: 8, string: 4, bytes: 4 } as const;

export class Reader {
  #view: DataView;
  #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }
  get left(): number {
    return this.#bytes.length - this.#at;
  }
  #take(size: number, what: string): number {
    if (size > this.left) throw new ProtocolError('EFRAME_SHORT', `${what} needs ${size} bytes, ${this.left} are left`);
    const at = this.#at;
    this.#at += size;
    return at;
  }
  u8(what: string): number {
    return this.#view.getUint8(this.#take(1, what));
  }
  u16(what: string): number {
    return this.#view.getUint16(this.#take(2, what), true);
  }
  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }
  i32(what: string): number {
    return this.#view.getInt32(this.#take(4, what), true);
  }
  f64(what: string): number {
    return this.#view.getFloat64(this.#take(8, what), true);
  }
  wide(what: string): bigint {
    return this.#view.getBigUint64(this.#take(8, what), true);
  }
  u64(what: string): number {
    const at = this.#take(8, what);
    const high = this.#view.getUint32(at + 4, true);
    if (high > 0x1fffff) throw new ProtocolError('EFRAME_LIMIT', `${what} is above 2^53 - 1`);
    return high * 4294967296 + this.#view.getUint32(at, true);
  }
  string(what: string): string {
    const size = this.u32(what);
    if (size > limits.stringBytesMax) throw new ProtocolError('EFRAME_LIMIT', `${what} is a string of ${size} bytes`);
    const at = this.#take(size, what);
    try {
      return fromUtf8.decode(this.#bytes.subarray(at, at + size));
    } catch {
      throw new ProtocolError('EFRAME_TEXT', what);
    }
  }
  /** A copy, so that a small field does not keep a large frame alive. */
  bytes(what: string): Uint8Array {
    const size = this.u32(what);
    const at = this.#take(size, what);
    return this.#bytes.slice(at, at + size);
  }
  count(what: string, itemBytesMin: number): number {
    const count = this.u32(what);
    if (count > limits.listItemsMax) throw new ProtocolError('EFRAME_LIMIT', `${what} is a list of ${count} items`);
    if (count * itemBytesMin > this.left) {
      throw new ProtocolError('EFRAME_SHORT', `${what} says ${count} items, ${this.left} bytes are left`);
    }
    return count;
  }
}

/** Grows by doubling; `take` hands out a copy and empties it, so that one writer serves a whole process. */
export class Writer {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;

  #room(size: number, what: string): number {
    const need = this.#size + size;
    if (need > limits.controlFrameBytesMax)
      throw new ProtocolError('EFRAME_LIMIT', `${what} makes a frame of ${need} bytes`);
    if (need > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    const at = this.#size;
    this.#size = need;
    return at;
  }
  #integer(value: number, max: number, min: number, what: string): number {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new ProtocolError('EFRAME_LIMIT', `${what} is ${value}, allowed are integers from ${min} to ${max}`);
    }
    return value;
  }
  u8(value: number, what: string): void {
    this.#view.setUint8(this.#room(1, what), this.#integer(value, 0xff, 0, what));
  }
  u16(value: number, what: string): void {
    const at = this.#room(2, what);
    this.#view.setUint16(at, this.#integer(value, 0xffff, 0, what), true);
  }
  u32(value: number, what: string): void {
    const at = this.#room(4, what);
    this.#view.setUint32(at, this.#integer(value, 0xffffffff, 0, what), true);
  }
  i32(value: number, what: string): void {
    const at = this.#room(4, what);
    this.#view.setInt32(at, this.#integer(value, 0x7fffffff, -0x80000000, what), true);
  }
  f64(value: number, what: string): void {
    const at = this.#room(8, what);
    this.#view.setFloat64(at, value, true);
  }
  wide(value: bigint, what: string): void {
    if (value < 0n || value >> 64n !== 0n) throw new ProtocolError('EFRAME_LIMIT', `${what} does not fit 64 bits`);
    const at = this.#room(8, what);
    this.#view.setBigUint64(at, value, true);
  }
  u64(value: number, what: string): void {
    this.#integer(value, Number.MAX_SAFE_INTEGER, 0, what);
    const at = this.#room(8, what);
    this.#view.setUint32(at, value % 4294967296, true);
    this.#view.setUint32(at + 4, Math.floor(value / 4294967296), true);
  }
  /** Most strings are short names: written here they cost a tenth of a call of the encoder. False, and nothing is written, for others. */
  #shortAscii(value: string, what: string): boolean {
    const { length } = value;
    if (length > shortStringMax) return false;
    for (let i = 0; i < length; i++) if (value.charCodeAt(i) > 0x7f) return false;
    this.u32(length, what);
    const at = this.#room(length, what);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = value.charCodeAt(i);
    return true;
  }
  string(value: string, what: string): void {
    if (this.#shortAscii(value, what)) return;
    const encoded = utf8.encode(value);
    if (encoded.length > limits.stringBytesMax) {
      throw new ProtocolError('EFRAME_LIMIT', `${what} is a string of ${encoded.length} bytes`);
    }
    this.bytes(encoded, what);
  }
  bytes(value: Uint8Array, what: string): void {
    this.u32(value.length, what);
    const at = this.#room(value.length, what);
    this.#bytes.set(value, at);
  }
  count(value: number, what: string): void {
    if (value > limits.listItemsMax) throw new ProtocolError('EFRAME_LIMIT', `${what} is a list of ${value} items`);
    this.u32(value, what);
  }
  reset(): void {
    this.#size = 0;
  }
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#size);
    this.#size = 0;
    // One large frame must not hold its memory for ever.
    if (this.#bytes.length > 1 << 20) {
      this.#bytes = new Uint8Array(4096);
      this.#view = new DataView(this.#bytes.buffer);
    }
    return taken;
  }
}
