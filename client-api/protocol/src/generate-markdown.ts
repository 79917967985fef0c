// SPDX-License-Identifier: Apache-2.0
/** The field tables at the end of PROTOCOL.md, between two markers, so that prose and tables live in one page. */
import { dataHeader, type FieldType, type MessageTable } from './messages.ts';

const BEGIN = '<!-- tables: made by npm run generate; do not edit below -->';
const END = '<!-- end of tables -->';

const typeText = (type: FieldType): string => {
  if (typeof type === 'string') return `\`${type}\``;
  if (typeof type.list === 'string') return `list of \`${type.list}\``;
  const fields = Object.entries(type.list).map(([name, scalar]) => `${name} \`${scalar}\``);
  return `list of { ${fields.join(', ')} }`;
};

function tableOf(table: MessageTable): string[] {
  return Object.entries(table).flatMap(([name, { code, from, fields }]) => {
    const rows = Object.entries(fields).map(([field, type]) => `| ${field} | ${typeText(type)} |`);
    const body = rows.length === 0 ? ['No fields.'] : ['| field | type |', '|---|---|', ...rows];
    return [`### ${code} ${name}, from ${from === 'both' ? 'either side' : from}`, '', ...body, ''];
  });
}

/** `page` with its tables replaced, or appended if it has none. */
export function withTables(page: string, tables: { control: MessageTable; data: MessageTable }): string {
  const prose = page.split(BEGIN)[0]!.trimEnd();
  const header = Object.entries(dataHeader).map(([name, [at, type]]) => `| ${at} | ${name} | \`${type}\` |`);
  return [
    prose,
    '',
    BEGIN,
    '',
    '## Control messages',
    '',
    ...tableOf(tables.control),
    '## Data messages',
    '',
    ...tableOf(tables.data),
    '### 100 Data, from client: the header',
    '',
    '| offset | field | type |',
    '|---|---|---|',
    ...header,
    '',
    END,
    '',
  ].join('\n');
}
