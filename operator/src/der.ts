// SPDX-License-Identifier: Apache-2.0
/** As much of DER (ITU-T X.690) as a certificate needs: every value is a tag, a length and its content. */
const concat = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

function lengthOf(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

export const tagged = (tag: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const body = concat(content);
  return concat([Uint8Array.from([tag, ...lengthOf(body.length)]), body]);
};
export const sequence = (...content: readonly Uint8Array[]): Uint8Array => tagged(0x30, ...content);
export const set = (...content: readonly Uint8Array[]): Uint8Array => tagged(0x31, ...content);
export const octets = (content: Uint8Array): Uint8Array => tagged(0x04, content);
export const bits = (content: Uint8Array, unused = 0): Uint8Array => tagged(0x03, Uint8Array.from([unused]), content);
export const isTrue: Uint8Array = Uint8Array.from([0x01, 0x01, 0xff]);
export const utf8 = (text: string): Uint8Array => tagged(0x0c, new TextEncoder().encode(text));
/** `[n]` with the context's own meaning; constructed values hold others. */
export const context = (n: number, constructed: boolean, ...content: readonly Uint8Array[]): Uint8Array =>
  tagged(0x80 | (constructed ? 0x20 : 0) | n, ...content);

/** Not negative: a leading zero byte where the highest bit is set. */
export function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
  return tagged(0x02, digits[0]! >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), digits);
}

/** Dotted numbers; the first two share a byte, the others are written in base 128. */
export function objectId(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  const bytes = rest.flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return tagged(0x06, Uint8Array.from([40 * first + second, ...bytes]));
}

/** Until 2049 two digits of the year, then four, as RFC 5280 §4.1.2.5 asks. */
export function time(ms: number): Uint8Array {
  const date = new Date(ms);
  const text = date
    .toISOString()
    .replace(/[-:T]/g, '')
    .replace(/\.\d+Z$/, 'Z');
  const isShort = date.getUTCFullYear() < 2050;
  return tagged(isShort ? 0x17 : 0x18, new TextEncoder().encode(isShort ? text.slice(2) : text));
}
