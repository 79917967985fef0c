// SPDX-License-Identifier: Apache-2.0
/** Writes operator/rbac.json from the table in rbac.ts, or with --check says whether it is stale. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { authorizeRules, clusterRules, namespacedRules } from './rbac.ts';

const path = fileURLToPath(new URL('../rbac.json', import.meta.url));
const text = `${JSON.stringify({ cluster: clusterRules, authorize: authorizeRules, namespaced: namespacedRules }, null, 2)}\n`;
const current = existsSync(path) ? readFileSync(path, 'utf8') : '';
const isSame = current !== '' && JSON.stringify(JSON.parse(current)) === JSON.stringify(JSON.parse(text));
if (process.argv.includes('--check')) {
  if (!isSame) {
    process.stderr.write('stale: operator/rbac.json\n');
    process.exit(1);
  }
} else if (!isSame) writeFileSync(path, text);
