// SPDX-License-Identifier: Apache-2.0
/**
 * How long a scientist waits from `kubectl apply` to the first data of a study, beside a plain Job with the same image: what the operator, the server and the
 * handshakes add to what Kubernetes takes for any pod. Times are of one clock: the node's, which is this machine's.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { heatManifest } from '../../pods/study-pods.ts';
import { heatClient, laboratory, skipWithoutImages, type Lab, type Manifest } from './lab.ts';

const skip = skipWithoutImages(['heat']);
const ROUNDS = 5;
/** The goal: what a study may take longer than a plain Job. */
const MORE_MS = 3000;
let lab: Lab;

laboratory('first', ['heat'], skip, (opened) => (lab = opened));

const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1', memory: '256Mi' } };

/** From apply to the first line of the Job's log. */
function plainJob(round: number): number {
  const name = `plain-${round}`;
  const security = { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } };
  const container = {
    name: 'solver',
    image: 'docker.io/example/heat:1.0',
    command: ['/bin/busybox', 'echo', 'started'],
    resources,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  const template = { spec: { restartPolicy: 'Never', securityContext: security, containers: [container] } };
  const startMs = Date.now();
  lab.k('apply -f -', JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template } }));
  lab.k(`wait --for=condition=Complete job/${name} --timeout=60s`);
  const [time = ''] = lab.k(`logs job/${name} --timestamps`).split(' ');
  lab.k(`delete job ${name}`);
  return Date.parse(time) - startMs;
}

/** From apply to the first message of a solver that a rank counted, by the head's own record of events. */
async function study(round: number): Promise<number> {
  const name = `study-${round}`;
  const manifest: Manifest = {
    ...heatManifest({
      client: heatClient({ parallelism: 1, template: { resources } }),
      server: { ranks: 1, memory: '512Mi' },
    }),
    metadata: { name },
  };
  const startMs = Date.now();
  lab.apply(manifest);
  lab.waitFor('Succeeded', name);
  const { events } = JSON.parse((await lab.ask(name, '/v1/events?entity=simulation&limit=1000')).text) as {
    events: { time: string; to: string }[];
  };
  // The first simulation whose data are all counted: not before its first sample.
  const first = events.find(({ to }) => to === 'Done');
  assert.ok(first !== undefined, JSON.stringify(events.slice(0, 5)));
  await lab.deleteStudy(name);
  return Date.parse(first.time) - startMs;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

test(
  'a study’s first data come at most 3 s after those of a plain Job',
  { skip, timeout: 900_000 },
  async (context) => {
    const [jobs, studies]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      jobs.push(plainJob(round));
      studies.push(await study(round));
    }
    context.diagnostic(`plain Job ${jobs.join(', ')} ms; study ${studies.join(', ')} ms`);
    assert.ok(
      median(studies) <= median(jobs) + MORE_MS,
      `plain Job ${jobs.join(', ')} ms; study ${studies.join(', ')} ms`,
    );
  },
);
