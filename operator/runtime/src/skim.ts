// SPDX-License-Identifier: Apache-2.0
/**
 * Reads of a watch event only what a kind keeps. A pod is 4 kB of JSON of which a controller keeps a tenth; making objects of the rest
 * costs more than everything else that is done with an event. So the bytes are walked once, what is not kept is stepped over,
 * and `JSON.parse` sees what is left. Where everything that is kept has been read, the walk ends: an event is a whole line, and no key comes twice
 * in an object. It knows JSON as the API server writes it, without white space and with its keys
 * unescaped; at anything else it gives up, and the caller parses the whole line: it never guesses.
 */
export type Tree = Map<string, Tree | null>;

/** A key as its bytes, and what is kept below it; null: everything. */
type Member = { key: Uint8Array; below: Member[] | null };

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const ARRAY = 91;
const BACKSLASH = 92;
const ARRAY_END = 93;
const OBJECT = 123;
const OBJECT_END = 125;
/** Set in a letter's code, and in the difference between `[` and `{`. */
const BRACE_BIT = 32;

/** Stepping over stopped: the bytes are not what this walk knows. */
const UNKNOWN = -1;

const membersOf = (tree: Tree): Member[] =>
  [...tree].map(([key, below]) => ({ key: Buffer.from(key), below: below === null ? null : membersOf(below) }));

export class Skim {
  readonly #members: Member[];
  #out: Buffer = Buffer.allocUnsafe(4096);
  #at = 0;

  constructor(tree: Tree) {
    this.#members = membersOf(tree);
  }

  /** The JSON text of an object with the members that the tree names; null where the bytes are not as the walk knows them. */
  text(bytes: Uint8Array, begin: number, end: number): string | null {
    if (this.#out.length < end - begin) this.#out = Buffer.allocUnsafe(2 * (end - begin));
    this.#at = 0;
    return this.#value(bytes, begin, end, this.#members, true) === end ? this.#out.toString('utf8', 0, this.#at) : null;
  }

  /** Returns where the value ends, or UNKNOWN. `isLast`: nothing is kept of what comes after it, and it may end with the line. */
  #value(bytes: Uint8Array, begin: number, end: number, members: Member[] | null, isLast: boolean): number {
    const first = bytes[begin];
    if (members !== null && first === OBJECT) return this.#object(bytes, begin, end, members, isLast);
    if (members !== null && first === ARRAY) return this.#array(bytes, begin, end, members);
    const over = skip(bytes, begin, end);
    if (over !== UNKNOWN) this.#copy(bytes, begin, over);
    return over;
  }

  #object(bytes: Uint8Array, begin: number, end: number, members: Member[], isLast: boolean): number {
    this.#out[this.#at++] = OBJECT;
    let left = members.length;
    let i = begin + 1;
    if (bytes[i] === OBJECT_END) i += 1;
    else
      for (;;) {
        const keyEnd = keyOver(bytes, i, end);
        if (keyEnd === UNKNOWN) return UNKNOWN;
        const member = memberOf(members, bytes, i + 1, keyEnd - 2);
        if (member === null) i = skip(bytes, keyEnd, end);
        else {
          if (left < members.length) this.#out[this.#at++] = COMMA;
          left -= 1;
          this.#copy(bytes, i, keyEnd);
          i = this.#value(bytes, keyEnd, end, member.below, isLast && left === 0);
        }
        if (i === UNKNOWN) return UNKNOWN;
        if (isLast && left === 0) {
          i = bytes[end - 1] === OBJECT_END ? end : UNKNOWN;
          break;
        }
        const next = bytes[i++];
        if (next === OBJECT_END) break;
        if (next !== COMMA) return UNKNOWN;
      }
    this.#out[this.#at++] = OBJECT_END;
    return i;
  }

  #array(bytes: Uint8Array, begin: number, end: number, members: Member[]): number {
    this.#out[this.#at++] = ARRAY;
    let i = begin + 1;
    if (bytes[i] === ARRAY_END) i += 1;
    else
      for (;;) {
        i = this.#value(bytes, i, end, members, false);
        if (i === UNKNOWN) return UNKNOWN;
        const next = bytes[i++];
        if (next === ARRAY_END) break;
        if (next !== COMMA) return UNKNOWN;
        this.#out[this.#at++] = COMMA;
      }
    this.#out[this.#at++] = ARRAY_END;
    return i;
  }

  #copy(bytes: Uint8Array, begin: number, end: number): void {
    const out = this.#out;
    let at = this.#at;
    for (let i = begin; i < end; i++) out[at++] = bytes[i]!;
    this.#at = at;
  }
}

/** `begin` is at a key's quote; returns where its value begins. A key with a backslash is not read here. */
function keyOver(bytes: Uint8Array, begin: number, end: number): number {
  if (bytes[begin] !== QUOTE) return UNKNOWN;
  for (let i = begin + 1; i < end; i++) {
    const byte = bytes[i];
    if (byte === BACKSLASH) return UNKNOWN;
    if (byte === QUOTE) return bytes[i + 1] === COLON ? i + 2 : UNKNOWN;
  }
  return UNKNOWN;
}

function memberOf(members: Member[], bytes: Uint8Array, begin: number, end: number): Member | null {
  const length = end - begin;
  for (const member of members) {
    const { key } = member;
    if (key.length !== length) continue;
    let i = 0;
    while (i < length && key[i] === bytes[begin + i]) i++;
    if (i === length) return member;
  }
  return null;
}

/** Returns where the value that begins at `begin` ends, or UNKNOWN where the line ends within it. */
function skip(bytes: Uint8Array, begin: number, end: number): number {
  const first = bytes[begin]!;
  if (first === QUOTE) return stringOver(bytes, begin + 1, end);
  if (first === OBJECT || first === ARRAY) return nestedOver(bytes, begin + 1, end);
  let i = begin;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte === COMMA || byte === OBJECT_END || byte === ARRAY_END) break;
    i += 1;
  }
  return i === begin || i === end ? UNKNOWN : i;
}

function stringOver(bytes: Uint8Array, begin: number, end: number): number {
  let i = begin;
  while (i < end) {
    const byte = bytes[i++]!;
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i += 1;
  }
  return UNKNOWN;
}

/** Both brackets differ from their braces by one bit alone, and all four lie above everything else outside strings but letters. */
function nestedOver(bytes: Uint8Array, begin: number, end: number): number {
  let depth = 1;
  let i = begin;
  while (i < end) {
    const byte = bytes[i++]!;
    if (byte === QUOTE) {
      while (i < end) {
        const inside = bytes[i++]!;
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) i += 1;
      }
    } else if (byte >= ARRAY) {
      const brace = byte | BRACE_BIT;
      if (brace === OBJECT) depth += 1;
      else if (brace === OBJECT_END && --depth === 0) return i;
    }
  }
  return UNKNOWN;
}
