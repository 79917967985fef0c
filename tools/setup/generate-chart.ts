// SPDX-License-Identifier: Apache-2.0
/** Copies what the chart has from elsewhere: the CRD, marked to be kept when the chart goes, and the operator's rules. --check compares. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { at } from './run.ts';

function crd(): string {
  const text = readFileSync(at('crds', 'melissastudies.melissa.dev.yaml'), 'utf8');
  const name = '  name: "melissastudies.melissa.dev"\n';
  if (text.split(name).length !== 2) throw new Error('the CRD has not one line with its name');
  // To uninstall the chart must not delete every study of the cluster.
  return text.replace(name, `${name}  annotations:\n    helm.sh/resource-policy: keep\n`);
}

const copies: [string, string][] = [['charts/melissa/files/crd.yaml', crd()]];
if (existsSync(at('operator', 'rbac.json')))
  copies.push(['charts/melissa/files/rbac.json', readFileSync(at('operator', 'rbac.json'), 'utf8')]);

let stale = 0;
for (const [path, text] of copies) {
  if (existsSync(at(path)) && readFileSync(at(path), 'utf8') === text) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`${path} is stale; run npm run generate\n`);
    stale += 1;
  } else writeFileSync(at(path), text);
}
process.exitCode = stale === 0 ? 0 : 1;
