// SPDX-License-Identifier: Apache-2.0
/**
 * The addon's border, the only place where TypeScript and C++ meet. Names and order are the same on both sides; a missing
 * property is an error; TypeScript fills defaults, C++ checks lengths. Received bytes never become JavaScript
 * values: the engine's own thread receives, checks, folds, and leaves counters and completions to be read.
 */

export type NativeState = { readonly __native: 'state' };
export type NativeEngine = { readonly __native: 'engine' };
export type NativeCore = { readonly __native: 'core' };
export type CoreReply = { peer: string; message: Uint8Array };

/** One field's statistics; mirrors melissa::StatisticsSpec. */
export type NativeStatistics = {
  dtype: 'Float32' | 'Float64';
  nonFinite: 'Reject' | 'Skip' | 'Propagate';
  moments: number;
  extrema: boolean;
  thresholds: number[];
  quantiles: number[];
  robbinsMonro: boolean;
  logSpacing: boolean;
  histogram: boolean;
  plannedSamples: number;
  sobol: 'None' | 'Martinez' | 'Jansen' | 'Saltelli';
  interval: 'None' | 'Fisher' | 'Robust' | 'Jackknife';
  secondOrder: boolean;
  sobolParameters: number;
  jackknifeBlocks: number;
  level: number;
};

export type EngineField = {
  index: number;
  name: string;
  /** Kept cells of the whole field, and this rank's part of them. */
  keptCells: number;
  cellBegin: number;
  cellEnd: number;
  keptSteps: Uint32Array;
  statistics: NativeStatistics;
};

export type EngineOptions = {
  study: string;
  fingerprint: string;
  rank: number;
  ranks: number;
  epoch: number;
  token: string;
  /** Where to bind: tcp://127.0.0.1:* . */
  listen: string;
  /** Z85; empty = plain. */
  curveSecretKey: string;
  curvePublicKey: string;
  curveAllowedKeys: string[];
  host: string;
  simulations: number;
  groupSize: number; // 1 unless pick-freeze
  partialWhole: boolean;
  fields: EngineField[];
  covariances: { first: number; second: number }[];
  heldBytesMax: number;
  receiveBudgetBytes: number;
  sendWindowBytes: number;
  connectionsMax: number;
  /** Folder for this rank's checkpoints. */
  checkpointDirectory: string;
  /** Folder for kept raw fields; empty = none. `keepRawAll` or the ids. */
  rawDirectory: string;
  keepRawAll: boolean;
  keepRawIds: Uint32Array;
};

export type Completion = { simulation: number; draw: number; attempt: number; state: 1 | 2 };
export type EngineReport = {
  completed: Completion[];
  active: { simulation: number; draw: number; attempt: number; firstStep: number }[];
  faults: { simulation: number; draw: number; attempt: number; code: string; message: string }[];
  framesTotal: number;
  bytesTotal: number;
  foldedUnitsTotal: number;
  duplicatesTotal: number;
  refusedTotal: number;
  heldBytes: number;
  connections: number;
  groupsFolded: number;
  foldSeconds: number;
};

export type CheckpointResult = { number: number; ok: boolean; reason: string; bytes: number; seconds: number };

export interface NativeAddon {
  // ---- statistics without an engine: tests, benchmarks, the offline reference ----
  statisticsBytes(spec: NativeStatistics, cells: number): number;
  statisticsCreate(spec: NativeStatistics, cells: number): NativeState;
  /** `values`: n samples one after another, each (end − begin) values of the spec's dtype. */
  statisticsFoldSamples(state: NativeState, begin: number, end: number, values: Uint8Array, n: number): void;
  /** `values`: groups × groupSize members one after another. */
  statisticsFoldGroups(
    state: NativeState,
    begin: number,
    end: number,
    values: Uint8Array,
    groups: number,
    firstGroup: number,
  ): void;
  statisticsMerge(into: NativeState, from: NativeState): boolean;
  statisticsDerive(state: NativeState, statistic: string, argument: number, begin: number, end: number): Float64Array;
  statisticsConvergence(
    state: NativeState,
    minVariance: number,
  ): { widest: number; medianWidth: number; cells: number };
  /** 'scalar' | 'avx2' | 'avx512' | 'neon': what dispatch chose; forcing one is for tests. */
  instructionSet(force?: string): string;

  // ---- the rank's engine ----
  engineCreate(options: EngineOptions): NativeEngine;
  /** Restores the newest sound checkpoint ≤ `number` (0 = none wanted); returns the number restored or 0, with why newer ones were passed over. */
  engineRestore(engine: NativeEngine, number: number): { number: number; refused: string[] };
  /** Binds, starts the thread; returns the endpoint. `wake` is called on the main thread when a report is worth taking. */
  engineStart(engine: NativeEngine, wake: () => void): string;
  engineTakeReport(engine: NativeEngine): EngineReport;
  /** Bit per simulation that every consumer has folded. */
  engineCompleteBitmap(engine: NativeEngine): Uint8Array;
  engineSetEpoch(engine: NativeEngine, epoch: number): void;
  engineAttempt(engine: NativeEngine, simulation: number, draw: number, attempt: number, drop: boolean): void;
  /** partial: Whole. False when the rank does not hold all of it (any more): nothing was folded. */
  engineFold(engine: NativeEngine, simulation: number, draw: number, attempt: number): Promise<boolean>;
  engineCheckpoint(engine: NativeEngine, number: number): Promise<CheckpointResult>;
  engineCheckpointCommitted(engine: NativeEngine, number: number): void;
  /** Names of FieldStatistics and, with field = index of the covariance + 65536, of CovarianceStatistics. Cells are of this rank's part, from 0. */
  engineReadStatistic(
    engine: NativeEngine,
    field: number,
    step: number,
    statistic: string,
    argument: number,
    begin: number,
    end: number,
  ): Promise<Float64Array>;
  engineMaxVariance(engine: NativeEngine): Promise<Float64Array>; // one a (field, kept step), fields in order
  engineConvergence(
    engine: NativeEngine,
    minVariance: Float64Array,
  ): Promise<{ groups: number; widest: number; medianWidth: number; cells: number }>;
  engineDigests(engine: NativeEngine): Promise<{ consumer: string; digest: bigint; units: number }[]>;
  /** Stops the thread and closes the socket; resolves when both are gone. */
  engineStop(engine: NativeEngine): Promise<void>;

  // ---- the rank's core without socket, thread or file: what the engine runs, for the deterministic simulation ----
  /** Sockets, folders and keys of the options are not used. `instance` is what clients are told in Opened. */
  coreCreate(options: EngineOptions, instance: number): NativeCore;
  /** One message of one peer in, its replies out. What was accepted is folded and acknowledged by the next flush. */
  coreMessage(core: NativeCore, peer: string, message: Uint8Array): CoreReply[];
  coreFlush(core: NativeCore): CoreReply[];
  coreSetEpoch(core: NativeCore, epoch: number): void;
  coreAttempt(core: NativeCore, simulation: number, draw: number, attempt: number, drop: boolean): void;
  coreFold(core: NativeCore, simulation: number, draw: number, attempt: number): boolean;
  coreTakeReport(core: NativeCore): EngineReport;
  coreCompleteBitmap(core: NativeCore): Uint8Array;
  coreDigests(core: NativeCore): { consumer: string; digest: bigint; units: number }[];
  coreReadStatistic(
    core: NativeCore,
    field: number,
    step: number,
    statistic: string,
    argument: number,
    begin: number,
    end: number,
  ): Float64Array;
  /** All that a checkpoint would hold. */
  coreSave(core: NativeCore): Uint8Array;
  /** Into a fresh core of the same options only. */
  coreRestore(core: NativeCore, saved: Uint8Array): void;

  /** XXH3-64 of a payload, as in the header of a Data frame. */
  payloadHash(payload: Uint8Array): bigint;

  // ---- Z85 CURVE key pair ----
  curveKeypair(): { publicKey: string; secretKey: string };
}
