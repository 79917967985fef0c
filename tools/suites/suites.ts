// SPDX-License-Identifier: Apache-2.0
/**
 * Every suite: what it runs, how it reports, and how long it may take. `check` needs no cluster; `e2e` comes after it;
 * `long` holds the counts that are too large for every change, whose results stand in docs.
 */
import type { ReportKind } from './report.ts';

export type Level = 'check' | 'e2e' | 'long';
export type Suite = {
  name: string;
  level: Level;
  report: ReportKind;
  budgetSeconds: number;
  command: (reportPath: string) => string[];
  env?: Record<string, string>;
};

/** Open MPI refuses root, and more ranks than cores, unless told. */
const mpi = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};

const node =
  (...patterns: string[]) =>
  (report: string) => [
    process.execPath,
    '--test',
    '--test-timeout=600000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
    ...patterns,
  ];
const ctest = (folder: string) => (report: string) => [
  'ctest',
  '--test-dir',
  folder,
  '--output-on-failure',
  '--timeout',
  '300',
  '--output-junit',
  report,
];
const tap = (program: string) => () => [process.execPath, program];

const unit = (name: string, ...patterns: string[]): Suite => ({
  name,
  level: 'check',
  report: 'junit',
  budgetSeconds: 600,
  command: node(...patterns),
  env: mpi,
});

/** Whole studies and clusters, one at a time: each uses both cores. */
const whole = (name: string, ...patterns: string[]): Suite => ({
  ...unit(name, '--test-concurrency=1', ...patterns),
  level: 'e2e',
  budgetSeconds: 1500,
});

const long = (name: string, budgetSeconds: number, ...patterns: string[]): Suite => ({
  ...whole(name, ...patterns),
  level: 'long',
  budgetSeconds,
});

export const suites: Suite[] = [
  { name: 'gates', level: 'check', report: 'tap', budgetSeconds: 600, command: tap('tools/gates/main.ts') },
  unit('tools', 'tools/**/*.test.ts'),
  unit('kit', 'kit/src/**/*.test.ts'),
  unit('crds', 'crds/src/**/*.test.ts'),
  unit('examples', 'examples/*.test.ts'),
  unit('protocol', 'client-api/protocol/src/**/*.test.ts'),
  {
    name: 'client-library',
    level: 'check',
    report: 'junit',
    budgetSeconds: 600,
    command: ctest('build/client-api'),
    env: mpi,
  },
  unit('pilot', 'client-api/pilot/tests/**/*.test.ts'),
  { name: 'native', level: 'check', report: 'junit', budgetSeconds: 600, command: ctest('build/native') },
  unit('addon', 'server/native/src/**/*.test.ts'),
  unit('api', 'server/api/src/**/*.test.ts'),
  unit('server', 'server/src/**/*.test.ts'),
  unit('world', 'server/world/*.test.ts'),
  unit('cli', 'cli/src/**/*.test.ts'),
  unit('operator', 'operator/src/**/*.test.ts'),
  unit('operator-runtime', 'operator/runtime/src/*.test.ts', 'operator/runtime/src/io/reflector.test.ts'),
  whole('security', 'e2e/src/security.test.ts'),
  whole('pods', 'e2e/src/pods/*.test.ts'),
  whole('charts', 'e2e/src/charts/*.test.ts'),
  whole('bad-input', 'e2e/src/bad-input/*.test.ts'),
  { ...whole('chaos', 'e2e/src/chaos/*.test.ts'), budgetSeconds: 1500 },
  whole('studies', 'e2e/src/right.test.ts', 'e2e/src/examples.test.ts', 'e2e/src/api.test.ts', 'e2e/src/ended.test.ts'),
  long('simulation', 1800, 'server/world/simulation/*.test.ts'),
  long(
    'operator-runtime-simulation',
    1800,
    'operator/runtime/src/simulation/*.test.ts',
    'operator/runtime/src/io/*.test.ts',
  ),
  {
    ...long('bad-input-frames', 10_800, '--test-timeout=10800000', 'e2e/src/bad-input/frames.test.ts'),
    env: { ...mpi, MELISSA_FUZZ_FRAMES: '10000000' },
  },
  long('fuzz', 7200, '--test-timeout=7200000', 'e2e/src/long/fuzz.test.ts'),
  long('memory', 3600, '--test-timeout=3600000', 'e2e/src/long/memory.test.ts'),
  {
    ...long('sanitizers', 7200, '--test-timeout=3600000', 'e2e/src/sanitizers.test.ts'),
    env: { ...mpi, MELISSA_SANITIZE_SIMULATIONS: '10000' },
  },
  long('images', 3600, 'e2e/src/images/*.test.ts'),
  long('cluster', 3600, 'e2e/cluster/src/*.test.ts'),
  long('operator-runtime-cluster', 3600, 'e2e/src/runtime/*.test.ts'),
  {
    name: 'clean-clone',
    level: 'long',
    report: 'junit',
    budgetSeconds: 21_600,
    command: node('--test-timeout=21600000', 'e2e/src/long/clean-clone.test.ts'),
    env: mpi,
  },
];
