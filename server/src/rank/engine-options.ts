// SPDX-License-Identifier: Apache-2.0
/** What a CompiledStudy means to one rank's engine. Pure; called once at start by main.ts. Cells are cut as the head cuts them. */
import type { CompiledField, CompiledStudy } from '@melissa/crds';
import type { EngineField, EngineOptions, NativeStatistics } from '@melissa/native';
import { partitionOf } from '../head/partition.ts';
import { engineConnectionsMax } from '../limits.ts';

export type RankPlace = {
  rank: number;
  token: string;
  listen: string;
  host: string;
  /** Absolute folders. */
  checkpointDirectory: string;
  rawDirectory: string;
  curve: { secretKey: string; publicKey: string; allowedKeys: string[] } | null;
};

export function engineOptionsOf(study: CompiledStudy, place: RankPlace): EngineOptions {
  const { keepRaw, server, sampling } = study;
  const keepsRaw = keepRaw.all || keepRaw.ids.length > 0;
  return {
    study: study.name,
    fingerprint: study.fingerprint,
    rank: place.rank,
    ranks: server.ranks,
    // The head's welcome names the epoch; until then no client has one.
    epoch: 0,
    token: place.token,
    listen: place.listen,
    curveSecretKey: place.curve?.secretKey ?? '',
    curvePublicKey: place.curve?.publicKey ?? '',
    curveAllowedKeys: place.curve?.allowedKeys ?? [],
    host: place.host,
    simulations: sampling.simulations,
    groupSize: sampling.groupSize,
    partialWhole: study.partial === 'Whole',
    fields: study.fields.map((field) => engineFieldOf(study, field, place.rank)),
    covariances: study.covariances.map(({ fields: [first, second] }) => ({ first, second })),
    heldBytesMax: server.heldBytesMax,
    receiveBudgetBytes: server.receiveBudgetBytes,
    sendWindowBytes: server.sendWindowBytes,
    connectionsMax: engineConnectionsMax,
    checkpointDirectory: place.checkpointDirectory,
    rawDirectory: keepsRaw ? place.rawDirectory : '',
    keepRawAll: keepRaw.all,
    keepRawIds: Uint32Array.from(keepRaw.ids),
  };
}

function engineFieldOf(study: CompiledStudy, field: CompiledField, rank: number): EngineField {
  const partition = partitionOf(field.keptCells, study.server.ranks);
  return {
    index: field.index,
    name: field.name,
    keptCells: field.keptCells,
    cellBegin: partition[rank]!,
    cellEnd: partition[rank + 1]!,
    keptSteps: Uint32Array.from(field.keptSteps),
    statistics: nativeStatisticsOf(study, field),
  };
}

export function nativeStatisticsOf(study: CompiledStudy, field: CompiledField): NativeStatistics {
  const { statistics } = field;
  const { sobol } = statistics;
  const { groupSize, groups, simulations } = study.sampling;
  const secondOrder = sobol?.secondOrder ?? false;
  return {
    dtype: field.dtype,
    nonFinite: study.nonFinite,
    moments: statistics.moments,
    extrema: statistics.extrema,
    thresholds: statistics.exceedance,
    quantiles: statistics.quantiles,
    robbinsMonro: statistics.quantileMethod === 'RobbinsMonro',
    logSpacing: statistics.spacing === 'Log',
    histogram: statistics.histogram,
    // Of a pick-freeze group only A and B are samples of the parameters' distribution.
    plannedSamples: groupSize === 1 ? simulations : 2 * groups,
    sobol: sobol?.estimator ?? 'None',
    interval: sobol?.interval ?? 'None',
    secondOrder,
    sobolParameters: sobol === null ? 0 : study.sampling.secondOrder ? (groupSize - 2) / 2 : groupSize - 2,
    jackknifeBlocks: sobol?.jackknifeBlocks ?? 0,
    level: sobol?.level ?? 0.95,
  };
}
