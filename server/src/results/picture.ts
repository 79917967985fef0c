// SPDX-License-Identifier: Apache-2.0
/**
 * A map as a picture for a person: title, axes with ticks, the map in colours, a colour bar with the unit. A field of
 * one dimension becomes a line; of three, its middle layer. Runs in the I/O worker.
 */
import { Canvas, textWidth, type Colour } from './canvas.ts';
import { rangeOf } from './map-summary.ts';
import { tickLabels, ticks } from './ticks.ts';

export type Picture = {
  values: Float64Array;
  /** In C order: [x], [y, x] or [z, y, x]. */
  shape: number[];
  title: string;
  subtitle: string;
  unit: string;
  axisLabels: string[];
  /** Centre of the first cell and the distance to the next, per axis. */
  origin: number[];
  spacing: number[];
  /** Fixed ends of the colours, for indices and probabilities; else those of the map. */
  range: [number, number] | null;
  /** Axes have a common unit of length, so that the map keeps its proportions. */
  isMeshed: boolean;
};

const ink: Colour = [38, 38, 38];
const faint: Colour = [225, 225, 225];
const white: Colour = [255, 255, 255];
const absent: Colour = [205, 205, 205];
const lineColour: Colour = [49, 104, 142];
const LEFT = 96;
const TOP = 84;
const BOTTOM = 72;
const BAR_GAP = 28;
const BAR_WIDTH = 24;
const RIGHT = 150;
const PLOT_LONG = 640;
const PLOT_SHORT_MIN = 200;
const TEXT = 11;

/** Control points from dark to light: even steps in lightness, readable without colour vision (after viridis, CC0). */
const controlPoints: Colour[] = [
  [68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37],
]; // prettier-ignore

/** Colour at a place between 0 and 1. */
export function colourAt(place: number): Colour {
  const position = Math.max(0, Math.min(1, place)) * (controlPoints.length - 1);
  const index = Math.min(controlPoints.length - 2, Math.floor(position));
  const part = position - index;
  const [from, to] = [controlPoints[index]!, controlPoints[index + 1]!];
  return [0, 1, 2].map((channel) =>
    Math.round(from[channel]! + (to[channel]! - from[channel]!) * part),
  ) as unknown as Colour;
}

export function drawPicture(picture: Picture): Canvas {
  const layer = middleLayer(picture);
  return layer.shape.length === 1 ? drawLine(layer) : drawMap(layer);
}

/** Reduces three and more dimensions to the two last ones, in the middle of the others, and says so. */
function middleLayer(picture: Picture): Picture {
  const extra = picture.shape.length - 2;
  if (extra <= 0) return picture;
  const [rows, columns] = picture.shape.slice(extra) as [number, number];
  let layer = 0;
  const words: string[] = [];
  for (let axis = 0; axis < extra; axis++) {
    const middle = Math.floor(picture.shape[axis]! / 2);
    layer = layer * picture.shape[axis]! + middle;
    words.push(`${picture.axisLabels[axis]} = ${short(picture.origin[axis]! + middle * picture.spacing[axis]!)}`);
  }
  const size = rows * columns;
  return {
    ...picture,
    values: picture.values.subarray(layer * size, (layer + 1) * size),
    shape: [rows, columns],
    subtitle: [picture.subtitle, `layer ${words.join(', ')}`].filter((part) => part !== '').join('  ·  '),
    axisLabels: picture.axisLabels.slice(extra),
    origin: picture.origin.slice(extra),
    spacing: picture.spacing.slice(extra),
  };
}

type Frame = { canvas: Canvas; left: number; top: number; width: number; height: number };

function drawMap(picture: Picture): Canvas {
  const [rows, columns] = picture.shape as [number, number];
  const hasAbsent = picture.values.some((value) => Number.isNaN(value));
  const subtitle = hasAbsent ? `${picture.subtitle}  ·  grey: no value` : picture.subtitle;
  const frame = frameOf({ ...picture, subtitle }, plotSize(picture), RIGHT);
  const { canvas, left, top, width, height } = frame;
  const [low, high] = colourRange(picture);
  const scale = high > low ? 255 / (high - low) : 0;
  const table = Array.from({ length: 256 }, (_, i) => colourAt(i / 255));
  for (let y = 0; y < height; y++) {
    const row = Math.min(rows - 1, Math.floor(((height - 1 - y + 0.5) / height) * rows)); // the first row is at the bottom
    for (let x = 0; x < width; x++) {
      const value = picture.values[row * columns + Math.min(columns - 1, Math.floor(((x + 0.5) / width) * columns))]!;
      const place = scale === 0 ? 127 : Math.max(0, Math.min(255, Math.round((value - low) * scale)));
      canvas.set(left + x, top + y, Number.isNaN(value) ? absent : table[place]!);
    }
  }
  const ends = (axis: number): [number, number] => {
    const half = picture.spacing[axis]! / 2;
    const first = picture.origin[axis]!;
    return [first - half, first + picture.spacing[axis]! * (picture.shape[axis]! - 1) + half];
  };
  drawBorder(frame);
  drawAxisX(frame, ends(1), picture.axisLabels[1]!);
  drawAxisY(frame, ends(0), picture.axisLabels[0]!);
  drawColourBar(frame, low, high, picture.unit);
  return canvas;
}

function drawLine(picture: Picture): Canvas {
  const frame = frameOf(picture, [PLOT_LONG + 60, 380], 40);
  const { canvas, left, top, width, height } = frame;
  const { minimum, maximum } = rangeOf(picture.values);
  const margin = maximum > minimum ? (maximum - minimum) * 0.05 : Math.max(1e-300, Math.abs(maximum) * 0.05) || 1;
  const range: [number, number] = Number.isNaN(minimum) ? [0, 1] : [minimum - margin, maximum + margin];
  const count = picture.values.length;
  const first = picture.origin[0]!;
  const ends: [number, number] =
    count > 1 ? [first, first + picture.spacing[0]! * (count - 1)] : [first - 0.5, first + 0.5];
  drawGrid(frame, ends, range);
  const placeY = (value: number): number => top + height * (1 - (value - range[0]) / (range[1] - range[0]));
  const placeX = (cell: number): number => left + (count > 1 ? (width * cell) / (count - 1) : width / 2);
  // One column of pixels shows at most its smallest and largest value: longer fields cost no more.
  const stride = Math.max(1, Math.floor(count / (2 * width)));
  let last: [number, number] | null = null;
  for (let cell = 0; cell < count; cell += stride) {
    const value = picture.values[cell]!;
    const point: [number, number] | null = Number.isFinite(value) ? [placeX(cell), placeY(value)] : null;
    if (point !== null) canvas.line(...(last ?? point), ...point, lineColour, last === null ? 4 : 2);
    last = point;
  }
  drawBorder(frame);
  drawAxisX(frame, ends, picture.axisLabels[0]!);
  drawAxisY(frame, range, picture.unit === '1' ? '' : picture.unit);
  return canvas;
}

/** Keeps the proportions of a mesh as far as a readable picture allows. */
function plotSize(picture: Picture): [number, number] {
  const [rows, columns] = picture.shape as [number, number];
  const tall = rows * (picture.isMeshed ? Math.abs(picture.spacing[0]!) : 1);
  const wide = columns * (picture.isMeshed ? Math.abs(picture.spacing[1]!) : 1);
  const ratio = tall > 0 && wide > 0 ? tall / wide : 1;
  if (ratio <= 1) return [PLOT_LONG, Math.max(PLOT_SHORT_MIN, Math.round(PLOT_LONG * ratio))];
  return [Math.max(PLOT_SHORT_MIN, Math.round(PLOT_LONG / ratio)), PLOT_LONG];
}

function frameOf(picture: Picture, [width, height]: [number, number], right: number): Frame {
  const titleHeight = 15;
  const fits = Math.max(textWidth(picture.title, titleHeight), textWidth(picture.subtitle, TEXT)) + 40;
  const centre = Math.max(fits / 2, LEFT + width / 2);
  const canvas = new Canvas(Math.ceil(Math.max(LEFT + width + right, centre + fits / 2)), TOP + height + BOTTOM, white);
  canvas.text(centre, 34, picture.title, { height: titleHeight, colour: ink, align: 'Centre', weight: 2 });
  canvas.text(centre, 62, picture.subtitle, { height: TEXT, colour: [90, 90, 90], align: 'Centre' });
  return { canvas, left: LEFT, top: TOP, width, height };
}

function drawBorder({ canvas, left, top, width, height }: Frame): void {
  canvas.fill(left - 1, top - 1, width + 2, 1, ink);
  canvas.fill(left - 1, top + height, width + 2, 1, ink);
  canvas.fill(left - 1, top - 1, 1, height + 2, ink);
  canvas.fill(left + width, top - 1, 1, height + 2, ink);
}

function drawGrid(
  { canvas, left, top, width, height }: Frame,
  [x0, x1]: [number, number],
  [y0, y1]: [number, number],
): void {
  for (const value of ticks(x0, x1, 6)) canvas.fill(left + ((value - x0) / (x1 - x0)) * width, top, 1, height, faint);
  for (const value of ticks(y0, y1, 5))
    canvas.fill(left, top + height * (1 - (value - y0) / (y1 - y0)), width, 1, faint);
}

function drawAxisX({ canvas, left, top, width, height }: Frame, [low, high]: [number, number], label: string): void {
  const places = ticks(low, high, Math.max(2, Math.min(7, Math.floor(width / 90))));
  const labels = tickLabels(places);
  places.forEach((value, i) => {
    const x = left + ((value - low) / (high - low || 1)) * width;
    canvas.fill(x, top + height + 1, 1, 5, ink);
    canvas.text(x + 0.5, top + height + 22, labels[i]!, { height: TEXT, colour: ink, align: 'Centre' });
  });
  canvas.text(left + width / 2, top + height + 50, label, { height: TEXT + 1, colour: ink, align: 'Centre' });
}

function drawAxisY({ canvas, left, top, height }: Frame, [low, high]: [number, number], label: string): void {
  const places = ticks(low, high, Math.max(2, Math.min(7, Math.floor(height / 60))));
  const labels = tickLabels(places);
  places.forEach((value, i) => {
    const y = top + height * (1 - (value - low) / (high - low || 1));
    canvas.fill(left - 6, y, 5, 1, ink);
    canvas.text(left - 11, y + TEXT / 2 + 0.5, labels[i]!, { height: TEXT, colour: ink, align: 'Right' });
  });
  canvas.text(28, top + height / 2, label, { height: TEXT + 1, colour: ink, align: 'Centre', isVertical: true });
}

function drawColourBar(frame: Frame, low: number, high: number, unit: string): void {
  const { canvas, top, height } = frame;
  const left = frame.left + frame.width + BAR_GAP;
  for (let y = 0; y < height; y++) canvas.fill(left, top + y, BAR_WIDTH, 1, colourAt(1 - y / (height - 1)));
  drawBorder({ ...frame, left, width: BAR_WIDTH });
  if (unit !== '' && unit !== '1') canvas.text(left, top - 12, unit, { height: TEXT + 1, colour: ink });
  const places = Number.isNaN(low) ? [] : ticks(low, high, Math.max(2, Math.min(8, Math.floor(height / 60))));
  const labels = tickLabels(places);
  places.forEach((value, i) => {
    const y = high > low ? top + (height - 1) * (1 - (value - low) / (high - low)) : top + height / 2;
    canvas.fill(left + BAR_WIDTH + 1, y, 5, 1, ink);
    canvas.text(left + BAR_WIDTH + 11, y + TEXT / 2 + 0.5, labels[i]!, { height: TEXT, colour: ink });
  });
}

function colourRange(picture: Picture): [number, number] {
  if (picture.range !== null) return picture.range;
  const { minimum, maximum } = rangeOf(picture.values.filter((value) => Number.isFinite(value)));
  return [minimum, maximum];
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
