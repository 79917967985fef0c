// SPDX-License-Identifier: Apache-2.0
/** Z85, the text form of CURVE keys (rfc.zeromq.org/spec/32): four bytes are five characters. */

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** `bytes` has a multiple of four of them. */
export function encodeZ85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let word = view.getUint32(at);
    let five = '';
    for (let i = 0; i < 5; i++) {
      five = digits[word % 85]! + five;
      word = Math.floor(word / 85);
    }
    text += five;
  }
  return text;
}

/** null when the text is not Z85. */
export function decodeZ85(text: string): Uint8Array | null {
  if (text.length % 5 !== 0) return null;
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (let i = 0; i < 5; i++) {
      const digit = digits.indexOf(text[at + i]!);
      if (digit < 0) return null;
      word = word * 85 + digit;
    }
    if (word > 0xffffffff) return null;
    view.setUint32((at / 5) * 4, word);
  }
  return bytes;
}
