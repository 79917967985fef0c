// SPDX-License-Identifier: Apache-2.0
/** How a parameter's value is written for a solver: the shortest decimal that reads back as the same double. */
export function formatValue(value: number | string): string {
  if (typeof value === 'string') return value;
  // String() drops the sign of zero.
  return Object.is(value, -0) ? '-0' : String(value);
}
