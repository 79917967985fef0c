// SPDX-License-Identifier: Apache-2.0
/** Axes of the results by name: what the variables of one dataset share. */

/** Values of an axis; long ones are described, not listed. */
export type AxisValues =
  | { kind: 'List'; values: number[] }
  | { kind: 'Text'; values: string[] }
  | { kind: 'Linear'; origin: number; spacing: number; count: number }
  | { kind: 'Ranges'; ranges: [number, number][]; count: number };
export type Axis = { name: string; values: AxisValues; attributes: Record<string, string> };

/** Gives equal axes one name, and different ones different names. */
export class AxisTable {
  #axes = new Map<string, Axis>();

  use(name: string, owner: string, values: AxisValues, attributes: Record<string, string>): string {
    for (const candidate of [name, `${name}_${owner.replaceAll(':', '_')}`]) {
      const present = this.#axes.get(candidate);
      if (present === undefined) this.#axes.set(candidate, { name: candidate, values, attributes });
      else if (JSON.stringify(present.values) !== JSON.stringify(values)) continue;
      return candidate;
    }
    const unique = `${name}_${owner.replaceAll(':', '_')}_${this.#axes.size}`;
    this.#axes.set(unique, { name: unique, values, attributes });
    return unique;
  }
  all(): Axis[] {
    return [...this.#axes.values()];
  }
}
