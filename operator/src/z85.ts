// SPDX-License-Identifier: Apache-2.0
/** Z85 (ZeroMQ RFC 32): four bytes in five printable characters; how CURVE keys are written. */
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

export function z85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    let value = view.getUint32(at);
    let digits = '';
    for (let digit = 0; digit < 5; digit++) {
      digits = ALPHABET[value % 85]! + digits;
      value = Math.floor(value / 85);
    }
    text += digits;
  }
  return text;
}
