// SPDX-License-Identifier: Apache-2.0
/**
 * What is wrong with a manifest. Problems are collected, never thrown, so that a person sees all of them at once; each
 * names the field as the person wrote it, the value, what is wrong, and what to write instead.
 */
export type ManifestProblem = {
  /** `spec.sampling.seed`, `spec.fields[0].name`; empty for the manifest as a whole. */
  path: string;
  /** The value as written when it is short, else the beginning of its JSON. */
  value: string | number | boolean | null;
  message: string;
  remedy: string;
};

/** More problems than this are not shown: the first ones explain the rest. */
export const PROBLEMS_MAX = 100;
const VALUE_LENGTH_MAX = 120;

export function shown(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

export class Problems {
  readonly all: ManifestProblem[] = [];
  #isFull = false;

  add(path: string, value: unknown, message: string, remedy: string): void {
    this.#isFull = this.all.length >= PROBLEMS_MAX;
    if (!this.#isFull) this.all.push({ path, value: shown(value), message, remedy });
  }
  /** True while nothing is wrong at or below `path`, so that later checks may rely on its values. Nobody knows where those are that are not shown. */
  clean(...paths: string[]): boolean {
    return !this.#isFull && paths.every((path) => !this.all.some((problem) => within(problem.path, path)));
  }
}

function within(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`);
}

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
