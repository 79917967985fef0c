// SPDX-License-Identifier: Apache-2.0
/** Part of `npm run generate`: docs/performance.md from the results that are there; with --check only compares. */
import { existsSync, readFileSync } from 'node:fs';
import { reportPath, reportText, writeReport } from './report.ts';

const current = existsSync(reportPath) ? readFileSync(reportPath, 'utf8') : '';
const fresh = await reportText();
if (process.argv.includes('--check')) {
  if (current !== fresh) {
    process.stderr.write('stale: docs/performance.md\n');
    process.exitCode = 1;
  }
} else if (current !== fresh) await writeReport();
