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
  /** Starts the test cluster, so its tools must have been built. */
  needsCluster?: true;
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

const onCluster = (suite: Suite, env: Record<string, string> = {}): Suite => ({
  ...suite,
  needsCluster: true,
  env: { ...suite.env, ...env },
});

/** Wrong manifests, many studies and pilots, an autoscaler. */
const operatorLoad = ['mutations', 'scale', 'hpa'].map((name) => `e2e/src/operator/${name}.test.ts`);

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
  { ...unit('benchmarks', '--test-concurrency=1', 'benchmarks/src/*.test.ts'), budgetSeconds: 600 },
  unit('world', 'server/world/*.test.ts'),
  // Ten thousand worlds in two processes: a minute or two of two idle cores, and much longer on busy ones.
  {
    ...unit('simulation', '--test-timeout=1800000', '--test-concurrency=1', 'server/world/simulation/*.test.ts'),
    budgetSeconds: 1800,
  },
  unit('cli', 'cli/src/**/*.test.ts'),
  unit('operator', 'operator/src/**/*.test.ts'),
  unit(
    'operator-runtime',
    'operator/runtime/src/*.test.ts',
    'operator/runtime/src/io/reflector.test.ts',
    'operator/runtime/src/io/in-cluster.test.ts',
    'operator/runtime/src/io/body.test.ts',
  ),
  unit('cluster-parts', 'e2e/cluster/src/units.test.ts'),
  whole('studies', 'e2e/src/right.test.ts', 'e2e/src/examples.test.ts', 'e2e/src/api.test.ts', 'e2e/src/ended.test.ts'),
  whole('security', 'e2e/src/security.test.ts'),
  whole('pods', 'e2e/src/pods/*.test.ts'),
  whole('charts', 'e2e/src/charts/*.test.ts'),
  whole('bad-input', 'e2e/src/bad-input/*.test.ts'),
  // Thirty studies, two at once: each waits more than it computes, but all together take longer than any other file.
  { ...whole('chaos', '--test-timeout=1800000', 'e2e/src/chaos/*.test.ts'), budgetSeconds: 1800 },
  {
    ...whole(
      'operator-runtime-simulation',
      'operator/runtime/src/simulation/*.test.ts',
      'operator/runtime/src/io/pack.test.ts',
    ),
    env: { ...mpi, WORLDS: '10000' },
  },
  // 2 to 4 minutes with built programs.
  onCluster(whole('cluster', 'e2e/cluster/src/cluster.test.ts', 'e2e/cluster/src/killed.test.ts')),
  onCluster({
    ...whole('operator-runtime-cluster', '--test-timeout=1800000', 'e2e/src/runtime/*.test.ts'),
    budgetSeconds: 1800, // 3 minutes on free cores, 7 with everything else running
  }),
  // Pods that pretend: what waits here is the cluster's controllers and the operator's own second.
  onCluster(whole('operator-cluster', 'e2e/src/operator/kwok.test.ts')),
  onCluster(
    long(
      'operator-faults',
      1800,
      '--test-isolation=none', // one cluster for both
      'e2e/src/operator/killed-at-writes.test.ts',
      'e2e/src/operator/faults.test.ts',
    ),
  ),
  onCluster(long('operator-load', 1800, ...operatorLoad)),
  onCluster(long('operator-load-full', 10_800, '--test-timeout=7200000', ...operatorLoad), {
    MELISSA_MUTATIONS: '2000',
    MELISSA_STUDIES: '1000',
    MELISSA_PILOTS: '3000',
  }),
  {
    ...long('operator-runtime-worlds', 3600, '--test-timeout=3600000', 'operator/runtime/src/simulation/*.test.ts'),
    env: { ...mpi, WORLDS: '100000' },
  },
  // Real pods of the images as they are built: needs `npm run images` first, and is skipped by name without them.
  onCluster(long('operator-images', 5400, '--test-timeout=1800000', 'e2e/src/operator/images/*.test.ts')),
  // Every write of every phase at every moment.
  onCluster(
    long(
      'operator-killed',
      7200,
      '--test-timeout=7200000',
      '--test-isolation=none',
      'e2e/src/operator/killed-at-writes.test.ts',
      'e2e/src/operator/faults.test.ts',
    ),
    { KILLED_LIVES: '1000', STALE_MS: '30000', PAUSES: '10' },
  ),
  onCluster(long('cluster-killed', 3600, '--test-timeout=3600000', 'e2e/cluster/src/killed.test.ts'), {
    MELISSA_CLUSTER_SEEDS: '20',
  }),
  onCluster(long('operator-runtime-replicas', 5400, '--test-timeout=5400000', 'e2e/src/runtime/*.test.ts'), {
    PAUSES: '200',
    STALE_MS: '30000',
  }),
  {
    ...long('bad-input-frames', 10_800, '--test-timeout=10800000', 'e2e/src/bad-input/frames.test.ts'),
    env: { ...mpi, MELISSA_FUZZ_FRAMES: '10000000' },
  },
  long('shared-memory', 1800, 'e2e/src/shared-memory.test.ts'),
  long('fuzz', 7200, '--test-timeout=7200000', 'e2e/src/long/fuzz.test.ts'),
  long('memory', 3600, '--test-timeout=3600000', 'e2e/src/long/memory.test.ts'),
  {
    ...long('sanitizers', 7200, '--test-timeout=3600000', 'e2e/src/sanitizers.test.ts'),
    env: { ...mpi, MELISSA_SANITIZE_SIMULATIONS: '10000' },
  },
  long('images', 3600, 'e2e/src/images/*.test.ts'),
  {
    name: 'clean-clone',
    level: 'long',
    report: 'junit',
    budgetSeconds: 21_600,
    command: node('--test-timeout=21600000', 'e2e/src/long/clean-clone.test.ts'),
    env: mpi,
  },
];
