// SPDX-License-Identifier: Apache-2.0
/** A map in a few numbers, over its cells. Runs in the I/O worker, because sorting ten million cells takes a second. */

export type MapSummary = {
  cells: number;
  nanCount: number;
  minimum: number | null;
  maximum: number | null;
  mean: number | null;
  quantiles: { probability: number; value: number | null }[];
};

const probabilities = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** Quantiles interpolate linearly between cells, as NumPy does by default. Sorts a copy. */
export function summariseMap(values: Float64Array): MapSummary {
  const finite = values.filter((value) => !Number.isNaN(value)).sort();
  const count = finite.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += finite[i]! / count;
  return {
    cells: values.length,
    nanCount: values.length - count,
    minimum: orNull(finite[0]),
    maximum: orNull(finite[count - 1]),
    mean: count === 0 ? null : orNull(sum),
    quantiles: probabilities.map((probability) => ({ probability, value: orNull(quantile(finite, probability)) })),
  };
}

/** Smallest and largest value that is not NaN; both NaN when there is none. */
export function rangeOf(values: Float64Array): { minimum: number; maximum: number } {
  let minimum = Infinity;
  let maximum = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  return minimum > maximum ? { minimum: NaN, maximum: NaN } : { minimum, maximum };
}

function quantile(sorted: Float64Array, probability: number): number | undefined {
  const position = probability * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  return below === undefined || above === undefined || below === above
    ? below
    : below + (above - below) * (position - Math.floor(position));
}

/** JSON knows neither NaN nor infinity. */
function orNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
