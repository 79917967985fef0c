// SPDX-License-Identifier: Apache-2.0
/** A picture in memory: red, green, blue, a byte each; rectangles, smooth lines and text. Row 0 is at the top. */
import { layOut } from './font.ts';

export type Colour = readonly [number, number, number];
export type TextOptions = {
  height: number;
  colour: Colour;
  align?: 'Left' | 'Centre' | 'Right';
  isVertical?: boolean;
  weight?: number;
};

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;

  constructor(width: number, height: number, background: Colour) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(3 * width * height);
    this.fill(0, 0, width, height, background);
  }
  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    const right = Math.min(this.width, Math.round(x + width));
    const bottom = Math.min(this.height, Math.round(y + height));
    for (let row = Math.max(0, Math.round(y)); row < bottom; row++) {
      for (let column = Math.max(0, Math.round(x)); column < right; column++) this.set(column, row, colour);
    }
  }
  set(column: number, row: number, colour: Colour): void {
    const at = 3 * (row * this.width + column);
    this.pixels[at] = colour[0];
    this.pixels[at + 1] = colour[1];
    this.pixels[at + 2] = colour[2];
  }
  /** A line with round ends and smooth edges: each pixel is covered by how near its centre lies. */
  line(x0: number, y0: number, x1: number, y1: number, colour: Colour, weight = 1): void {
    const reach = weight / 2 + 1;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const lengthSquared = dx * dx + dy * dy;
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(y0, y1) + reach));
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(x0, x1) + reach));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const px = column + 0.5 - x0;
        const py = row + 0.5 - y0;
        const along = lengthSquared === 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy) / lengthSquared));
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const cover = Math.max(0, Math.min(1, weight / 2 + 0.5 - distance));
        if (cover > 0) this.#blend(column, row, colour, cover);
      }
    }
  }
  /** Text whose baseline starts at, is centred on, or ends at (x, y); vertical text reads upwards. */
  text(x: number, y: number, text: string, options: TextOptions): void {
    const { strokes, width } = layOut(text, options.height);
    const shift = options.align === 'Centre' ? -width / 2 : options.align === 'Right' ? -width : 0;
    const weight = options.weight ?? Math.max(1.1, options.height / 8);
    const place = ([px, py]: [number, number]): [number, number] =>
      options.isVertical ? [x - py, y - shift - px] : [x + shift + px, y - py];
    for (const stroke of strokes) {
      for (let i = 1; i < stroke.length; i++) {
        const [x0, y0] = place(stroke[i - 1]!);
        const [x1, y1] = place(stroke[i]!);
        this.line(x0, y0, x1, y1, options.colour, x0 === x1 && y0 === y1 ? weight * 1.5 : weight);
      }
    }
  }
  #blend(column: number, row: number, colour: Colour, cover: number): void {
    const at = 3 * (row * this.width + column);
    for (let channel = 0; channel < 3; channel++) {
      const old = this.pixels[at + channel]!;
      this.pixels[at + channel] = Math.round(old + (colour[channel]! - old) * cover);
    }
  }
}

/** Width of a text in pixels. */
export function textWidth(text: string, height: number): number {
  return layOut(text, height).width;
}
