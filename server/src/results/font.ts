// SPDX-License-Identifier: Apache-2.0
/**
 * A small stroke font for labels, drawn with lines like a plotter's: no font file, sharp at any size. A glyph is a list
 * of strokes; a stroke is a list of points; a point is a digit (x, 0 to 4) and a letter (y: c is the baseline, g the
 * height of small letters, i that of capitals, a the depth of descenders). A stroke of one repeated point is a dot.
 */
const glyphs: Record<string, string> = {
  A: '0c2i4c 1e3e', B: '0c0i3i4h4g3f0f 3f4e4d3c0c', C: '4h3i1i0h0d1c3c4d', D: '0c0i2i4g4e2c0c', E: '4c0c0i4i 0f3f', F: '0c0i4i 0f3f',
  G: '4h3i1i0h0d1c3c4d4f2f', H: '0c0i 4c4i 0f4f', I: '1c3c 2c2i 1i3i', J: '0d1c2c3d3i', K: '0c0i 4i0e 1f4c', L: '0i0c4c',
  M: '0c0i2e4i4c', N: '0c0i4c4i', O: '1c3c4d4h3i1i0h0d1c', P: '0c0i3i4h4g3f0f', Q: '1c3c4d4h3i1i0h0d1c 2e4c', R: '0c0i3i4h4g3f0f 2f4c',
  S: '0d1c3c4d4e3f1f0g0h1i3i4h', T: '2c2i 0i4i', U: '0i0d1c3c4d4i', V: '0i2c4i', W: '0i1c2g3c4i', X: '0c4i 0i4c', Y: '0i2f4i 2f2c', Z: '0i4i0c4c',
  a: '0f1g2g3f3c 3d2c1c0d1e3e', b: '0i0c 0f1g2g3f3d2c1c0d', c: '3f2g1g0f0d1c2c3d', d: '3i3c 3f2g1g0f0d1c2c3d', e: '0e3e3f2g1g0f0d1c2c3d', f: '1c1h2i3i 0g3g',
  g: '3g3b2a1a0b 3f2g1g0f0d1c2c3d', h: '0c0i 0f1g2g3f3c', i: '0c0g 0i0i', j: '0a1b1g 1i1i', k: '0c0i 3g0e 1f3c', l: '0i0c', m: '0c0g 0f1g2f2c 2f3g4f4c',
  n: '0c0g 0f1g2g3f3c', o: '1c2c3d3f2g1g0f0d1c', p: '0a0g 0f1g2g3f3d2c1c0d', q: '3a3g 3f2g1g0f0d1c2c3d', r: '0c0g 0f1g2g', s: '0d1c2c3d0f1g2g3f', t: '1i1d2c3c 0g3g',
  u: '0g0d1c2c3d 3g3c', v: '0g2c4g', w: '0g1c2f3c4g', x: '0g3c 0c3g', y: '0g2c 4g1a0a', z: '0g3g0c3c',
  0: '1c2c3d3h2i1i0h0d1c', 1: '0h1i1c', 2: '0h1i2i3h3g0c3c', 3: '0h1i2i3h3g2f1f 2f3e3d2c1c0d', 4: '2c2i0e3e', 5: '3i0i0f2f3e3d2c1c0d',
  6: '3h2i1i0h0d1c2c3d3e2f0f', 7: '0i3i1c', 8: '1f0g0h1i2i3h3g2f1f0e0d1c2c3d3e2f', 9: '0d1c2c3d3h2i1i0h0g1f3f',
  '.': '0c0c', ',': '1c0b', ':': '0d0d 0g0g', ';': '1d0b 1g1g', '-': '0e2e', '−': '0f3f', '+': '0f4f 2d2h', '=': '0e3e 0g3g', '/': '0b3i', '(': '1j0h0d1b',
  ')': '0j1h1d0b', '[': '1i0i0b1b', ']': '0i1i1b0b', '<': '3g0e3c', '>': '0g3e0c', '≥': '0h3f0d 0c3c', '≤': '3h0f3d 0c3c', _: '0b3b', "'": '0i0g', '"': '0i0g 1i1g', '*': '0e2g 2e0g 1d1h',
  '^': '0g1i2g', '%': '0c4i 0i1i1h0h0i 3d4d4c3c3d', '°': '0h0i1i1h0h', '²': '0h1i2h0f2f', '³': '0i2i1h2g1f0f', µ: '0a0g 0d1c2c3d 3g3c', μ: '0a0g 0d1c2c3d 3g3c',
  '·': '0e0e', '⋅': '0e0e', '×': '0d3g 0g3d', '|': '0a0i', '~': '0e1f2e3f', '!': '0i0e 0c0c', '?': '0h1i2i3h3g2f2e 2c2c', '#': '0e4e 0g4g 1c1i 3c3i',
  '&': '4c0g0h1i2h0d1c2c4e', σ: '4g1g0f0d1c2c3d3e2g', Δ: '0c2i4c0c', '’': '0i0g', '–': '0e3e', '…': '0c0c 2c2c 4c4c',
}; // prettier-ignore
const UNKNOWN = '0c3c3i0i0c';
const CAPITAL_HEIGHT = 6;
const SPACE_ADVANCE = 3;
const GAP = 1.8;

export type Stroke = [number, number][];

/** Strokes of a line of text from (0, 0) to the right, y upwards, capitals `height` pixels high; and the width. */
export function layOut(text: string, height: number): { strokes: Stroke[]; width: number } {
  const scale = height / CAPITAL_HEIGHT;
  const strokes: Stroke[] = [];
  let x = 0;
  for (const character of text) {
    if (character === ' ') {
      x += SPACE_ADVANCE;
      continue;
    }
    let width = 0;
    for (const points of (glyphs[character] ?? UNKNOWN).split(' ')) {
      const stroke: Stroke = [];
      for (let i = 0; i < points.length; i += 2) {
        const dx = points.charCodeAt(i) - 48;
        width = Math.max(width, dx);
        stroke.push([(x + dx) * scale, (points.charCodeAt(i + 1) - 99) * scale]);
      }
      strokes.push(stroke);
    }
    x += width + GAP;
  }
  return { strokes, width: Math.max(0, (x - GAP) * scale) };
}
