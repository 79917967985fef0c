// SPDX-License-Identifier: Apache-2.0
/** `node src/io/simulate.ts FROM COUNT`: simulates the worlds of COUNT seeds, prints the failures and one JSON line. */
import { simulate } from '../simulation/world.ts';

// Worlds throw thousands of errors on purpose, and nobody reads their stacks.
Error.stackTraceLimit = 0;
const [from = '1', count = '1'] = process.argv.slice(2);
const startedMs = performance.now();
const sums = { seeds: 0, failed: 0, requests: 0, reconciles: 0, takeOvers: 0, firstFailure: null as number | null };
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  const { problems, requests, reconciles, takeOvers } = await simulate(seed);
  sums.seeds += 1;
  sums.requests += requests;
  sums.reconciles += reconciles;
  sums.takeOvers += takeOvers;
  if (problems.length === 0) continue;
  sums.failed += 1;
  sums.firstFailure ??= seed;
  if (sums.failed <= 5) process.stderr.write(`seed ${seed}: ${problems.join('; ')}\n`);
}
const seconds = Number(((performance.now() - startedMs) / 1000).toFixed(2));
const cpuSeconds = Number((process.cpuUsage().user / 1e6).toFixed(2));
process.stdout.write(`${JSON.stringify({ ...sums, seconds, cpuSeconds })}\n`);
process.exitCode = sums.failed > 0 ? 1 : 0;
