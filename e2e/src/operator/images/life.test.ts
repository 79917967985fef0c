// SPDX-License-Identifier: Apache-2.0
/**
 * What happens to a study while it runs on a cluster: processes killed, pods taken away, its size changed, its life interrupted, its operator upgraded, uninstalled and
 * installed again. Each time it ends by itself with the digests of one machine, and the operator never starts a pod again that did not have to.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { heatManifest } from '../../pods/study-pods.ts';
import {
  get,
  heatClient,
  laboratory,
  onOneMachine,
  processOf,
  skipWithoutImages,
  until,
  type Digests,
  type Lab,
  type Manifest,
} from './lab.ts';

const skip = skipWithoutImages(['heat']);
const limits = { skip, timeout: 600_000 };
let lab: Lab;

laboratory('life', ['heat'], skip, (opened) => (lab = opened));

const client = heatClient({ drainSeconds: 5 });
/** The same simulations here and there; there each takes long enough to be disturbed. */
function manifestOf(name: string, more: Record<string, unknown> = {}): Manifest {
  const spec = {
    sampling: { method: 'PickFreeze', groups: 24, seed: 7 },
    client: { ...client, preprocessing: ['busybox', 'sleep', '0.3'] },
    server: {
      ranks: 2,
      memory: '512Mi',
      checkpoint: { periodSeconds: 3 },
      template: { resources: { requests: { cpu: '50m' } } },
    },
    faultPolicy: { retryLimit: 5 },
    ...more,
  };
  return { ...heatManifest(spec), metadata: { name } };
}
let here: Digests | null = null;
const expected = (): Digests => (here ??= onOneMachine(manifestOf('here', { client })));

/** To the end, with the right results, and away. */
async function endsRight(name: string): Promise<void> {
  lab.waitFor('Succeeded', name, 400);
  assert.deepEqual(await lab.digests(name), expected(), lab.k(`get mst ${name} -o jsonpath={.status}`));
  await lab.deleteStudy(name);
}

/** Kills with SIGKILL what cannot be asked, in the pod that it is found in. False: this node's processes are not to be seen here. */
async function killIn(pods: () => string[], namespace: string, program: RegExp): Promise<void> {
  let pid: number | null = null;
  await until(`a process ${program.source}`, () => {
    pid = pods().map((pod) => processOf(pod, namespace, program)).find((found) => found !== null) ?? null; // prettier-ignore
    return pid !== null;
  });
  process.kill(pid!, 'SIGKILL');
}
const forced = ['--grace-period=0', '--force', '--wait=false'];
const pilots = (study: string) => (): string[] =>
  lab
    .pods(study, 'pilot')
    .filter(({ status, metadata }) => status?.phase === 'Running' && metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);
const operators = (): string[] =>
  lab
    .kubectl(['-n', lab.system, 'get', 'pods', '-l', 'app.kubernetes.io/name=melissa-operator', '-o', 'name'])
    .trim()
    .split('\n')
    .map((name) => name.replace('pod/', ''));
const deletePod = (namespace: string, name: string | undefined): void =>
  void lab.kubectl(['-n', namespace, 'delete', 'pod', name ?? 'none', ...forced]);

const faults: Record<string, (study: string) => Promise<void> | void> = {
  'a solver is killed': (study) => killIn(pilots(study), lab.namespace, /(^|[/])heat$/),
  'a pilot is killed': (study) => killIn(pilots(study), lab.namespace, /melissa-pilot$/),
  'the head is killed': (study) => killIn(() => [`${study}-server-0`], lab.namespace, /server[/]src[/]main[.]ts$/),
  'a rank is killed': (study) => killIn(() => [`${study}-server-2`], lab.namespace, /server[/]src[/]main[.]ts$/),
  'the operator is killed': () => killIn(operators, lab.system, /operator[/]src[/]main[.]ts$/),
  'a pilot’s pod is taken away': (study) => deletePod(lab.namespace, pilots(study)()[0]),
  'the head’s pod is taken away': (study) => deletePod(lab.namespace, `${study}-server-0`),
  'a rank’s pod is taken away': (study) => deletePod(lab.namespace, `${study}-server-1`),
  'the operator’s pod is taken away': () => deletePod(lab.system, operators()[0]),
};

for (const [index, [what, strike]] of Object.entries(faults).entries())
  test(`${what} while a study runs: the right results`, limits, async () => {
    const study = `fault-${index}`;
    lab.apply(manifestOf(study));
    await lab.untilProgress(study, 0.2);
    await strike(study);
    assert.ok(lab.progress(study) < 1, 'the study still ran');
    await endsRight(study);
  });

test('one thing after another in one study: the right results', limits, async () => {
  lab.apply(manifestOf('all'));
  await lab.untilProgress('all', 0.05);
  for (const [index, [, strike]] of Object.entries(faults).entries()) {
    await strike('all');
    const share = Math.min(0.05 + (index + 1) * 0.09, 0.9);
    await lab.untilProgress('all', share);
  }
  await endsRight('all');
});

test('kubectl scale up and down while it runs', limits, async () => {
  lab.apply(manifestOf('size'));
  await lab.untilProgress('size', 0.1);
  const active = () => pilots('size')().length;
  assert.equal(lab.k('get mst size -o jsonpath={.spec.client.parallelism}'), '2');
  lab.k('scale mst/size --replicas=4');
  await until('four pilots', () => active() === 4);
  lab.k('scale mst/size --replicas=1');
  await until('one pilot', () => active() === 1);
  assert.equal(lab.k('get mst size -o jsonpath={.status.client.desired}'), '1');
  lab.k('scale mst/size --replicas=3');
  await endsRight('size');
});

test('suspended no pod is left and the claim stays; resumed it goes on from where it was', limits, async () => {
  lab.apply(manifestOf('pause'));
  await lab.untilProgress('pause', 0.3);
  lab.k('patch mst pause --type=merge -p {"spec":{"suspend":true}}');
  lab.waitFor('Suspended', 'pause', 120);
  assert.deepEqual([...lab.pods('pause', 'server'), ...lab.pods('pause', 'pilot')], []);
  const before = lab.progress('pause');
  assert.match(lab.left('pause'), /persistentvolumeclaim[/]pause-checkpoint/);
  lab.k('patch mst pause --type=merge -p {"spec":{"suspend":false}}');
  await lab.untilProgress('pause', before);
  const seen = lab.progress('pause');
  assert.ok(before >= 0.3 && seen >= before && seen < 1, `${before} done before, ${seen} after`);
  await endsRight('pause');
});

type Lives = Record<string, number>;
/** Every pod of a study by its uid, with how often its containers were started again. */
const lives = (study: string): Lives =>
  Object.fromEntries(
    [...lab.pods(study, 'server'), ...lab.pods(study, 'pilot')].map(({ metadata, status }) => [
      `${metadata.name} ${metadata.uid}`,
      (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    ]),
  );

/** Asks REST all the while; returns the answers that were not good. */
async function watched(study: string, during: () => Promise<void> | void): Promise<number[]> {
  const bad: number[] = [];
  const token = lab.secret(study, 'token');
  await lab.forwarded(study, 8888, async (local) => {
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const { status } = await get(`http://127.0.0.1:${local}/v1/status`, token);
        if (status !== 200) bad.push(status);
        await new Promise((wake) => setTimeout(wake, 100));
      }
    })();
    try {
      await during();
    } finally {
      isOver = true;
      await watching;
    }
  });
  return bad;
}

test(
  'helm upgrade of the operator under a running study: no pod is started again, no answer is refused',
  limits,
  async () => {
    lab.apply(manifestOf('upgraded', { sampling: { method: 'PickFreeze', groups: 24, seed: 7 } }));
    await lab.untilProgress('upgraded', 0.1);
    const before = lives('upgraded');
    const old = operators();
    const bad = await watched('upgraded', async () => {
      // Another operator with other images for studies that are yet to come: this one was started with its own.
      lab.install(['operator.logLevel=debug', 'images.server.tag=of-tomorrow', 'images.pilot.tag=of-tomorrow']);
      await until('the new operator', () => operators().every((name) => !old.includes(name)));
      await lab.untilProgress('upgraded', Math.min(1, lab.progress('upgraded') + 0.1));
    });
    assert.deepEqual(bad, []);
    assert.deepEqual(lives('upgraded'), before);
    const log = lab.kubectl(['-n', lab.system, 'logs', '-l', 'app.kubernetes.io/name=melissa-operator', '--tail=-1']);
    assert.doesNotMatch(log, /EINTENT_OLD|"status":4\d\d/);
    await endsRight('upgraded');
    lab.install();
  },
);

test(
  'uninstalled, the operator leaves the kind and the studies, which go on; installed again, it takes them over',
  limits,
  async () => {
    lab.apply(manifestOf('adopted'));
    await lab.untilProgress('adopted', 0.1);
    const before = lives('adopted');
    lab.uninstall();
    assert.equal(lab.k('get mst -o name').trim(), 'melissastudy.melissa.dev/adopted');
    const done = async (): Promise<number> => {
      const { simulations } = JSON.parse((await lab.ask('adopted', '/v1/status')).text) as {
        simulations: { done: number };
      };
      return simulations.done;
    };
    const then = await done();
    await until('the study to go on without an operator', async () => (await done()) > then);
    lab.install();
    await lab.untilProgress('adopted', 0.3);
    assert.deepEqual(lives('adopted'), before);
    await endsRight('adopted');
  },
);
