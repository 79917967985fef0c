// SPDX-License-Identifier: Apache-2.0
/**
 * The C side of the tables: structs, typed wrappers and member tables (messages.h, messages.c), and the golden samples as C
 * initialisers (samples.h), so that the C test encodes the same bodies from C and not only what it has decoded.
 */
import type { FieldType, MessageTable, Scalar } from './messages.ts';
import { sampleEnvelope, samplesOf, type Sample, type SampleValue } from './samples.ts';

const GENERATED =
  '/* SPDX-License-Identifier: Apache-2.0 */\n/* Made from client-api/protocol/src/messages.ts by `npm run generate`; do not edit. */\n';
const cTypes: Record<Scalar, string> = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  u64: 'uint64_t',
  i32: 'int32_t',
  f64: 'double',
  string: 'mlp_text',
  bytes: 'mlp_bytes',
};

export const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
const upper = (name: string): string => snake(name).toUpperCase();
const kindOf = (type: Scalar): string => `MLP_KIND_${type.toUpperCase()}`;
const itemName = (message: string, field: string): string => `mlp_${snake(message)}_${snake(field)}`;

function structOf(message: string, fields: Record<string, FieldType>): string {
  const before: string[] = [];
  const members = Object.entries(fields).flatMap(([field, type]) => {
    const name = snake(field);
    if (typeof type === 'string') return [`  ${cTypes[type]} ${name};`];
    if (typeof type.list === 'string') return [`  const ${cTypes[type.list]} *${name};`, `  uint32_t ${name}_count;`];
    const item = itemName(message, field);
    const itemMembers = Object.entries(type.list).map(([key, scalar]) => `  ${cTypes[scalar]} ${snake(key)};`);
    before.push(`typedef struct ${item} {\n${itemMembers.join('\n')}\n} ${item};\n`);
    return [`  const ${item} *${name};`, `  uint32_t ${name}_count;`];
  });
  if (members.length === 0) members.push('  uint8_t unused; /* C has no empty struct */');
  const struct = `mlp_${snake(message)}`;
  return [...before, `typedef struct ${struct} {\n${members.join('\n')}\n} ${struct};\n`].join('\n');
}

function wrappersOf(message: string, kind: 'control' | 'data'): string {
  const name = snake(message);
  const request =
    kind === 'control' ? { parameter: ', uint64_t request', argument: ', request' } : { parameter: '', argument: '' };
  return [
    `extern const mlp_shape mlp_${name}_shape;`,
    `static inline mlp_status mlp_encode_${name}(mlp_buffer *out, const mlp_${name} *message, uint32_t epoch${request.parameter}) {`,
    `  return mlp_encode_${kind}(out, &mlp_${name}_shape, message, epoch${request.argument});`,
    `}`,
    `static inline mlp_status mlp_decode_${name}(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_${name} *message) {`,
    `  return mlp_decode_${kind}(frame, size, arena, &mlp_${name}_shape, envelope, message);`,
    `}`,
    '',
  ].join('\n');
}

export function cHeader(control: MessageTable, data: MessageTable): string {
  const codes = (table: MessageTable) =>
    Object.entries(table).map(([name, { code }]) => `  MLP_CODE_${upper(name)} = ${code},`);
  const both = (kind: 'control' | 'data', table: MessageTable) =>
    Object.entries(table).map(
      ([name, { fields }]) => `/* ---- ${name} ---- */\n\n${structOf(name, fields)}\n${wrappersOf(name, kind)}`,
    );
  return [
    GENERATED,
    '#ifndef MELISSA_PROTOCOL_MESSAGES_H\n#define MELISSA_PROTOCOL_MESSAGES_H\n\n#include "../protocol/codec.h"\n',
    '#ifdef __cplusplus\nextern "C" {\n#endif\n',
    `/* Codes of control messages. */\nenum {\n${codes(control).join('\n')}\n};\n`,
    `/* Codes of data messages; Data itself is MLP_DATA_CODE. */\nenum {\n${codes(data).join('\n')}\n};\n`,
    '/** Name of a code, for logs; "?" if unknown. */\nconst char *mlp_code_name(uint16_t code);\n/** The shape of a code, or NULL. */\nconst mlp_shape *mlp_shape_of(uint16_t code);\n',
    ...both('control', control),
    ...both('data', data),
    '#ifdef __cplusplus\n}\n#endif\n#endif\n',
  ].join('\n');
}

function memberRow(struct: string, field: string, type: FieldType, record: string): string {
  const name = snake(field);
  if (typeof type === 'string') return `    {${kindOf(type)}, 0, offsetof(${struct}, ${name}), 0, NULL},`;
  const list = `offsetof(${struct}, ${name}), offsetof(${struct}, ${name}_count)`;
  if (typeof type.list === 'string') return `    {${kindOf(type.list)}, 1, ${list}, NULL},`;
  return `    {MLP_KIND_RECORD, 1, ${list}, &${record}_shape},`;
}

function shapeOf(message: string, code: number, fields: Record<string, FieldType>): string {
  const out: string[] = [];
  const table = (struct: string, rows: string[], head: string) =>
    `static const mlp_member ${struct}_members[] = {\n${rows.join('\n')}\n};\n${head}const mlp_shape ${struct}_shape = `;
  for (const [field, type] of Object.entries(fields)) {
    if (typeof type === 'string' || typeof type.list === 'string') continue;
    const item = itemName(message, field);
    const rows = Object.entries(type.list).map(([key, scalar]) => memberRow(item, key, scalar, ''));
    out.push(
      `${table(item, rows, 'static ')}{"${message}.${field}", 0, sizeof(${item}), ${item}_members, ${rows.length}};\n`,
    );
  }
  const struct = `mlp_${snake(message)}`;
  const rows = Object.entries(fields).map(([field, type]) => memberRow(struct, field, type, itemName(message, field)));
  if (rows.length === 0)
    out.push(`const mlp_shape ${struct}_shape = {"${message}", ${code}, sizeof(${struct}), NULL, 0};\n`);
  else
    out.push(
      `${table(struct, rows, '')}{"${message}", ${code}, sizeof(${struct}), ${struct}_members, ${rows.length}};\n`,
    );
  return out.join('');
}

export function cSource(control: MessageTable, data: MessageTable): string {
  const all = [...Object.entries(control), ...Object.entries(data)];
  const cases = all.map(([name, { code }]) => `    case ${code}: return &mlp_${snake(name)}_shape;`);
  return [
    GENERATED,
    '#include "messages.h"\n',
    ...all.map(([name, { code, fields }]) => shapeOf(name, code, fields)),
    `const mlp_shape *mlp_shape_of(uint16_t code) {\n  switch (code) {\n${cases.join('\n')}\n    default: return NULL;\n  }\n}\n`,
    `const char *mlp_code_name(uint16_t code) {\n  const mlp_shape *shape = mlp_shape_of(code);\n  return shape != NULL ? shape->name : code == MLP_DATA_CODE ? "Data" : "?";\n}\n`,
  ].join('\n');
}

const octal = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

function literal(type: Scalar, sample: SampleValue): string {
  if (type === 'string' || type === 'bytes') {
    const bytes = type === 'string' ? new TextEncoder().encode(sample as string) : (sample as Uint8Array);
    return `{${type === 'bytes' ? '(const uint8_t *)' : ''}"${octal(bytes)}", ${bytes.length}}`;
  }
  if (type === 'u64') return `${String(sample)}ull`;
  if (type === 'i32') return sample === -0x80000000 ? '(-2147483647 - 1)' : String(sample);
  if (type === 'f64') return (sample as number) === 0 ? '0.0' : (sample as number).toExponential(17);
  return `${String(sample)}u`;
}

function initialiser(message: string, fields: Record<string, FieldType>, body: Sample): string {
  const members = Object.entries(fields).map(([field, type]) => {
    const name = snake(field);
    const sample = body[field]!;
    if (typeof type === 'string') return `.${name} = ${literal(type, sample)}`;
    const items = sample as SampleValue[];
    if (items.length === 0) return `.${name} = NULL, .${name}_count = 0`;
    const { list } = type;
    const [cType, values] =
      typeof list === 'string'
        ? [cTypes[list], items.map((item) => literal(list, item))]
        : [
            itemName(message, field),
            items.map(
              (item) =>
                `{${Object.entries(list)
                  .map(([key, scalar]) => `.${snake(key)} = ${literal(scalar, (item as Sample)[key]!)}`)
                  .join(', ')}}`,
            ),
          ];
    return `.${name} = (const ${cType}[]){${values.join(', ')}}, .${name}_count = ${items.length}`;
  });
  return members.length === 0 ? '{0}' : `{${members.join(', ')}}`;
}

/** `X(file, name, epoch, request, initialiser)` for every sample, for the C test. */
export function cSamples(control: MessageTable, data: MessageTable): string {
  const rows = (kind: 'control' | 'data', table: MessageTable) =>
    samplesOf(table).map(({ name, kind: sample, body }) => {
      const { epoch, request } = sampleEnvelope[sample];
      const arguments_ = kind === 'control' ? `${epoch}u, ${request}ull` : `${epoch}u`;
      return `  {\n    const mlp_${snake(name)} message = ${initialiser(name, table[name]!.fields, body)};\n    check("${name}.${sample}.bin", mlp_encode_${snake(name)}(&buffer, &message, ${arguments_}));\n  }`;
    });
  return [
    GENERATED,
    '/* Encodes every golden sample; included by protocol_test.c, which defines check() and buffer. */',
    'static void encode_all_samples(void) {',
    ...rows('control', control),
    ...rows('data', data),
    '}\n',
  ].join('\n');
}
