// SPDX-License-Identifier: Apache-2.0
/** A small YAML emitter for the CRD: block style, every text that could be misread in double quotes. */
type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** Texts that YAML 1.1 or 1.2 would read as something else, or that would end early. */
const SAFE = /^[A-Za-z][A-Za-z0-9 ()/_,+-]*[A-Za-z0-9()]$|^[A-Za-z]$/;
const WORDS_WITH_MEANING = /^(y|yes|n|no|on|off|true|false|null)$/i;

function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  return SAFE.test(value) && !WORDS_WITH_MEANING.test(value) ? value : JSON.stringify(value);
}

const isScalar = (value: Plain): value is string | number | boolean | null =>
  value === null || typeof value !== 'object';

export function emitYaml(value: Plain, indent = 0): string {
  const pad = ' '.repeat(indent);
  if (isScalar(value)) return `${pad}${scalar(value)}\n`;
  if (Array.isArray(value)) {
    return (value as readonly Plain[]).map((item) => `${pad}- ${emitYaml(item, indent + 2).trimStart()}`).join('');
  }
  return Object.entries(value as Record<string, Plain>)
    .map(([key, child]) => {
      const name = `${pad}${scalar(key)}:`;
      if (isScalar(child)) return `${name} ${scalar(child)}\n`;
      if (Object.keys(child).length === 0) return `${name} ${Array.isArray(child) ? '[]' : '{}'}\n`;
      return `${name}\n${emitYaml(child, indent + 2)}`;
    })
    .join('');
}
