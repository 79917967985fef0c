// SPDX-License-Identifier: Apache-2.0
/**
 * What a CompiledStudy means to the plan and to the peers of the control socket: options of the plan, the welcome of
 * pilots and clients, the layout of a field. Pure; called once at start, or once a message.
 */
import { groupHeldBytes, type CompiledStudy } from '@melissa/crds';
import type { ControlBody } from '@melissa/protocol';
import { headSilenceMs, heartbeatMs } from '../limits.ts';
import type { PlanOptions } from '../plan/types.ts';
import { formatValue } from '../sampling/index.ts';
import { partitionOf, rangesOf } from './partition.ts';

export const dtypeCode = { Float32: 1, Float64: 2 } as const;
/** Parameter values of a lease are joined by this character, which no number contains. */
const SEPARATOR = '\u001f';

/** Groups that may hold blocks at once; the first one is let in even where it does not fit, or nothing would ever run. */
export function openGroupsMax(study: CompiledStudy): number {
  const bytes = groupHeldBytes(study);
  return bytes === 0 ? Infinity : Math.max(1, Math.floor(study.server.heldBytesMax / bytes));
}

/** Ranks of the study; a study without fields needs none. */
export function ranksOf(study: CompiledStudy): number {
  return study.fields.length === 0 ? 0 : study.server.ranks;
}

export function planOptionsOf(study: CompiledStudy, life: { epoch: number; resumed: boolean }): PlanOptions {
  return {
    ...life,
    simulations: study.sampling.simulations,
    groupSize: study.sampling.groupSize,
    ranks: ranksOf(study),
    parallelism: study.client.parallelism,
    loop: study.client.loop,
    openGroupsMax: openGroupsMax(study),
    redrawable: study.sampling.design !== 'Grid' && study.sampling.design !== 'List',
    dropOnRetry: study.partial === 'Whole' || !study.deterministic,
    partialWhole: study.partial === 'Whole',
    solverSpeaks: study.fields.length > 0 && study.client.outputs.length === 0,
    faultPolicy: study.faultPolicy,
    stopWhen: study.stopWhen,
  };
}

/** Values as the solver reads them: the shortest decimals that read back to the same number. */
export function valuesText(values: readonly (number | string)[]): string {
  return values.map(formatValue).join(SEPARATOR);
}

const keepCode = { Never: 0, OnFailure: 1, Always: 2 } as const;
const outputCode = { Npy: 1, Raw: 2, Stdout: 3 } as const;

function launcherWords(launcher: CompiledStudy['client']['launcher'], ranks: number): string[] {
  switch (launcher.kind) {
    case 'None':
      return [];
    case 'Mpirun':
      return ['mpirun', ...launcher.args, '-n', String(ranks)];
    case 'Srun':
      return ['srun', ...launcher.args, '-n', String(ranks)];
    case 'Template':
      return launcher.words.map((word) => word.replaceAll('{ranks}', String(ranks)));
  }
}

/** The pilot resolves the command: a bare name in the manifest's bin/, then PATH; with a slash relative to the manifest. */
export function pilotWelcomeOf(study: CompiledStudy): ControlBody<'PilotWelcome'> {
  const { client } = study;
  return {
    study: study.name,
    heartbeatMs,
    silenceMs: headSilenceMs,
    parameterNames: study.parameters.map((parameter) => parameter.name),
    command: [...client.command, ...client.args],
    launcher: launcherWords(client.launcher, client.ranks),
    preprocessing: client.preprocessing,
    environment: Object.entries(client.env).map(([name, value]) => ({ name, value })),
    files: client.files.map(({ path, content }) => ({ path, content: new TextEncoder().encode(content) })),
    outputs: client.outputs.map((output) => {
      const field = study.fields.find((candidate) => candidate.name === output.field);
      return {
        field: output.field,
        kind: outputCode[output.from.kind],
        path: 'path' in output.from ? output.from.path : '',
        cells: field?.cells ?? 0,
        dtype: dtypeCode[field?.dtype ?? 'Float64'],
        steps: study.time.steps,
      };
    }),
    ranks: client.ranks,
    loop: client.loop ? 1 : 0,
    workDirectory: client.workDirectory ? 1 : 0,
    keepWorkDirectory: keepCode[client.keepWorkDirectory],
    workRoot: '',
    outputBytesMax: client.outputBytesMax,
    drainSeconds: client.drainSeconds,
    seed: study.sampling.seed,
  };
}

const nonFiniteCode = { Reject: 0, Skip: 1, Propagate: 2 } as const;

export function clientWelcomeOf(
  study: CompiledStudy,
  serverRanks: ControlBody<'ClientWelcome'>['serverRanks'],
  firstStep: number,
): ControlBody<'ClientWelcome'> {
  return {
    study: study.name,
    serverRanks,
    firstStep,
    nonFinite: nonFiniteCode[study.nonFinite],
    sendWindowBytes: study.server.sendWindowBytes,
    sendTimeoutMs: study.faultPolicy.sendTimeoutSeconds * 1000,
    heartbeatMs,
    fields: study.fields.map((field) => ({
      name: field.name,
      index: field.index,
      dtype: dtypeCode[field.dtype],
      cells: field.cells,
      steps: study.time.steps,
    })),
  };
}

export type FieldRefusal = { code: 'EFIELD_UNKNOWN' | 'EFIELD_SIZE' | 'EFIELD_TYPE'; message: string };

/** The layout of an announced field, or why it cannot be taken. */
export function fieldLayoutOf(
  study: CompiledStudy,
  announced: ControlBody<'Field'>,
): ControlBody<'FieldLayout'> | FieldRefusal {
  const field = study.fields.find((candidate) => candidate.name === announced.name);
  if (field === undefined) {
    const names = study.fields.map((candidate) => candidate.name).join(', ');
    return { code: 'EFIELD_UNKNOWN', message: `the study has no field "${announced.name}"; it has ${names || 'none'}` };
  }
  const cells = announced.cells.reduce((sum, count) => sum + count, 0);
  if (cells !== field.cells) {
    const message = `field "${field.name}": the client sends ${cells} cells, the study says ${field.cells}`;
    return { code: 'EFIELD_SIZE', message };
  }
  if (announced.dtype !== dtypeCode[field.dtype]) {
    const message = `field "${field.name}": the client announces type ${announced.dtype}, the study says ${field.dtype}`;
    return { code: 'EFIELD_TYPE', message };
  }
  const all = field.regions.length === 1 && field.regions[0]![0] === 0 && field.regions[0]![1] === field.cells;
  return {
    index: field.index,
    regions: all ? [] : field.regions.map(([begin, end]) => ({ begin, end })),
    steps: field.keptSteps.length === study.time.steps ? [] : rangesOf(field.keptSteps),
    partition: partitionOf(field.keptCells, study.server.ranks),
  };
}
