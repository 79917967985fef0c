// SPDX-License-Identifier: Apache-2.0
/**
 * One seed: a study of the schedule's variant runs while the schedule's faults strike, and its result is compared with that
 * of the fault-free twin. Whatever differs, stays behind, or does not end is a finding of that seed.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@melissa/kit';
import { summaryOf, type Summary } from '../melissa.ts';
import type { Comparer } from './comparer.ts';
import { mountDisk, strike, unmountDisk, type Scene } from './faults.ts';
import { describe, signal } from './processes.ts';
import { Relay } from './relay.ts';
import { faultName, type Fault, type Schedule } from './schedule.ts';
import { ChaosStudy } from './study.ts';
import { manifestOf, type Variant } from './variants.ts';

export type Findings = {
  seed: number;
  variant: string;
  seconds: number;
  /** Empty: the seed has passed. */
  problems: string[];
  faults: string[];
  maxRelativeError: number;
  duplicates: number;
  lost: number;
  orphans: number;
  notes: string[];
};

/** From start to end, with every fault but those that make the study start anew. */
const STUDY_LIMIT_MS = 150_000;
/** Gathering what a dead command line left, and three starts of Node on a machine that does other things too. */
const RESUME_LIMIT_MS = 60_000;
const limitMsOf = (faults: readonly Fault[]): number =>
  STUDY_LIMIT_MS + RESUME_LIMIT_MS * faults.filter((fault) => /^(kill:cli|damage)$/.test(faultName(fault))).length;
const POLL_MS = 60;

export type Stage = { folder: string; solverOf: (variant: Variant) => string; comparer: Comparer };

/** The twin that nothing happens to; a promise that fails fails every seed of the variant. */
export async function runTwin(variant: Variant, stage: Stage): Promise<string> {
  const study = new ChaosStudy(
    join(stage.folder, `twin-${variant.name}`),
    manifestOf(variant, stage.solverOf(variant)),
    null,
  );
  study.start();
  const endMs = performance.now() + STUDY_LIMIT_MS;
  while (study.exitCode === null && performance.now() < endMs) await sleep(POLL_MS);
  if (study.exitCode !== 0) {
    const words = study.lastWords();
    for (const { pid } of study.processes()) signal(pid, 'SIGKILL');
    throw Object.assign(new TypeError(`the fault-free twin of ${variant.name} ended with ${study.exitCode}\n${words}`));
  }
  return study.directory;
}

export async function runSeed(schedule: Schedule, twin: string, stage: Stage): Promise<Findings> {
  const { seed, variant } = schedule;
  const startMs = performance.now();
  const findings: Findings = {
    seed,
    variant: variant.name,
    seconds: 0,
    problems: [],
    faults: [],
    maxRelativeError: 0,
    duplicates: 0,
    lost: 0,
    orphans: 0,
    notes: [],
  };
  const relay = new Relay((process.pid << 8) ^ seed);
  const study = new ChaosStudy(
    join(stage.folder, `seed-${seed}`),
    manifestOf(variant, stage.solverOf(variant)),
    relay.host,
  );
  const note = (text: string): void =>
    void findings.notes.push(`${((performance.now() - startMs) / 1000).toFixed(1)} s: ${text}`);
  const scene: Scene = {
    study,
    relay,
    random: Random.at(0x766963, seed),
    note,
    problem: (text) => findings.problems.push(text),
  };
  const disk = join(study.directory, 'checkpoint');
  const needsDisk = schedule.faults.some(({ kind }) => kind === 'diskFull');
  if (needsDisk) mkdirSync(disk, { recursive: true });
  const hasDisk = needsDisk && mountDisk(disk);
  try {
    study.start();
    const code = await carryThrough(schedule.faults, scene, findings);
    if (code === 'hang')
      findings.problems.push(
        `it hangs (fault under way or study not ended after ${limitMsOf(schedule.faults) / 1000} s)\n${describe(study.processes())}\n${study.lastWords()}`,
      );
    else if (code !== 0) findings.problems.push(`the command line ended with ${code}\n${study.lastWords()}`);
    else await judge(schedule, twin, study, stage.comparer, findings);
    if (code !== 'hang') await noOrphans(study, findings);
  } finally {
    for (const { pid } of study.processes()) signal(pid, 'SIGKILL');
    await relay.close();
    if (hasDisk) unmountDisk(disk);
  }
  findings.seconds = (performance.now() - startMs) / 1000;
  return findings;
}

/** Faults strike in order, each when its share of the study is done. Returns the exit code of the command line, or that it hangs. */
async function carryThrough(faults: readonly Fault[], scene: Scene, findings: Findings): Promise<number | 'hang'> {
  const { study, relay } = scene;
  const endMs = performance.now() + limitMsOf(faults);
  const waiting = [...faults];
  while (performance.now() < endMs) {
    if (study.exitCode !== null) return study.exitCode;
    const status = await study.status();
    const control = study.head()?.control;
    if (control !== undefined) await relay.know(control);
    for (const { endpoint } of status?.ranks ?? []) await relay.know(endpoint);
    const next = waiting[0];
    if (next !== undefined && status !== null && status.progress >= next.at && status.progress < 1) {
      waiting.shift();
      scene.note(`at ${Math.round(100 * status.progress)} %: ${JSON.stringify(next)}`);
      if (await strike(next, scene)) findings.faults.push(faultName(next));
      continue;
    }
    await sleep(POLL_MS);
  }
  return 'hang';
}

async function judge(
  { isLinkOnly }: Schedule,
  twin: string,
  study: ChaosStudy,
  comparer: Comparer,
  findings: Findings,
): Promise<void> {
  const { problems } = findings;
  const [expected, summary] = [summaryOf(twin), summaryOf(study.directory)];
  const counts = summary['simulations'] as Record<string, number>;
  if (counts['done'] !== counts['total'] || counts['redrawn'] !== 0)
    problems.push(`simulations: ${JSON.stringify(counts)}`);
  if (isLinkOnly && counts['retried'] !== 0) problems.push(`broken links alone led to ${counts['retried']} new leases`);
  compareDigests(expected, summary, findings);
  const { largest, ratios } = await comparer.compare(twin, study.directory);
  findings.maxRelativeError = largest;
  if (largest > 1) {
    const worst = Object.entries(ratios)
      .filter(([, ratio]) => ratio > 1)
      .map(([name, ratio]) => `${name} ${ratio.toPrecision(3)}`);
    problems.push(`results differ from the twin's: ${worst.join(', ')}`);
  }
  const left = leftFiles(study.directory);
  if (left.length > 0) problems.push(`files left behind: ${left.join(', ')}`);
}

/** Units say whether something was folded twice or never; digests, whether it was the right thing. */
function compareDigests(expected: Summary, summary: Summary, findings: Findings): void {
  for (const { consumer, digest, units } of expected.digests) {
    const ours = summary.digests.find((candidate) => candidate.consumer === consumer);
    const found = ours?.units ?? 0;
    findings.duplicates += Math.max(0, found - units);
    findings.lost += Math.max(0, units - found);
    if (found !== units) findings.problems.push(`${consumer}: ${found} units were folded, ${units} by the twin`);
    else if (ours?.digest !== digest)
      findings.problems.push(`${consumer}: digest ${ours?.digest}, the twin's ${digest}`);
  }
}

async function noOrphans(study: ChaosStudy, findings: Findings): Promise<void> {
  const left = await study.leftOver();
  findings.orphans = left.length;
  if (left.length > 0) findings.problems.push(`processes left behind:\n${describe(left)}`);
}

/** Half-written files, work directories of attempts that have ended, and shared memory that nobody uses. */
function leftFiles(directory: string): string[] {
  const half = readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => /[.](tmp|part|new|writing)$/.test(name));
  const work = existsSync(join(directory, 'work'))
    ? readdirSync(join(directory, 'work')).map((name) => `work/${name}`)
    : [];
  return [...half, ...work];
}
