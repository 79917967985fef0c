// SPDX-License-Identifier: Apache-2.0
/**
 * Many studies at once, and one study with many pilots, on a real API server with the cluster's own controllers: what the operator writes, how large it is, how much
 * memory it takes, and how long a visit lasts. MELISSA_STUDIES and MELISSA_PILOTS set how many; MELISSA_LOAD_RESULTS names a file for the numbers.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import test, { after, before, type TestContext } from 'node:test';
import { fakeNodeSelector, fakeNodeToleration, skipWithoutCluster } from '../../cluster/src/cluster.ts';
import { Bench, type StudyObject } from './bench.ts';
import { ask, atOnce, isChildWrite, isEvent, isStatus, isWatch, memoryOf, metricsOf, namespaceOf } from './load.ts';
import { quantileOf, removeNamespace, studiesPath } from './load.ts';
import { until, type OperatorProcess } from './operator-process.ts';
import { ScriptedHead } from './scripted-heads.ts';

const STUDIES = Number(process.env['MELISSA_STUDIES'] ?? 100);
const PILOTS = Number(process.env['MELISSA_PILOTS'] ?? 300);
/** What the project promises of its operator. */
const OBJECTS_PER_STUDY_MAX = 12;
const OBJECT_BYTES_MAX = 64_000;
const MEMORY_MB_MAX = 200;
/** Its objects, each once; the end of StatefulSet and Job; and some changes of parallelism on the way. */
const WRITES_PER_STUDY_MAX = 20;
/** A pilot that comes or goes is a matter of the cluster's controllers. */
const WRITES_OF_PILOTS_MAX = 20;
/** At 20 looks a second for all of them, and three looks for each, with patience. */
const limitMs = Math.max(300_000, STUDIES * 1500);
/** A fake node takes 500 pods; a study needs a head, a rank and a pilot. */
const NODES = Math.ceil(Math.max(3 * STUDIES, PILOTS + 10) / 450);

const skip = skipWithoutCluster();
const limits = { skip, timeout: limitMs + 300_000 };
const namespaces = { many: namespaceOf('many'), wide: namespaceOf('wide') };
let bench: Bench;

before(
  async () => {
    if (skip !== false) return;
    bench = await Bench.open(Math.max(3, NODES));
    for (const name of Object.values(namespaces)) bench.namespace(name);
  },
  { timeout: 1_200_000 },
);
after(
  async () => {
    if (skip !== false) return;
    for (const name of Object.values(namespaces)) await removeNamespace(bench, name);
    await bench.close();
  },
  { timeout: 900_000 },
);

const template = { nodeSelector: fakeNodeSelector, tolerations: [fakeNodeToleration] };
const small = (cpu: string) => ({ ...template, resources: { requests: { cpu, memory: '16Mi' } } });

function manifestOf(name: string, simulations: number, parallelism: number): object {
  return {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name },
    spec: {
      parameters: [{ name: 'x', uniform: { min: 0, max: 1 } }],
      sampling: { method: 'Random', simulations },
      fields: [{ name: 'u', cells: 10 }],
      client: { image: 'localhost/busybox:1', command: ['solver', '{x}'], parallelism, template: small('1m') },
      server: { template: small('1m'), keepSeconds: 3600, checkpoint: { storage: { size: '1Mi' } } },
    },
  };
}

async function create(namespace: string, name: string, manifest: object): Promise<void> {
  const { status, body } = await ask(bench, 'POST', studiesPath(namespace), { body: manifest });
  assert.equal(status, 201, `${name}: ${JSON.stringify(body)}`);
}

const isTrue = ({ status }: StudyObject, type: string): boolean =>
  status?.conditions?.some((one) => one.type === type && one.status === 'True') === true;

/** Numbers of one operator's work, told, kept and held against what is promised. */
async function account(t: TestContext, operator: OperatorProcess, what: string, seconds: number, studies: number) {
  const samples = await metricsOf(operator);
  const requests = operator.requests.filter((one) => !isWatch(one));
  const children = requests.filter(isChildWrite);
  const sizes = requests.filter(({ method }) => method === 'PATCH').map(({ body = '' }) => Buffer.byteLength(body));
  const rounded = (value: number, digits = 3): number => Number(value.toPrecision(digits));
  const { nowMb, peakMb } = memoryOf(operator);
  const numbers = {
    what,
    studies,
    seconds: rounded(seconds),
    requestsPerSecond: rounded(requests.length / seconds),
    requestsPerStudy: rounded(requests.length / studies),
    childWritesPerStudy: rounded(children.length / studies),
    statusWritesPerStudy: rounded(requests.filter(isStatus).length / studies),
    eventsPerStudy: rounded(requests.filter((one) => isEvent(one) && one.method !== 'GET').length / studies),
    objectsPerStudy: rounded(new Set(children.map(({ path }) => path)).size / studies),
    largestWriteBytes: Math.max(...sizes),
    memoryMb: rounded(nowMb),
    peakMemoryMb: rounded(peakMb),
    reconcileP50Ms: rounded(1000 * quantileOf(samples, 'controller_runtime_reconcile_time_seconds', 0.5)),
    reconcileP99Ms: rounded(1000 * quantileOf(samples, 'controller_runtime_reconcile_time_seconds', 0.99)),
    queueP99Ms: rounded(1000 * quantileOf(samples, 'workqueue_queue_duration_seconds', 0.99)),
    reconcileErrors: samples.find(({ name }) => name === 'controller_runtime_reconcile_errors_total')?.value ?? 0,
  };
  t.diagnostic(JSON.stringify(numbers));
  const path = process.env['MELISSA_LOAD_RESULTS'];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(numbers)}\n`);
  assert.ok(numbers.objectsPerStudy <= OBJECTS_PER_STUDY_MAX, `${numbers.objectsPerStudy} objects a study`);
  assert.ok(numbers.largestWriteBytes < OBJECT_BYTES_MAX, `an object of ${numbers.largestWriteBytes} bytes`);
  assert.ok(numbers.peakMemoryMb <= MEMORY_MB_MAX, `${numbers.peakMemoryMb} MB`);
  return numbers;
}

test(`${STUDIES} studies at once all end`, limits, async (t) => {
  const { many } = namespaces;
  const operator = await bench.operator(many);
  try {
    const names = Array.from({ length: STUDIES }, (_, index) => `s${index}`);
    for (const name of names) bench.heads.of.set(`${name}.${many}`, new ScriptedHead(20));
    const startedMs = performance.now();
    await atOnce(names, 16, (name) => create(many, name, manifestOf(name, 20, 1)));
    let left = '';
    const haveEnded = async (): Promise<boolean> => {
      const { items } = await bench.find<{ items: StudyObject[] }>(studiesPath(many)).then((list) => list!);
      left = `${items.filter((one) => !isTrue(one, 'Succeeded')).length} of ${items.length} have not ended`;
      return items.length === STUDIES && items.every((one) => isTrue(one, 'Succeeded'));
    };
    await until('all to end', haveEnded, limitMs, 1000).catch((error: unknown) => {
      throw new TypeError(`${left}\n${operator.log.slice(-3000)}`, { cause: error });
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const numbers = await account(t, operator, 'studies', seconds, STUDIES);
    assert.ok(numbers.childWritesPerStudy <= WRITES_PER_STUDY_MAX, `${numbers.childWritesPerStudy} writes a study`);
    bench.heads.mustBeSound();
  } finally {
    await operator.close();
  }
});

test(`one study of 100,000 simulations with ${PILOTS} pilots`, limits, async (t) => {
  const { wide } = namespaces;
  const operator = await bench.operator(wide);
  try {
    bench.heads.of.set(`wide.${wide}`, new ScriptedHead(100_000, 1, 0));
    const startedMs = performance.now();
    await create(wide, 'wide', manifestOf('wide', 100_000, PILOTS));
    const ready = async (): Promise<number> => (await bench.study(wide, 'wide'))?.status?.client?.ready ?? 0;
    await until('all pilots', async () => (await ready()) === PILOTS, limitMs);
    t.diagnostic(`${PILOTS} pilots after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    for (const pilots of [Math.floor(PILOTS / 3), PILOTS]) {
      bench.patch(wide, { client: { parallelism: pilots } }, 'wide');
      await until(`${pilots} pilots`, async () => (await ready()) === pilots, limitMs);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const numbers = await account(t, operator, 'pilots', seconds, 1);
    // Not one of them for a pilot.
    assert.ok(numbers.childWritesPerStudy <= WRITES_OF_PILOTS_MAX, `${numbers.childWritesPerStudy} writes`);
    assert.ok(numbers.statusWritesPerStudy <= seconds + 5, 'a status is written at most once a second');
  } finally {
    await operator.close();
  }
});
