// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run chaos -- --seeds N [--first S] [--parallel P] [--json]`: real studies with real faults, compared with their fault-free twins.
 * One line a seed, the details of those that fail, and at last one line of JSON. With --json nothing else goes to
 * standard output. P studies run at once (1).
 */
import { parseArgs } from 'node:util';
import { Chaos } from './chaos.ts';
import type { Findings } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    first: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const seeds = Number(values.seeds);
const first = Number(values.first);
const parallel = Number(values.parallel);
if (
  !Number.isInteger(seeds) ||
  seeds < 1 ||
  !Number.isInteger(first) ||
  first < 0 ||
  !(parallel >= 1 && parallel <= 64)
) {
  process.stderr.write('usage: npm run chaos -- --seeds N [--first S] [--parallel P] [--json]\n');
  process.exit(2);
}

const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const lineOf = ({ seed, variant, seconds, faults, problems, maxRelativeError }: Findings): string =>
  `seed ${seed} ${problems.length === 0 ? 'passed' : 'FAILED'} ${variant} ${seconds.toFixed(1)} s error/tolerance ${maxRelativeError.toPrecision(2)} [${faults.join(' ')}]`;

const chaos = new Chaos();
if (!chaos.ability.mpi) say('left out: studies with MPI (no mpicc or mpirun)');
if (!chaos.ability.mounts) say('left out: full disks (mounting a tmpfs needs root)');
let next = first;
/** Takes the next seed until there is none left. */
async function work(): Promise<void> {
  while (next < first + seeds) {
    const seed = next++;
    const findings = await chaos.seed(seed);
    say(lineOf(findings));
    if (findings.problems.length === 0) continue;
    const details = [...findings.notes.map((text) => `    ${text}`), ...findings.problems.map((text) => `  - ${text}`)];
    say(details.join('\n'));
    say(`  again with: npm run chaos -- --seeds 1 --first ${seed}    kept in ${chaos.folder}/seed-${seed}`);
  }
}
await Promise.all(Array.from({ length: parallel }, () => work()));
chaos.close();
process.stdout.write(`${JSON.stringify(chaos.total)}\n`);
process.exit(chaos.total.failed === 0 ? 0 : 1);
