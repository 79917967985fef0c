// SPDX-License-Identifier: Apache-2.0
/** Amounts of memory as people and Kubernetes write them, and amounts as people read them. */
import { ProjectError } from './errors.ts';
import { errors } from './errors-table.ts';

const FACTORS: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Bytes of a Kubernetes quantity such as `4Gi` or `500M`. Throws EQUANTITY. */
export function parseQuantity(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)$/.exec(text);
  const factor = match === null ? undefined : FACTORS[match[2]!];
  if (match === null || factor === undefined) {
    throw new ProjectError({
      code: 'EQUANTITY',
      message: errors.EQUANTITY.message.replace('{text}', text),
      remedy: errors.EQUANTITY.remedy,
    });
  }
  return Math.round(Number(match[1]) * factor);
}

/** `1.5 GB`: decimal units, three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** `2 min 46 s`, `3 h 5 min`, `4 d 1 h`: the two largest units that matter. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(total / 86400), 'd'],
    [Math.floor(total / 3600) % 24, 'h'],
    [Math.floor(total / 60) % 60, 'min'],
    [total % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
