// SPDX-License-Identifier: Apache-2.0
/** Values of parameters from uniform numbers, by the inverse of the distribution's cumulative probability. */
import type { Distribution } from '@melissa/crds';
import { normalCdf, normalQuantile } from './normal.ts';

/** From a number in (0, 1) to a value of the parameter. */
export type Inverse = (u: number) => number | string;

/** The smallest and largest number that an inverse is given: no normal value is infinite. */
const U_MIN = 2 ** -54;
const U_MAX = 1 - 2 ** -53;

export const insideUnit = (u: number): number => Math.min(U_MAX, Math.max(U_MIN, u));

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

export function inverseOf(distribution: Distribution): Inverse {
  switch (distribution.kind) {
    case 'Uniform': {
      const { min, max } = distribution;
      return (u) => clamp(min + u * (max - min), min, max);
    }
    case 'LogUniform': {
      const { min, max } = distribution;
      const [low, high] = [Math.log(min), Math.log(max)];
      return (u) => clamp(Math.exp(low + u * (high - low)), min, max);
    }
    case 'Normal':
      return (u) => distribution.mean + distribution.sd * normalQuantile(u);
    case 'LogNormal':
      return (u) => Math.exp(distribution.mu + distribution.sigma * normalQuantile(u));
    case 'TruncatedNormal':
      return truncatedNormal(distribution);
    case 'Triangular':
      return triangular(distribution);
    case 'Choice':
      return choice(distribution.values, distribution.weights);
    case 'Constant':
      return () => distribution.value;
  }
}

/**
 * Works in whichever tail holds the value, with that tail's own small probability: 1 − p would lose it. An interval above the
 * mean is mirrored to one below.
 */
function truncatedNormal({ mean, sd, min, max }: { mean: number; sd: number; min: number; max: number }): Inverse {
  const mirrored = min > mean;
  const [a, b] = mirrored ? [(mean - max) / sd, (mean - min) / sd] : [(min - mean) / sd, (max - mean) / sd];
  const below = normalCdf(a);
  const above = normalCdf(-b);
  // When b is above 0 the interval reaches over the mean, and 1 − below − above loses nothing that matters.
  const inside = b > 0 ? 1 - below - above : normalCdf(b) - below;
  return (u) => {
    const v = mirrored ? 1 - u : u;
    const p = below + v * inside;
    const z = p <= 0.5 ? normalQuantile(p) : -normalQuantile(above + (1 - v) * inside);
    return clamp(mean + (mirrored ? -sd : sd) * z, min, max);
  };
}

function triangular({ min, mode, max }: { min: number; mode: number; max: number }): Inverse {
  const peak = (mode - min) / (max - min);
  return (u) => {
    const value =
      u < peak
        ? min + Math.sqrt(u * (max - min) * (mode - min))
        : max - Math.sqrt((1 - u) * (max - min) * (max - mode));
    return clamp(value, min, max);
  };
}

function choice(values: readonly (number | string)[], weights: readonly number[]): Inverse {
  const cumulative: number[] = [];
  let sum = 0;
  for (const weight of weights) cumulative.push((sum += weight));
  const last = weights.findLastIndex((weight) => weight > 0);
  return (u) => {
    const at = cumulative.findIndex((limit) => u * sum < limit);
    return values[at < 0 ? last : at]!;
  };
}

/** Values of a grid's axis: ends included where the distribution has ends that are as likely as the rest, else midpoints of equally likely intervals. */
export function axisOf(distribution: Distribution, points: number): (number | string)[] {
  if (distribution.kind === 'Choice') return [...distribution.values];
  const inverse = inverseOf(distribution);
  const even = (distribution.kind === 'Uniform' || distribution.kind === 'LogUniform') && points > 1;
  return Array.from({ length: points }, (_, i) => inverse(even ? i / (points - 1) : (i + 0.5) / points));
}
