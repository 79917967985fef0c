// SPDX-License-Identifier: Apache-2.0
/**
 * What happens to a study's operators, pods and nodes, on a real API server with its controllers: two operators of which one stands still or dies, one that was
 * away, pods that are deleted, evicted or fail, a node that goes, an API server that refuses everybody for a while, and one that is restarted, as its etcd.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { ApiRequest } from 'operator-runtime';
import { skipWithoutCluster, skipWithoutPrivateNode } from '../../cluster/src/cluster.ts';
import { Bench } from './bench.ts';
import { isWrite, until } from './operator-process.ts';
import { ScriptedHead } from './scripted-heads.ts';

const PAUSES = Number(process.env['PAUSES'] ?? 2);
const MANY = 1_000_000;
const skip = skipWithoutCluster();
/** Of an operator that is refused everything for REFUSED_MS; its back-off starts below a second. */
const REFUSED_MS = 20_000;
const REFUSED_REQUESTS_MAX = 150;
const limits = { skip, timeout: 400_000 };
let bench: Bench;

before(
  async () => {
    if (skip !== false) return;
    bench = await Bench.open();
    for (const name of ['two', 'away', 'lost', 'node', 'refused', 'restarts']) bench.namespace(`faults-${name}`);
  },
  { timeout: 1_200_000 },
);
after(
  async () => {
    if (skip === false) await bench.close();
  },
  { timeout: 300_000 },
);

/** A study that runs on, with `pilots` of them. */
async function running(namespace: string, name: string, pilots = 4, template?: object): Promise<ScriptedHead> {
  const head = new ScriptedHead(MANY, 1, 0);
  bench.play(head, namespace, name);
  bench.apply(
    namespace,
    MANY,
    { client: { parallelism: pilots, ...(template === undefined ? {} : { template }) } },
    name,
  );
  await until('the server', bench.is(namespace, 'ServerReady', name));
  await ready(namespace, name, pilots);
  return head;
}
const ready = (namespace: string, name: string, pilots: number): Promise<void> =>
  until(`${pilots} pilots of ${name}`, async () => {
    const { client, conditions } = (await bench.study(namespace, name))?.status ?? {};
    return client?.ready === pilots && conditions?.find(({ type }) => type === 'ClientsReady')?.status === 'True';
  });
type Component = 'server' | 'pilot';
type Pod = { metadata: { name: string; uid: string }; spec: { nodeName?: string } };
async function podsOf(namespace: string, study: string, component: Component): Promise<Pod[]> {
  const { items } = await bench.send<{ items: Pod[] }>('GET', `/api/v1/namespaces/${namespace}/pods`, undefined, {
    labelSelector: `melissa.dev/study=${study},app.kubernetes.io/component=${component}`,
  });
  return items;
}
const uids = async (namespace: string, study: string, component: Component = 'server'): Promise<string[]> =>
  (await podsOf(namespace, study, component)).map(({ metadata }) => metadata.uid).sort();
const evict = (namespace: string, name: string): Promise<unknown> =>
  bench.send('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
  });
async function gone(namespace: string, study: string): Promise<void> {
  bench.kubectl(['-n', namespace, 'delete', 'mst', study]);
  await bench.nothingIsLeft(namespace);
}

// Each waits more than it computes: all at once.
describe('faults', { skip, concurrency: true }, () => {
  test(
    `of two operators one is stopped with a write in its hand, ${PAUSES} times, and then killed: the other goes on`,
    {
      skip,
      timeout: 1_800_000,
    },
    async () => {
      const namespace = 'faults-two';
      const options = { environment: { MELISSA_ELECTION: 'true', POD_NAMESPACE: namespace } };
      const operators = [await bench.operator(namespace, options), await bench.operator(namespace, options)];
      const versionOf = async (path: string): Promise<string> => {
        const object = await bench.find<{ metadata: { uid: string; resourceVersion: string } }>(
          path.replace(/\/status$/, ''),
        );
        return object === null ? 'none' : `${object.metadata.uid} ${object.metadata.resourceVersion}`;
      };
      try {
        const head = await running(namespace, 'two');
        const before = await uids(namespace, 'two');
        for (let pause = 0; pause < PAUSES; pause++) {
          const caught = { path: '', version: '', status: 0, hasChanged: false };
          let release = (): void => {};
          await until('a leader', () => operators.some(({ leads }) => leads));
          const leader = operators.find(({ leads }) => leads)!;
          const other = operators.find((one) => one !== leader)!;
          leader.onWrite = async ({ path }) => {
            leader.onWrite = () => {};
            leader.signal('SIGSTOP');
            await new Promise<void>((resolve) => {
              release = resolve;
              caught.path = path;
            });
            caught.version = await versionOf(path);
          };
          leader.onWritten = async (_request, status) => {
            leader.onWritten = () => {};
            caught.hasChanged = status < 300 && (await versionOf(caught.path)) !== caught.version;
            caught.status = status;
          };
          const pilots = 6 + (pause % 2);
          bench.patch(namespace, { client: { parallelism: pilots } }, 'two');
          await until('a write to be caught', () => caught.path !== '');
          await ready(namespace, 'two', pilots);
          assert.ok(other.leads, 'the other one leads');
          assert.equal(head.intent.parallelism, pilots);
          release();
          await until('the caught write to arrive', () => caught.status !== 0);
          leader.signal('SIGCONT');
          assert.equal(caught.hasChanged, false, `${caught.path} was changed by one that does not lead`);
          await until('the former leader to notice', () => !leader.leads);
        }
        const leader = operators.find(({ leads }) => leads)!;
        await leader.kill();
        bench.patch(namespace, { client: { parallelism: 3 } }, 'two');
        await ready(namespace, 'two', 3);
        assert.deepEqual(await uids(namespace, 'two'), before, 'no server pod was started again');
        await gone(namespace, 'two');
      } finally {
        for (const one of operators) await one.close();
      }
    },
  );

  test(
    'what changed while no operator ran is caught up: another image, and another study of the name',
    limits,
    async () => {
      const namespace = 'faults-away';
      let operator = await bench.operator(namespace);
      const restarted = async (change: () => void): Promise<void> => {
        await operator.close();
        change();
        operator = await bench.operator(namespace);
      };
      const jobUid = async () => {
        const job = await bench.find<{ metadata: { uid: string } }>(
          `/apis/batch/v1/namespaces/${namespace}/jobs/away-pilots`,
        );
        return job?.metadata.uid;
      };
      const studyUid = async () => (await bench.study(namespace, 'away'))?.metadata.uid;
      try {
        await running(namespace, 'away');
        const [pods, job] = [await uids(namespace, 'away'), await jobUid()];
        await restarted(() =>
          bench.patch(namespace, { client: { image: 'localhost/busybox:2', parallelism: 5 } }, 'away'),
        );
        await ready(namespace, 'away', 5);
        await until('new server pods', async () => (await uids(namespace, 'away')).every((uid) => !pods.includes(uid)));
        await until('the server', bench.is(namespace, 'ServerReady', 'away'));
        assert.notEqual(await jobUid(), job);
        const maps = async () => (await bench.list(namespace, 'ConfigMap')).length;
        await until('one version of the study', async () => (await maps()) === 1);
        const former = await studyUid();
        await restarted(() => {
          bench.kubectl(['-n', namespace, 'delete', 'mst', 'away', '--cascade=background']);
          bench.play(new ScriptedHead(MANY, 1, 0), namespace, 'away');
          bench.apply(namespace, MANY, { client: { parallelism: 2 } }, 'away');
        });
        assert.notEqual(await studyUid(), former);
        await until('the server', bench.is(namespace, 'ServerReady', 'away'));
        await ready(namespace, 'away', 2);
        assert.doesNotMatch(await bench.outcome(namespace), /of earlier times/);
        await gone(namespace, 'away');
      } finally {
        await operator.close();
      }
    },
  );

  test(
    'pilots that are deleted, evicted or fail are replaced, and the head hears the reason; an evicted head comes again',
    limits,
    async () => {
      const namespace = 'faults-lost';
      const operator = await bench.operator(namespace);
      try {
        const head = await running(namespace, 'pods');
        const before = await uids(namespace, 'pods');
        const isReplaced = async (pod: Pod): Promise<void> => {
          await until(`${pod.metadata.name} to be replaced`, async () => {
            const pods = await podsOf(namespace, 'pods', 'pilot');
            return pods.length === 4 && pods.every(({ metadata }) => metadata.uid !== pod.metadata.uid);
          });
          await ready(namespace, 'pods', 4);
        };
        const [first, second, third] = await podsOf(namespace, 'pods', 'pilot');
        const path = `/api/v1/namespaces/${namespace}/pods`;
        await bench.send('DELETE', `${path}/${first!.metadata.name}`);
        await isReplaced(first!);
        await evict(namespace, second!.metadata.name);
        await isReplaced(second!);
        const terminated = { reason: 'OOMKilled', exitCode: 137 };
        const containerStatuses = [
          { name: 'solver', image: 'i', imageID: '', ready: false, restartCount: 0, state: { terminated } },
        ];
        await bench.send('PATCH', `${path}/${third!.metadata.name}/status`, {
          status: { phase: 'Failed', containerStatuses },
        });
        await until('the head to hear', () => head.gone.some(({ pilot }) => pilot === third!.metadata.name));
        assert.equal(head.gone.find(({ pilot }) => pilot === third!.metadata.name)?.reason, 'OOMKilled');
        await ready(namespace, 'pods', 4);
        assert.equal(head.gone.filter(({ pilot }) => pilot === third!.metadata.name).length, 1, 'it is told once');
        assert.deepEqual(await uids(namespace, 'pods'), before);
        const pilots = await uids(namespace, 'pods', 'pilot');
        await evict(namespace, 'pods-server-0');
        await until('another head', async () => (await uids(namespace, 'pods')).some((uid) => !before.includes(uid)));
        await until(
          'the server',
          async () => (await bench.condition(namespace, 'ServerReady', 'pods')) === 'True Ready',
        );
        assert.equal(
          (await uids(namespace, 'pods')).filter((uid) => before.includes(uid)).length,
          1,
          'the rank stayed',
        );
        assert.deepEqual(await uids(namespace, 'pods', 'pilot'), pilots, 'pilots wait for a head that is away');
        await gone(namespace, 'pods');
      } finally {
        await operator.close();
      }
    },
  );

  test(
    'a node that goes takes its pilots along: told in the words of the scheduler, and again when there is one',
    limits,
    async () => {
      const namespace = 'faults-node';
      const label = { 'melissa.dev/test': namespace };
      const own = {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: {
          name: `${namespace}-node`,
          annotations: { 'kwok.x-k8s.io/node': 'fake' },
          labels: { ...label, 'kubernetes.io/hostname': `${namespace}-node` },
        },
        spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
        status: {
          allocatable: { cpu: '64', memory: '256Gi', pods: '500' },
          capacity: { cpu: '64', memory: '256Gi', pods: '500' },
        },
      };
      const node = `/api/v1/nodes/${own.metadata.name}`;
      const operator = await bench.operator(namespace);
      try {
        await bench.send('POST', '/api/v1/nodes', own);
        const template = { nodeSelector: label, tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }] };
        await running(namespace, 'node', 3, template);
        const before = await podsOf(namespace, 'node', 'pilot');
        assert.deepEqual([...new Set(before.map(({ spec }) => spec.nodeName))], [own.metadata.name]);
        await bench.send('DELETE', node);
        await until(
          'the reason',
          async () => (await bench.condition(namespace, 'ClientsReady', 'node')) === 'False Unschedulable',
        );
        assert.equal(await bench.condition(namespace, 'ServerReady', 'node'), 'True Ready');
        await bench.send('POST', '/api/v1/nodes', own);
        await ready(namespace, 'node', 3);
        const uidsBefore = new Set(before.map(({ metadata }) => metadata.uid));
        assert.ok((await podsOf(namespace, 'node', 'pilot')).every(({ metadata }) => !uidsBefore.has(metadata.uid)));
        await gone(namespace, 'node');
      } finally {
        await operator.close();
        await bench.send('DELETE', node).catch(() => {});
      }
    },
  );

  test(
    'an API server that refuses everybody for a while is not stormed, and the study is as it was',
    limits,
    async () => {
      const namespace = 'faults-refused';
      let fromMs = Infinity;
      const refused: ApiRequest[] = [];
      const text = JSON.stringify({
        kind: 'Status',
        status: 'Failure',
        code: 503,
        reason: 'ServiceUnavailable',
        message: '',
      });
      const operator = await bench.operator(namespace, {
        answer: (request) => {
          const isRefused = performance.now() >= fromMs && performance.now() < fromMs + REFUSED_MS;
          if (!isRefused) return null;
          refused.push(request);
          const body = async function* () {
            yield Buffer.from(text);
          };
          return { status: 503, headers: {}, body: body() };
        },
      });
      try {
        await running(namespace, 'refused');
        const before = await uids(namespace, 'refused');
        fromMs = performance.now();
        operator.cut();
        bench.patch(namespace, { client: { parallelism: 6 } }, 'refused');
        await until('the end of the refusals', () => performance.now() >= fromMs + REFUSED_MS);
        await ready(namespace, 'refused', 6);
        const facts = { test: 'refused', refusedMs: REFUSED_MS, requests: refused.length };
        process.stderr.write(`${JSON.stringify(facts)}\n`);
        assert.ok(
          refused.length > 0 && refused.length <= REFUSED_REQUESTS_MAX,
          `${refused.length} requests were refused`,
        );
        assert.ok(refused.filter(isWrite).length <= refused.length / 2);
        assert.deepEqual(await uids(namespace, 'refused'), before);
        await gone(namespace, 'refused');
      } finally {
        await operator.close();
      }
    },
  );
});

test(
  'API server and etcd are killed under a study that runs: it is as it was, and follows the next change',
  {
    skip: skipWithoutPrivateNode(),
    timeout: 900_000,
  },
  async () => {
    const namespace = 'faults-restarts';
    const operator = await bench.operator(namespace);
    const { cluster } = bench;
    try {
      await running(namespace, 'restarts');
      const before = await uids(namespace, 'restarts');
      let pilots = 4;
      for (const part of ['apiserver', 'etcd']) {
        await cluster.stop(part, 'SIGKILL');
        cluster.start(part);
        await until('the API server', () => cluster.kubectl(['get', '--raw', '/readyz']).status === 0);
        pilots += 1;
        bench.patch(namespace, { client: { parallelism: pilots } }, 'restarts');
        await ready(namespace, 'restarts', pilots);
        assert.deepEqual(await uids(namespace, 'restarts'), before, `after ${part}`);
      }
      assert.ok(operator.isRunning, operator.log);
      await gone(namespace, 'restarts');
    } finally {
      await operator.close();
    }
  },
);
