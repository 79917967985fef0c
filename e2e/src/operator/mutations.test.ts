// SPDX-License-Identifier: Apache-2.0
/**
 * Hundreds of wrong manifests, drawn from the CRD's own schema and the examples, on a real API server with the real operator: each is refused readably, or not accepted
 * with place and remedy, or it runs, or what hinders it is told. Meanwhile the operator's process stays the same, asks for no more than it must, and the study of
 * somebody else in the namespace goes on.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { parse } from 'yaml';
import { skipWithoutCluster } from '../../cluster/src/cluster.ts';
import { root } from '../melissa.ts';
import { Bench } from './bench.ts';
import { ask, atOnce, isEvent, isWatch, namespaceOf, removeNamespace } from './load.ts';
import { mutated, type Json, type Schema } from './mutate.ts';
import { until, type OperatorProcess } from './operator-process.ts';
import { forCluster, Trial, type Verdict } from './trial.ts';

const COUNT = Number(process.env['MELISSA_MUTATIONS'] ?? 300);
const SEED = Number(process.env['MELISSA_MUTATION_SEED'] ?? 1);
/** One alone, to look into it. */
const ONLY = process.env['MELISSA_MUTATION'];
const AT_ONCE = 16;
/** Pods in the namespace: manifests may ask for a hundred thousand. */
const PODS_MAX = 100;
/** Requests for one study that lives as long as such a trial: its children, their status, a look for reasons every ten seconds. */
const REQUESTS_PER_STUDY_MAX = 120;
/** A study that is not accepted is left alone until somebody changes it; one that waits for something is looked at now and then. */
const QUIET_MS = 15_000;
const QUIET_REQUESTS_MAX = 30;

const skip = skipWithoutCluster();
const namespace = namespaceOf('mutations');
let bench: Bench;
let operator: OperatorProcess;

type Crd = { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
const read = <T>(...path: string[]): T => parse(readFileSync(join(root, ...path), 'utf8')) as T;
const schema = read<Crd>('crds', 'melissastudies.melissa.dev.yaml').spec.versions[0]!.schema.openAPIV3Schema;
const bases = [
  ...['heat', 'ishigami', 'lorenz', 'unmodified'].map((name) => read<Json>('examples', name, 'study.yaml')),
  read<Json>('e2e', 'src', 'fixtures', 'two-fields.yaml'),
].map(forCluster);

before(
  async () => {
    if (skip !== false) return;
    bench = await Bench.open();
    bench.namespace(namespace);
    const spec = { hard: { pods: String(PODS_MAX) } };
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few', namespace }, spec };
    bench.kubectl(['apply', '-f', '-'], JSON.stringify(quota));
    operator = await bench.operator(namespace);
  },
  { timeout: 1_200_000 },
);
after(
  async () => {
    if (skip !== false) return;
    await operator?.close();
    await removeNamespace(bench, namespace);
    await bench.close();
  },
  { timeout: 600_000 },
);

const trial = (index: number, keep?: readonly number[]): { attempt: Trial; steps: string[]; drawn: number } => {
  const one = mutated(bases, schema, { seed: SEED, index, ...(keep === undefined ? {} : { keep }) });
  return { attempt: new Trial(bench, namespace, one), steps: [`${one.way}`, ...one.steps], drawn: one.drawn };
};

/** Leaves out whichever steps it fails without. */
async function shrunk(index: number, first: unknown): Promise<string> {
  let keep = Array.from({ length: trial(index).drawn }, (_, step) => step);
  let words = String(first);
  for (const step of [...keep]) {
    const fewer = keep.filter((one) => one !== step);
    await trial(index, keep).attempt.forget();
    const failure = await trial(index, fewer)
      .attempt.run()
      .then(
        () => null,
        (error: unknown) => error,
      );
    if (failure === null) continue;
    keep = fewer;
    words = String(failure);
  }
  const { steps } = trial(index, keep);
  return `${words}\n  after ${steps.join('; ')}\n  again: MELISSA_MUTATION_SEED=${SEED} MELISSA_MUTATION=${index}`;
}

/** Requests of the operator for each study, watches and events left out. */
function requestsByStudy(from = 0): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const request of operator.requests.slice(from)) {
    const name = /\/(m\d+|healthy)(?=$|[-/])/.exec(request.path)?.[1];
    if (name === undefined || isWatch(request) || isEvent(request)) continue;
    found.set(name, [...(found.get(name) ?? []), `${request.method} ${request.path}`]);
  }
  return found;
}

test(
  `${COUNT} wrong manifests are refused readably, or not accepted, or run`,
  { skip, timeout: 3_000_000 },
  async (t) => {
    bench.apply(namespace, 1_000_000, { client: { parallelism: 2 } }, 'healthy');
    await until('the healthy study', bench.is(namespace, 'ServerReady', 'healthy'));
    await until('its pilots', bench.is(namespace, 'ClientsReady', 'healthy'));
    const healthy = bench.heads.of.get(`healthy.${namespace}`)!;
    const podsOf = () =>
      bench.kubectl([
        ...['-n', namespace, 'get', 'pods', '-l', 'melissa.dev/study=healthy'],
        ...['-o', 'jsonpath={.items[*].metadata.uid}'],
      ]);
    const [pods, { pid }] = [podsOf(), operator];

    const counts: Record<Verdict, number> = { Refused: 0, NotAccepted: 0, Runs: 0, Told: 0, LeftAlone: 0 };
    const failures: { index: number; error: unknown }[] = [];
    const indices = ONLY === undefined ? Array.from({ length: COUNT }, (_, index) => index) : [Number(ONLY)];
    const startedMs = performance.now();
    await atOnce(indices, AT_ONCE, async (index) => {
      try {
        counts[await trial(index).attempt.run()] += 1;
      } catch (error) {
        failures.push({ index, error });
      }
    });
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    t.diagnostic(`${JSON.stringify(counts)} in ${seconds} s, ${failures.length} failures`);
    // Those that come first are enough to work on.
    const told: string[] = [];
    for (const { index, error } of failures)
      t.diagnostic(`${index}: ${String(error)} after ${trial(index).steps.join('; ')}`);
    for (const { index, error } of failures.slice(0, 5)) told.push(await shrunk(index, error));
    assert.deepEqual(told, [], `${failures.length} of ${indices.length}:\n${told.join('\n')}`);

    const asked = [...requestsByStudy()].filter(([name]) => name !== 'healthy');
    const most = asked.toSorted(([, a], [, b]) => b.length - a.length)[0];
    t.diagnostic(`most requests for one study: ${most?.[0]} ${most?.[1].length}`);
    for (const [name, requests] of asked)
      assert.ok(
        requests.length <= REQUESTS_PER_STUDY_MAX,
        `${name}: ${requests.length}\n${requests.slice(-20).join('\n')}`,
      );

    const [before, seen] = [operator.requests.length, healthy.requests];
    const endMs = performance.now() + QUIET_MS;
    await until('some time to pass', () => performance.now() > endMs && healthy.requests > seen + 4);
    for (const [name, requests] of requestsByStudy(before))
      assert.ok(
        name === 'healthy' || requests.length <= QUIET_REQUESTS_MAX,
        `${name} is not left alone: ${requests.join('\n')}`,
      );

    assert.ok(operator.isRunning && operator.pid === pid, operator.log.slice(-3000));
    assert.doesNotMatch(operator.log, /"msg":"reconcile failed"/, 'no visit may end with an error that nobody foresaw');
    assert.equal(podsOf(), pods, 'the healthy study keeps its pods');
    assert.equal(await bench.condition(namespace, 'ServerReady', 'healthy'), 'True Ready');
    bench.heads.mustBeSound();
    // A namespace goes with all that runs in it, while the operator is there to let the pilots go.
    await ask(bench, 'DELETE', `/api/v1/namespaces/${namespace}`);
    const isGone = async (): Promise<boolean> =>
      (await ask(bench, 'GET', `/api/v1/namespaces/${namespace}`)).status === 404;
    await until('the end of the namespace', isGone);
    // The mutations are of use only while each of these happens often.
    if (ONLY !== undefined) return;
    const often = COUNT / 20;
    assert.ok(counts.Refused > often && counts.NotAccepted > often && counts.Runs > often, JSON.stringify(counts));
  },
);
