// SPDX-License-Identifier: Apache-2.0
/** Reads what a suite reported: JUnit XML (node:test, ctest) or TAP on standard output. */
import { existsSync, readFileSync } from 'node:fs';

export type Counts = { passed: number; failed: number; skipped: string[]; failures: string[] };
export type ReportKind = 'junit' | 'tap';

export function readReport(kind: ReportKind, path: string, output: string): Counts {
  return kind === 'junit' ? readJunit(existsSync(path) ? readFileSync(path, 'utf8') : '') : readTap(output);
}

const unescape = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');

/** Counts test cases; node:test nests suites and ctest does not, and both write one <testcase> a test. */
export function readJunit(xml: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: [], failures: [] };
  const pattern = /<testcase\b([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g;
  for (const match of xml.matchAll(pattern)) {
    const name = unescape(/\bname="([^"]*)"/.exec(match[1]!)?.[1] ?? 'unnamed');
    const body = match[3] ?? '';
    const skip = /<skipped\b([^>]*)/.exec(body);
    if (/<(failure|error)\b/.test(body)) {
      counts.failed += 1;
      counts.failures.push(name);
    } else if (skip !== null) {
      counts.skipped.push(`${name}: ${unescape(/\bmessage="([^"]*)"/.exec(skip[1]!)?.[1] ?? 'no reason given')}`);
    } else counts.passed += 1;
  }
  return counts;
}

/** TAP, top level only: `ok 1 - name`, `not ok 2 - name`, `ok 3 - name # SKIP reason`. */
export function readTap(output: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: [], failures: [] };
  for (const line of output.split('\n')) {
    const match = /^(not )?ok\b\s*\d*\s*-?\s*(.*?)(?:\s+#\s*(SKIP)\b\s*(.*))?$/i.exec(line);
    if (match === null) continue;
    const name = match[2] === '' ? 'unnamed' : match[2]!;
    if (match[3] !== undefined && match[1] === undefined)
      counts.skipped.push(`${name}: ${match[4] === '' ? 'no reason given' : match[4]}`);
    else if (match[1] === undefined) counts.passed += 1;
    else {
      counts.failed += 1;
      counts.failures.push(name);
    }
  }
  return counts;
}
