// SPDX-License-Identifier: Apache-2.0
/**
 * One runner for every suite of every language. It starts each, reads its report, sums the counts, and ends with
 * `N passed, N failed, N skipped`. A suite that reports no test, crashes, is killed or outruns its budget counts as failed;
 * every skipped test prints its reason.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { at } from '../setup/run.ts';
import { build } from '../setup/build.ts';
import { setUp } from '../setup/set-up.ts';
import { buildClusterTools } from './cluster-tools.ts';
import { suites, type Level, type Suite } from './suites.ts';
import { readReport, type Counts } from './report.ts';

type Outcome = Counts & { name: string; seconds: number; problem: string | null };

export async function runSuites(levels: Level[], args: string[]): Promise<number> {
  const startedMs = Date.now();
  const wanted = suites.filter(
    (suite) => levels.includes(suite.level) && (args.length === 0 || args.includes(suite.name)),
  );
  if (wanted.length === 0) {
    process.stderr.write(`no such suite; known: ${suites.map((suite) => suite.name).join(', ')}\n`);
    return 2;
  }
  setUp('test');
  build({ withTests: true });
  process.stdout.write(`set-up took ${seconds(startedMs)} s\n`);
  rmSync(at('build', 'reports'), { recursive: true, force: true });
  mkdirSync(at('build', 'reports'), { recursive: true });
  const clusterTools = wanted.some((suite) => suite.needsCluster) ? buildClusterTools() : null;
  const outcomes: Outcome[] = [];
  for (const suite of wanted) {
    if (suite.needsCluster) await clusterTools?.ready();
    const outcome = await runSuite(suite);
    outcomes.push(outcome);
    printOutcome(outcome);
    if (outcome.problem === INTERRUPTED) break;
  }
  clusterTools?.stop();
  return summarise(outcomes);
}

const seconds = (sinceMs: number): number => Math.round((Date.now() - sinceMs) / 100) / 10;

export async function runSuite(suite: Suite): Promise<Outcome> {
  process.stdout.write(`\n=== ${suite.name}\n`);
  const startedMs = Date.now();
  const report = at('build', 'reports', `${suite.name.replaceAll('/', '-')}.xml`);
  const [command, ...args] = suite.command(report);
  const ended = await run(command!, args, suite);
  const counts = readReport(suite.report, report, ended.output);
  const outcome: Outcome = { ...counts, name: suite.name, seconds: seconds(startedMs), problem: null };
  if (ended.problem !== null) outcome.problem = ended.problem;
  else if (counts.passed + counts.failed + counts.skipped.length === 0) outcome.problem = 'reported no test';
  else if (ended.exitCode !== 0 && counts.failed === 0)
    outcome.problem = `exit code ${ended.exitCode} although no test failed`;
  // A suite that failed as a whole counts as one failed test.
  if (outcome.problem !== null) outcome.failed += 1;
  return outcome;
}

/** What ^C and SIGTERM leave: the suite under way ends with all that it started, and no other begins. */
const INTERRUPTED = 'interrupted';
type Ended = { exitCode: number; output: string; problem: string | null };
const OUTPUT_BYTES_MAX = 1 << 24; // of a suite, kept for its report; the terminal gets all of it

function run(command: string, args: string[], suite: Suite): Promise<Ended> {
  return new Promise((resolve) => {
    // A process group of its own, so that a suite over its budget goes with everything it started.
    const child = spawn(command, args, {
      cwd: at(),
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
      env: { ...process.env, ...suite.env },
    });
    let output = '';
    let problem: string | null = null;
    const end = (signal: NodeJS.Signals) => {
      try {
        process.kill(-child.pid!, signal);
      } catch {
        // It has already gone.
      }
    };
    const stop = (why: string) => {
      problem = why;
      end('SIGTERM');
      setTimeout(() => end('SIGKILL'), 10_000).unref();
    };
    const budget = setTimeout(() => stop(`over its budget of ${suite.budgetSeconds} s`), suite.budgetSeconds * 1000);
    const interrupted = () => stop(INTERRUPTED);
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
    child.stdout!.on('data', (chunk: Buffer) => {
      if (output.length < OUTPUT_BYTES_MAX) output += chunk.toString();
      process.stdout.write(chunk);
    });
    child.on('error', (error) => (problem = error.message));
    child.on('close', (code, signal) => {
      clearTimeout(budget);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      resolve({ exitCode: code ?? 1, output, problem: problem ?? (signal === null ? null : `killed by ${signal}`) });
    });
  });
}

function printOutcome(outcome: Outcome): void {
  for (const skip of outcome.skipped) process.stdout.write(`skipped: ${skip}\n`);
  const verdict = outcome.problem ?? (outcome.failed > 0 ? 'failed' : 'ok');
  process.stdout.write(
    `--- ${outcome.name}: ${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped.length} skipped, ${outcome.seconds} s: ${verdict}\n`,
  );
}

function summarise(outcomes: Outcome[]): number {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const failed = sum((outcome) => outcome.failed);
  process.stdout.write('\n');
  for (const outcome of outcomes.filter((one) => one.failed > 0)) {
    process.stdout.write(`FAILED ${outcome.name}: ${outcome.problem ?? `${outcome.failed} tests`}\n`);
    for (const name of outcome.failures) process.stdout.write(`  ${name}\n`);
  }
  process.stdout.write(
    `${sum((outcome) => outcome.passed)} passed, ${failed} failed, ${sum((outcome) => outcome.skipped.length)} skipped\n`,
  );
  return failed === 0 ? 0 : 1;
}
