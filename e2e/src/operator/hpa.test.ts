// SPDX-License-Identifier: Apache-2.0
/**
 * A HorizontalPodAutoscaler of the cluster's own, fed with `melissa_simulations_pending` of the operator's metrics by an aggregated API: a study with much to do gets six
 * pilots, and two again when little is left.
 */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { skipWithoutCluster } from '../../cluster/src/cluster.ts';
import { cleanUp } from '../melissa.ts';
import { Bench } from './bench.ts';
import { ExternalMetrics } from './external-metrics.ts';
import { metricsOf, namespaceOf, removeNamespace } from './load.ts';
import { until, type OperatorProcess } from './operator-process.ts';
import { ScriptedHead } from './scripted-heads.ts';

const skip = skipWithoutCluster();
const namespace = namespaceOf('autoscaled');
/** One pilot for so many simulations that wait. The controller looks every 15 s. */
const PER_PILOT = 100;
const SIMULATIONS = 2000;
/** So few are left when it shall have two pilots again. */
const LEFT = 150;
/** Of one pilot in a second, when it is time. */
const RATE = 50;
let bench: Bench;
let operator: OperatorProcess;
let metrics: ExternalMetrics;

before(
  async () => {
    if (skip !== false) return;
    bench = await Bench.open();
    bench.namespace(namespace);
    operator = await bench.operator(namespace);
    metrics = new ExternalMetrics(bench, namespace, () => metricsOf(operator));
    await metrics.start();
  },
  { timeout: 1_200_000 },
);
after(
  async () => {
    if (skip !== false) return;
    await metrics?.close();
    await operator?.close();
    await removeNamespace(bench, namespace);
    cleanUp();
    await bench.close();
  },
  { timeout: 600_000 },
);

const autoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'heat', namespace },
  spec: {
    scaleTargetRef: { apiVersion: 'melissa.dev/v1alpha1', kind: 'MelissaStudy', name: 'heat' },
    ...{ minReplicas: 2, maxReplicas: 6 },
    metrics: [
      {
        type: 'External',
        external: {
          metric: { name: 'melissa_simulations_pending', selector: { matchLabels: { study: 'heat' } } },
          target: { type: 'AverageValue', averageValue: String(PER_PILOT) },
        },
      },
    ],
    // The five minutes that it waits by default before it takes pilots away are for load that comes back.
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
  },
};

test('an autoscaler drives a study from two pilots to six and back', { skip, timeout: 600_000 }, async (t) => {
  // Nothing ends before the autoscaler has seen how much there is.
  const head = new ScriptedHead(SIMULATIONS, 1, 0);
  bench.heads.of.set(`heat.${namespace}`, head);
  bench.apply(namespace, SIMULATIONS, { client: { parallelism: 2 } }, 'heat');
  await until('two pilots', bench.is(namespace, 'ClientsReady', 'heat'));
  const seen: number[] = [];
  const look = async (): Promise<{ wanted: number; ready: number }> => {
    const study = await bench.study(namespace, 'heat');
    const { parallelism } = study?.spec['client'] as { parallelism: number };
    if (seen.at(-1) !== parallelism) seen.push(parallelism);
    return { wanted: parallelism, ready: study?.status?.client?.ready ?? 0 };
  };
  const reached = (pilots: number) => async (): Promise<boolean> => {
    const { wanted, ready } = await look();
    return wanted === pilots && ready === pilots;
  };
  assert.deepEqual(await look(), { wanted: 2, ready: 2 });
  bench.kubectl(['apply', '-f', '-'], JSON.stringify(autoscaler));
  const because = (error: unknown): never => {
    const { stdout } = bench.cluster.kubectl(['-n', namespace, 'describe', 'hpa,mst']);
    throw new TypeError(`parallelism was ${seen.join(' → ')}, ${metrics.asked} questions\n${stdout.slice(-6000)}`, {
      cause: error,
    });
  };
  await until('six pilots', reached(6)).catch(because);
  // The head hears of every change.
  assert.equal(head.intent.parallelism, 6);
  head.rate = RATE;
  await until('little to be left', () => SIMULATIONS - head.done <= LEFT);
  head.rate = 0;
  await until('two pilots again', async () => (await look()).wanted === 2, 300_000).catch(because);
  t.diagnostic(`parallelism was ${seen.join(' → ')}, ${metrics.asked} questions`);
  assert.ok(seen.every((pilots) => pilots >= 2 && pilots <= 6));
  bench.heads.mustBeSound();
});
