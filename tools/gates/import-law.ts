// SPDX-License-Identifier: Apache-2.0
/**
 * The import law (.dependency-cruiser.mjs), and a check of the checker: it fails when it read fewer files than git
 * tracks, because a checker that cannot read TypeScript finds nothing wrong in it.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { GateResult } from './gate.ts';

export function importLaw(root: string, depcruise: string): GateResult {
  const folders = [
    'kit',
    'crds',
    'client-api',
    'server',
    'operator',
    'slurm-bridge',
    'cli',
    'dashboard',
    'e2e',
    'benchmarks',
  ].filter((folder) => existsSync(join(root, folder)));
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...folders], {
    cwd: root,
    encoding: 'utf8',
  });
  const tracked = listed.stdout
    .split('\n')
    .filter((path) => /[.]m?tsx?$/.test(path) && !path.endsWith('.d.ts') && existsSync(join(root, path)));
  const run = spawnSync(
    process.execPath,
    [depcruise, '--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', ...folders],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  if (run.stdout === '') return { looked: 0, problems: [`the import law did not run: ${run.stderr}`] };
  const { modules, summary } = JSON.parse(run.stdout) as {
    modules: { source: string }[];
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
  };
  const seen = new Set(modules.map((module) => module.source));
  const problems = summary.violations.map(
    (violation) => `${violation.rule.name}: ${violation.from} -> ${violation.to}`,
  );
  for (const path of tracked) if (!seen.has(path)) problems.push(`unseen: ${path} was not read by the import law`);
  return { looked: tracked.length, problems };
}
