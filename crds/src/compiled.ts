// SPDX-License-Identifier: Apache-2.0
/**
 * What the user writes is compiled once into this complete form: defaults filled, units resolved, shapes and time
 * axes expanded, unknown keys refused. Head, ranks, planner and command line read a CompiledStudy and never see an
 * optional field. `compileStudy` (compile.ts) makes it; it is plain JSON, so that it travels between processes.
 */

/** Distribution of one parameter. Every physical value is in the parameter's own unit. */
export type Distribution =
  | { kind: 'Uniform'; min: number; max: number }
  | { kind: 'LogUniform'; min: number; max: number }
  | { kind: 'Normal'; mean: number; sd: number }
  | { kind: 'TruncatedNormal'; mean: number; sd: number; min: number; max: number }
  /** ln(X) is normal with mean `mu` and standard deviation `sigma`. */
  | { kind: 'LogNormal'; mu: number; sigma: number }
  | { kind: 'Triangular'; min: number; mode: number; max: number }
  /** One of `values`, with `weights` that sum to 1. Values may be text, passed to the solver as written. */
  | { kind: 'Choice'; values: (number | string)[]; weights: number[] }
  | { kind: 'Constant'; value: number | string };

export type CompiledParameter = { name: string; unit: string; longName: string; distribution: Distribution };

/**
 * How parameter vectors are drawn. `PickFreeze` groups its simulations: members A, B, C_1…C_P and, with
 * `secondOrder`, D_1…D_P; simulation id = group · groupSize + member.
 */
export type CompiledSampling = {
  method: 'Random' | 'LatinHypercube' | 'Halton' | 'Sobol' | 'Grid' | 'List' | 'PickFreeze';
  /** The base design of a pick-freeze study; equal to `method` otherwise. */
  design: 'Random' | 'LatinHypercube' | 'Halton' | 'Sobol' | 'Grid' | 'List';
  seed: number;
  /** Number of simulations, all members counted. */
  simulations: number;
  /** 1 unless pick-freeze: P + 2, or 2P + 2 with second order. */
  groupSize: number;
  groups: number;
  secondOrder: boolean;
  /** Halton and Sobol': skip the first points (default 0), scramble or not (default not: equal to scipy.stats.qmc). */
  skip: number;
  scramble: boolean;
  /** Grid: points per parameter, in the order of `parameters`; the last varies fastest. */
  gridPoints: number[];
  /** List: one row a simulation, in the order of `parameters`. */
  rows: (number | string)[][];
};

export type Statistics = {
  /** 0 = none, else mean, variance, skewness, kurtosis up to this order (1–4). */
  moments: 0 | 1 | 2 | 3 | 4;
  extrema: boolean;
  /** Thresholds that apply to this field; strict >. */
  exceedance: number[];
  /** Probabilities of the wanted quantiles, ascending; empty = none. */
  quantiles: number[];
  quantileMethod: 'Lattice' | 'RobbinsMonro';
  spacing: 'Linear' | 'Log';
  /** The lattice's counters are also written as a histogram. */
  histogram: boolean;
  /** null when the study has no Sobol' indices. */
  sobol: {
    estimator: 'Martinez' | 'Jansen' | 'Saltelli';
    secondOrder: boolean;
    interval: 'Robust' | 'Fisher' | 'Jackknife' | 'None';
    /** Number of jackknife blocks (Jackknife only). */
    jackknifeBlocks: number;
    /** Confidence level of the interval, 0.95 by default. */
    level: number;
  } | null;
};

/** Where a field lives in space. */
export type CompiledMesh =
  | { kind: 'None' }
  | { kind: 'Regular'; spacing: number[]; origin: number[] }
  /** `path` is relative to the manifest; one row a cell, columns x [y [z]]. */
  | { kind: 'Points'; path: string }
  | { kind: 'Unstructured'; path: string };

export type CompiledField = {
  /** Index of the field in `fields`, used on the wire. */
  index: number;
  name: string;
  unit: string;
  longName: string;
  dtype: 'Float32' | 'Float64';
  /** What the solver sends: cells over all client ranks, in C order of `shape`; shape is [cells] when not given. */
  shape: number[];
  cells: number;
  /** Kept part as half-open ranges of global cell index, ascending and disjoint; [[0, cells]] when there is no region. */
  regions: [number, number][];
  /** The kept box as start and stop per axis when the region is a box; null when it is a list of ranges. */
  box: { start: number[]; stop: number[] } | null;
  /** Cells that reach the server: the sum of the ranges' lengths. */
  keptCells: number;
  /** Shape of the kept part: of the box, or [keptCells]. */
  keptShape: number[];
  /** Steps that reach the server, ascending. The wire carries the solver's step number. */
  keptSteps: number[];
  mesh: CompiledMesh;
  statistics: Statistics;
};

export type CompiledCovariance = { fields: [number, number] };

export type CompiledClient = {
  image: string;
  /** Words of the command; the first is resolved by DESIGN's path rules. May contain {parameter} templates. */
  command: string[];
  args: string[];
  env: Record<string, string>;
  /** Files written in the work directory before the solver starts; contents may contain templates. */
  files: { path: string; content: string }[];
  preprocessing: string[];
  ranks: number;
  launcher:
    | { kind: 'None' }
    | { kind: 'Mpirun'; args: string[] }
    | { kind: 'Srun'; args: string[] }
    | { kind: 'Template'; words: string[] };
  loop: boolean;
  parallelism: number;
  /** `Never`: one scratch directory a pilot, emptied between simulations; `OnFailure`; `Always`. */
  keepWorkDirectory: 'Never' | 'OnFailure' | 'Always';
  /** false: the solver runs in the pilot's own directory and gets none of its own (fast, for tiny solvers). */
  workDirectory: boolean;
  drainSeconds: number;
  /** Bound on what is kept of each of stdout and stderr of one attempt (its head and its tail). */
  outputBytesMax: number;
  /** A solver that knows nothing of us: where the pilot finds the field it sends. Empty for an instrumented solver. */
  outputs: {
    field: string;
    from: { kind: 'Npy'; path: string } | { kind: 'Raw'; path: string } | { kind: 'Stdout' };
  }[];
};

export type CompiledServer = {
  ranks: number;
  memoryBytes: number;
  checkpointPeriodSeconds: number;
  resultsPeriodSeconds: number;
  keepSeconds: number;
  /** Bound of held blocks per rank. */
  heldBytesMax: number;
  /** Bound of all byte credit a rank has granted. */
  receiveBudgetBytes: number;
  /** Unacknowledged bytes one client rank may have under way to one rank. */
  sendWindowBytes: number;
};

export type CompiledFaultPolicy = {
  timeoutSeconds: number;
  retryLimit: number;
  onExhausted: 'Redraw' | 'Fail';
  redrawLimit: number;
  lostLimit: number;
  maxFailed: number;
  /** How long the bits of a simulation whose solver exited 0 may stay incomplete. */
  graceSeconds: number;
  /** How long a client tries to reach a rank before its attempt is lost. */
  sendTimeoutSeconds: number;
};

export type CompiledStopWhen = {
  sobolIntervalBelow: number;
  every: number;
  minGroups: number;
  minVarianceShare: number;
} | null;

export type CompiledLocal = {
  /** Study directory; relative to where the command is run. */
  directory: string;
  port: number;
  listen: string;
  /** Whether the sockets between solvers, pilots, ranks and head are encrypted. */
  encrypt: boolean;
};

export type CompiledStudy = {
  name: string;
  /** Hash of everything that decides the result; a checkpoint of another study is refused by it. */
  fingerprint: string;
  parameters: CompiledParameter[];
  sampling: CompiledSampling;
  time: { unit: string; steps: number; values: number[] };
  fields: CompiledField[];
  covariances: CompiledCovariance[];
  keepRaw: { all: boolean; ids: number[] };
  partial: 'Keep' | 'Whole';
  deterministic: boolean;
  nonFinite: 'Reject' | 'Skip' | 'Propagate';
  stopWhen: CompiledStopWhen;
  client: CompiledClient;
  server: CompiledServer;
  faultPolicy: CompiledFaultPolicy;
  suspend: boolean;
  cancel: boolean;
  deadlineSeconds: number | null;
  ttlSecondsAfterFinished: number | null;
  backend: 'Local' | 'Kubernetes' | 'Slurm' | 'Oar';
  local: CompiledLocal;
  /** Folder of the manifest, absolute: what relative paths of `client`, `mesh` and CSV refer to. */
  manifestDirectory: string;
};
