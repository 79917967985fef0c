// SPDX-License-Identifier: Apache-2.0
/**
 * What the user writes is compiled once into a CompiledStudy, or refused with every problem at once. Called by the command
 * line, the head and the operator. First the schema is checked and defaults are filled, then each section; a section that
 * needs another one waits until that is sound, so that no problem is only the consequence of one already named.
 */
import type { CompiledStudy } from './compiled.ts';
import { check } from './check.ts';
import { compileClient, usesTemplate } from './compile/client.ts';
import { compileFields, compileTime } from './compile/fields.ts';
import { compileParameters } from './compile/parameters.ts';
import type { ReadContext } from './compile/rows.ts';
import { compileSampling } from './compile/sampling.ts';
import { compileFaultPolicy, compileKeepRaw, compileServer } from './compile/server.ts';
import { compileStatistics } from './compile/statistics.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Problems, type ManifestProblem } from './problems.ts';
import {
  API_VERSION,
  NAME_MAX,
  NAME_PATTERN,
  resource,
  spec as specSchema,
  study as studySchema,
} from './schema/study.ts';
import type { CheckedSpec } from './types.generated.ts';

export type CompileContext = ReadContext & {
  /** Absolute folder of the manifest. */
  manifestDirectory: string;
  /** Where the study runs when the manifest does not say; `Local` when left out. */
  backend?: CompiledStudy['backend'];
};

export type CompileResult = { study: CompiledStudy } | { errors: ManifestProblem[] };

export function compileStudy(manifest: unknown, context: CompileContext): CompileResult {
  const problems = new Problems();
  const name = checkEnvelope(manifest, problems);
  const written = isMap(manifest) ? manifest['spec'] : undefined;
  if (!isMap(written)) {
    if (isMap(manifest))
      problems.add(
        'spec',
        written ?? null,
        written === undefined || written === null ? 'is missing' : 'must be a map',
        'Add spec with parameters, sampling, fields and client.',
      );
    return { errors: problems.all };
  }
  const spec = check(specSchema, written, 'spec', { problems }) as CheckedSpec;
  const compiled = compileSpec({ spec, written, name, context }, problems);
  if (compiled === null || problems.all.length > 0) return { errors: problems.all };
  return { study: { ...compiled, fingerprint: fingerprintOf(compiled) } };
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkEnvelope(manifest: unknown, problems: Problems): string {
  if (!isMap(manifest)) {
    problems.add(
      '',
      manifest ?? null,
      'a manifest must be a map',
      `Begin with apiVersion: ${API_VERSION} and kind: ${resource.kind}.`,
    );
    return '';
  }
  const { spec: _spec, status: _status, metadata, ...rest } = manifest;
  // Only the names of the other keys are looked at here; spec is checked by its own schema.
  check({ ...studySchema, required: [], properties: { ...studySchema.properties } }, rest, '', { problems });
  if (manifest['apiVersion'] !== API_VERSION && problems.clean('apiVersion')) {
    problems.add('apiVersion', manifest['apiVersion'], `must be ${API_VERSION}`, `Write apiVersion: ${API_VERSION}.`);
  }
  if (manifest['kind'] !== resource.kind && problems.clean('kind'))
    problems.add('kind', manifest['kind'], `must be ${resource.kind}`, `Write kind: ${resource.kind}.`);
  const name = isMap(metadata) ? metadata['name'] : undefined;
  if (typeof name !== 'string') {
    problems.add(
      'metadata.name',
      name ?? null,
      name === undefined || name === null ? 'is missing' : 'must be text',
      'Name the study, for example metadata: { name: heat }.',
    );
    return '';
  }
  if (!new RegExp(NAME_PATTERN).test(name)) {
    problems.add(
      'metadata.name',
      name,
      'must start with a letter, hold only lower-case letters, digits and -, and end with a letter or digit',
      'Choose a name such as heat-2.',
    );
  } else if (name.length > NAME_MAX)
    problems.add(
      'metadata.name',
      name,
      `has ${name.length} characters; at most ${NAME_MAX} are allowed`,
      'Shorten it.',
    );
  return name;
}

type SpecInput = { spec: CheckedSpec; written: Record<string, unknown>; name: string; context: CompileContext };

function compileSpec(
  { spec, written, name, context }: SpecInput,
  problems: Problems,
): Omit<CompiledStudy, 'fingerprint'> | null {
  const parameters = compileParameters(spec.parameters, problems);
  const usesSeed = problems.clean('spec.client') && usesTemplate(spec.client, 'seed');
  const sampling = compileSampling({ written: spec.sampling, parameters, usesSeed, context }, problems);
  const time = compileTime(spec.time, problems);
  const fields = compileFields(spec.fields, time, problems);
  const statistics =
    fields !== null && sampling !== null && problems.clean('spec.statistics')
      ? compileStatisticsOf(spec, written, fields, sampling, problems)
      : null;
  // Names are known even where a distribution or a shape is wrong, and then templates can still be checked.
  const parameterNames = namesOf(spec.parameters);
  const fieldNames = namesOf(spec.fields);
  const client =
    parameterNames === null ? null : compileClient({ written: spec.client, parameterNames, fieldNames }, problems);
  const backend = compileBackend(spec, context);
  const server = compileServer(spec.server, backend, problems);
  const faultPolicy = compileFaultPolicy(spec.faultPolicy, sampling, problems);
  const keepRaw = compileKeepRaw(spec.keepRaw, sampling?.simulations ?? null, problems);
  if (spec.partial === 'Keep' && spec.deterministic === false) {
    problems.add(
      'spec.partial',
      'Keep',
      'contradicts deterministic: false, whose repeated simulations do not continue the first',
      'Write partial: Whole, or leave it out.',
    );
  }
  if (Array.isArray(spec.fields) && spec.fields.length === 0) refuseWithoutFields(written, problems);
  if (!parameters || !sampling || !time || !fields || !statistics || !client || !server || !faultPolicy) return null;
  return {
    name,
    parameters,
    sampling,
    time,
    fields: fields.map((field, i) => ({ ...field, statistics: statistics.ofField[i]! })),
    covariances: statistics.covariances,
    keepRaw,
    partial: spec.partial ?? (spec.deterministic ? 'Keep' : 'Whole'),
    deterministic: spec.deterministic,
    nonFinite: spec.nonFinite,
    stopWhen: statistics.stopWhen,
    client,
    server,
    faultPolicy,
    suspend: spec.suspend,
    cancel: spec.cancel,
    deadlineSeconds: spec.deadlineSeconds ?? null,
    ttlSecondsAfterFinished: spec.ttlSecondsAfterFinished ?? null,
    backend,
    local: { ...spec.local, directory: spec.server.directory ?? `studies/${name}` },
    manifestDirectory: context.manifestDirectory,
  };
}

function namesOf(items: unknown): string[] | null {
  if (!Array.isArray(items)) return null;
  const names = items.map((item) => (isMap(item) ? item['name'] : undefined));
  return names.every((name) => typeof name === 'string') ? names : null;
}

function compileStatisticsOf(
  spec: CheckedSpec,
  written: Record<string, unknown>,
  fields: NonNullable<ReturnType<typeof compileFields>>,
  sampling: NonNullable<ReturnType<typeof compileSampling>>,
  problems: Problems,
): ReturnType<typeof compileStatistics> {
  const given = written['statistics'];
  const sobolWritten = isMap(given) && given['sobol'] !== undefined;
  return compileStatistics(
    { written: spec.statistics, writtenFields: spec.fields, fields, sampling, sobolWritten },
    problems,
  );
}

function compileBackend(spec: CheckedSpec, context: CompileContext): CompiledStudy['backend'] {
  if (spec.backend?.kubernetes !== undefined) return 'Kubernetes';
  if (spec.backend?.slurm !== undefined) return 'Slurm';
  if (spec.backend?.oar !== undefined) return 'Oar';
  return context.backend ?? 'Local';
}

/** A study without data has nothing to compute or keep; saying otherwise is a mistake in `fields`. */
function refuseWithoutFields(written: Record<string, unknown>, problems: Problems): void {
  for (const key of ['statistics', 'keepRaw']) {
    const given = written[key];
    if (given === undefined || given === null || (isMap(given) && Object.keys(given).length === 0)) continue;
    if (problems.clean(`spec.${key}`))
      problems.add(`spec.${key}`, given, 'needs fields, and fields is empty', `Add a field, or remove ${key}.`);
  }
}
