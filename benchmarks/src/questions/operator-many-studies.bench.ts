// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores with a whole Kubernetes on them. Last answer: benchmarks/results/operator-many-studies.jsonl. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@melissa/kit';
import type { Bench } from '../bench.ts';
import { root, run } from '../programs.ts';

type Numbers = { what: 'studies' | 'pilots'; reconcileP99Ms: number } & Record<string, unknown>;
/** A thousand studies at 20 looks a second, and a cluster before and after. */
const LIMIT_MS = 3_600_000;

export const bench: Bench = {
  name: 'operator-many-studies',
  question: 'How long does a visit of the operator take with 1,000 studies at once, and with 3,000 pilots of one?',
  peer: 'none: p99 in milliseconds',
  unit: 'ms',
  goal: null,
  better: 'lower',
  limits:
    'A visit waits for its turn at the API server (50 requests a second of one operator), and for the head’s answer. API server, etcd, controllers and pretended nodes and heads run on the same two cores.',
  needsCluster: true,
  repetitions: 1,
  run: async ({ folder }) => {
    const file = join(folder, 'numbers.jsonl');
    const environment = { MELISSA_STUDIES: '1000', MELISSA_PILOTS: '3000', MELISSA_LOAD_RESULTS: file };
    const test = join(root, 'e2e', 'src', 'operator', 'scale.test.ts');
    const ended = await run(process.execPath, ['--test', `--test-timeout=${LIMIT_MS}`, test], environment, LIMIT_MS);
    assert(ended.code === 0, `the test passes: ${ended.stdout.slice(-2000)}`);
    const all = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Numbers);
    const of = (wanted: Numbers['what']): Numbers => {
      const found = all.find(({ what }) => what === wanted);
      assert(found !== undefined, `there are numbers of ${wanted}`);
      return found;
    };
    return {
      value: of('studies').reconcileP99Ms,
      hash: createHash('sha256').update(JSON.stringify(environment.MELISSA_STUDIES)).digest('hex').slice(0, 16),
      detail: { studies: of('studies'), pilots: of('pilots') },
    };
  },
};
