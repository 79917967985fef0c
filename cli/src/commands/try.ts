// SPDX-License-Identifier: Apache-2.0
/**
 * `melissa try`: runs one simulation of a study with the real server and pilot, in a directory of its own, and says what
 * it sent, what it took, and what the whole study would take. The simulation gets parameters drawn at random from the
 * manifest's distributions, whatever the study's own design is.
 */
import { join } from 'node:path';
import { formatBytes, formatDuration } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import type { SimulationDetail, SimulationOutput, StudyStatus } from '@melissa/api';
import { failure } from '../errors.ts';
import { preflight } from '../local/preflight.ts';
import { type Manifest, type Tree } from '../manifest.ts';
import { grouped, threeDigits } from '../progress/render.ts';
import { createStudy, takeOwnership } from '../study-directory.ts';
import { compileFile, compileManifest, refuseWhatDoesNotFit } from './compile.ts';
import { reply, say, type CommandResult, type Context } from './context.ts';
import { DEFAULT_MANIFEST, setupOf } from './run.ts';

export type TryOptions = { set: string[]; keep?: boolean };
type Trial = { detail: SimulationDetail; output: SimulationOutput; status: StudyStatus };

export async function tryOne(context: Context, file: string | undefined, options: TryOptions): CommandResult {
  const { world } = context;
  const { study, manifest } = compileFile(world, file ?? DEFAULT_MANIFEST, options);
  refuseWhatDoesNotFit(study);
  const trialManifest = oneSimulation(manifest, study);
  const trial = compileManifest(world, trialManifest);
  await preflight(world, trial);
  const directory = join(world.cwd, 'studies', `.try-${study.name}-${world.randomHex(4)}`);
  createStudy(world, directory, trial, trialManifest);
  const mark = world.randomHex(8);
  await takeOwnership(world, directory, mark);
  say(context, `trying one simulation of ${study.name} …`);
  let seen: Trial | null = null;
  const outcome = await world.runLocal({
    mark,
    keepMs: 0,
    setup: setupOf(world, { directory, study: trial, resume: false }),
    watcher: { status: () => undefined, notice: (text) => say(context, text) },
    beforeEnd: async (client) => {
      const [detail, output, status] = await Promise.all([client.simulation(0), client.output(0), client.status()]);
      seen = { detail, output, status };
    },
  });
  const found = seen as Trial | null;
  if (options.keep !== true && found !== null) world.files.remove(directory);
  if (outcome.kind === 'interrupted')
    throw failure('EINTERRUPTED', 'the trial', { remedy: 'Run `melissa try` again.' });
  if (found === null)
    throw failure('ESTUDY_FAILED', 'the trial left no record', {
      remedy: `See the logs in ${join(directory, 'logs')}.`,
    });
  const report = reportOf(study, found);
  reply(context, report, () => reportText(report, found));
  return report.succeeded ? 'ok' : 'studyFailed';
}

/** The manifest of a study of one simulation: same solver and fields, no design, no indices, no second chance. */
function oneSimulation(manifest: Manifest, study: CompiledStudy): Manifest {
  const tree = structuredClone(manifest.tree);
  const spec = tree['spec'] as Tree;
  spec['sampling'] = { method: 'Random', simulations: 1, seed: study.sampling.seed };
  const statistics = { ...((spec['statistics'] as Tree | undefined) ?? {}) };
  delete statistics['sobol'];
  delete statistics['stopWhen'];
  spec['statistics'] = statistics;
  for (const field of spec['fields'] as Tree[]) {
    if (field['statistics'] !== undefined) delete (field['statistics'] as Tree)['sobol'];
  }
  delete spec['keepRaw'];
  spec['client'] = { ...(spec['client'] as Tree), parallelism: 1 };
  spec['faultPolicy'] = {
    ...(spec['faultPolicy'] as Tree | undefined),
    retryLimit: 0,
    onExhausted: 'Fail',
    maxFailed: 0,
  };
  spec['local'] = { ...(spec['local'] as Tree | undefined), port: 0 };
  return { ...manifest, tree };
}

type Report = {
  succeeded: boolean;
  reason: string;
  parameters: SimulationDetail['parameters'];
  wallSeconds: number | null;
  cpuSeconds: number | null;
  peakRssBytes: number | null;
  bytesReceived: number;
  fields: { name: string; cells: number; keptCells: number; steps: number; dtype: string }[];
  estimate: { simulations: number; parallelism: number; seconds: number | null; bytes: number };
  stdout: string;
  stderr: string;
};

function reportOf(study: CompiledStudy, { detail, output, status }: Trial): Report {
  const attempt = detail.history.at(-1);
  const { simulations } = study.sampling;
  const parallelism = Math.max(1, study.client.parallelism);
  const wallSeconds = attempt?.wallSeconds ?? null;
  return {
    succeeded: detail.state === 'Done',
    reason: detail.reason,
    parameters: detail.parameters,
    wallSeconds,
    cpuSeconds: attempt?.cpuSeconds ?? null,
    peakRssBytes: attempt?.peakRssBytes ?? null,
    bytesReceived: status.bytesReceived,
    fields: study.fields.map(({ name, cells, keptCells, keptSteps, dtype }) => ({
      name,
      cells,
      keptCells,
      steps: keptSteps.length,
      dtype,
    })),
    estimate: {
      simulations,
      parallelism,
      seconds: wallSeconds === null ? null : (wallSeconds * simulations) / parallelism,
      bytes: status.bytesReceived * simulations,
    },
    stdout: output.stdout,
    stderr: output.stderr,
  };
}

function reportText(report: Report, { detail }: Trial): string {
  const lines = [report.succeeded ? 'the simulation succeeded' : `the simulation failed: ${report.reason}`];
  const row = (label: string, value: string): void => void lines.push(`  ${label.padEnd(14)}${value}`);
  row(
    'parameters',
    Object.entries(detail.parameters)
      .map(([name, value]) => `${name} = ${value}`)
      .join(', '),
  );
  if (report.wallSeconds !== null)
    row(
      'took',
      `${threeDigits(report.wallSeconds)} s${report.cpuSeconds === null ? '' : `, ${threeDigits(report.cpuSeconds)} s of CPU`}`,
    );
  if (report.peakRssBytes !== null) row('memory', formatBytes(report.peakRssBytes));
  for (const { name, cells, keptCells, steps, dtype } of report.fields) {
    const kept = keptCells === cells ? '' : `, ${grouped(keptCells)} of them kept`;
    row('field', `${name}: ${grouped(cells)} cells${kept} × ${grouped(steps)} steps, ${dtype}`);
  }
  row('received', formatBytes(report.bytesReceived));
  if (report.stderr !== '') row('stderr', report.stderr.trimEnd().split('\n').slice(-5).join('\n                '));
  const { simulations, parallelism, seconds, bytes } = report.estimate;
  if (report.succeeded && seconds !== null) {
    lines.push(
      '',
      `The whole study: ${grouped(simulations)} simulations, ${parallelism} at once: about ${formatDuration(seconds)}, ${formatBytes(bytes)} streamed.`,
    );
  }
  return lines.join('\n');
}
