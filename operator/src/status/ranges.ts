// SPDX-License-Identifier: Apache-2.0
/** Ids as ranges: 3,17-20. Cut at a whole range when they become too long. */
export function rangesOf(ids: readonly number[], lengthMax: number): { text: string; isCut: boolean } {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  let text = '';
  for (let at = 0; at < sorted.length;) {
    let end = at;
    while (sorted[end + 1] === sorted[end]! + 1) end += 1;
    const range = end === at ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`;
    const longer = text === '' ? range : `${text},${range}`;
    if (longer.length > lengthMax) return { text, isCut: true };
    text = longer;
    at = end + 1;
  }
  return { text, isCut: false };
}
