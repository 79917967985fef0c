// SPDX-License-Identifier: Apache-2.0
/** `melissa explain spec.sampling`: what a field of the manifest means, from the schema itself. */
import { closest, ProjectError } from '@melissa/kit';
import { childrenOf, defaultText, limitsText, typeText } from './describe.ts';
import { errors } from './errors.ts';
import { status } from './schema/status.ts';
import { resource, spec, study, API_VERSION } from './schema/study.ts';
import type { Schema } from './schema/schema.ts';

const root: Schema = { ...study, properties: { ...study.properties, spec, status } };
const WIDTH = 100;

/** Text for a terminal. `path` is `spec.client.args` or `client.args`; indices may be given (`spec.fields[0].name`). Throws EUNKNOWNPATH. */
export function explain(path = 'spec'): string {
  const words = path
    .replace(/\[\d*\]/g, '')
    .split('.')
    .filter((word) => word !== '');
  if (words[0] === resource.kind.toLowerCase() || words[0] === 'mst') words.shift();
  // What people ask about is nearly always below spec.
  if (words[0] !== undefined && !Object.hasOwn(root.properties!, words[0])) words.unshift('spec');
  const found = find(words, path);
  return render(found.path, found.schema, found.required);
}

function find(words: string[], asked: string): { path: string; schema: Schema; required: boolean } {
  let current = { path: '', schema: root, required: true };
  for (const word of words) {
    const children = childrenOf(current.schema, current.path);
    const nameOf = (child: { path: string }): string => child.path.slice(child.path.lastIndexOf('.') + 1);
    const next = children.find((child) => nameOf(child) === word);
    if (next === undefined) {
      const names = children.map(nameOf);
      const near = closest(word, names);
      const where = current.path === '' ? 'the manifest' : current.path;
      throw new ProjectError({
        code: 'EUNKNOWNPATH',
        message: `${where} has no field "${word}"${near === null ? '' : `; did you mean ${near}?`}`,
        remedy:
          names.length === 0
            ? `${where} has no fields of its own.`
            : `${errors.EUNKNOWNPATH.remedy} Fields here: ${names.join(', ')}.`,
        facts: { path: asked },
      });
    }
    current = { ...next, path: next.path.replace(/^\./, '') };
  }
  return current;
}

function render(path: string, schema: Schema, required: boolean): string {
  const facts: [string, string][] = [
    ['type', typeText(schema)],
    ['default', required ? 'none: it must be given' : defaultText(schema)],
    ['bounds', limitsText(schema)],
  ];
  const lines = [path === '' ? `${resource.kind} (${API_VERSION})` : path];
  for (const [name, text] of facts)
    if (text !== '') lines.push(...wrap(`${name.padEnd(8)} ${text}`, '  ', '           '));
  lines.push('', ...wrap(schema.description, '  ', '  '));
  if (schema.type === 'array' && schema.items !== undefined)
    lines.push(...wrap(`Each item: ${schema.items.description}`, '  ', '  '));
  const children = childrenOf(schema, path);
  if (children.length > 0) {
    const names = children.map((child) => child.path.slice(child.path.lastIndexOf('.') + 1));
    const width = Math.max(...names.map((name) => name.length));
    lines.push('', '  fields');
    for (const [i, child] of children.entries()) {
      const fallback = child.required ? 'required' : defaultText(child.schema);
      const note =
        fallback === '' || fallback === '{}' || fallback === '[]'
          ? ''
          : ` (${child.required ? fallback : `default ${fallback}`})`;
      lines.push(
        ...wrap(
          `${names[i]!.padEnd(width)}  ${typeText(child.schema)}${note}: ${child.schema.description}`,
          '    ',
          ' '.repeat(width + 6),
        ),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, first: string, rest: string): string[] {
  // The padding of the first word must survive, so that only single spaces between words may break.
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  lines.push(line);
  return lines;
}
