// SPDX-License-Identifier: Apache-2.0
/** Round numbers for axes and colour bars. */

/** Multiples of 1, 2 or 5 · 10^k within [low, high]: about `count` of them, never more than twice that. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return Number.isFinite(low) ? [low] : [];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (!Number.isFinite(step) || step === 0 || last - first > 1000) return [low, high];
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step || 0); // `|| 0` turns −0 into 0
}

/** Labels that tell neighbours apart, all with the same number of decimals; with a power of ten where they are extreme. */
export function tickLabels(values: number[]): string[] {
  const largest = Math.max(...values.map(Math.abs));
  const step = values.length > 1 ? Math.abs(values[1]! - values[0]!) : Math.abs(values[0] ?? 1) / 100;
  if (largest !== 0 && (largest >= 1e6 || largest < 1e-3)) {
    const exponentOf = (value: number): number => Math.floor(Math.log10(value) + 1e-9);
    const digits = Math.max(0, Math.min(8, exponentOf(largest) - exponentOf(step || largest)));
    return values.map((value) => value.toExponential(digits).replace('e+', 'e').replaceAll('-', '−'));
  }
  const decimals = step === 0 ? 2 : Math.max(0, Math.min(10, -Math.floor(Math.log10(step) + 1e-9)));
  return values.map((value) => value.toFixed(decimals).replaceAll('-', '−'));
}
