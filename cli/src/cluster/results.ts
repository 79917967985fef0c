// SPDX-License-Identifier: Apache-2.0
/**
 * Brings a study's results from the head's directory in the cluster to a folder here. While the head runs its own container reads
 * them; afterwards a short-lived pod with the server's image does, on the claim. The files come one after another on one
 * stream: a line of JSON with path and size, then so many bytes. No `tar` is needed in the image.
 */
import { dirname, join, normalize } from 'node:path';
import { failure } from '../errors.ts';
import { READER_POD_SECONDS_MAX } from '../limits.ts';
import type { Files, World } from '../world.ts';
import { ask, placeOf, type OnCluster } from './studies.ts';

const dataFolder = '/var/lib/melissa';

/** Runs in the container, on its Node. */
const sender = `
const { createReadStream } = require('node:fs');
const { readdir, stat } = require('node:fs/promises');
const { once } = require('node:events');
const out = process.stdout;
async function send(folder, prefix) {
  for (const name of (await readdir(folder)).sort()) {
    const path = folder + '/' + name, shown = prefix + name, about = await stat(path);
    if (about.isDirectory()) { await send(path, shown + '/'); continue; }
    out.write(JSON.stringify({ path: shown, size: about.size }) + '\\n');
    if (about.size === 0) continue;
    for await (const part of createReadStream(path, { end: about.size - 1 })) if (!out.write(part)) await once(out, 'drain');
  }
}
send('${dataFolder}/results', '').then(() => out.write('{"end":true}\\n'));
`;

/** Takes the stream apart; writes as it goes, one file in memory at a time. */
export class Unpacker {
  isComplete = false;
  files = 0;
  #folder: string;
  #write: Pick<Files, 'writeBytes' | 'makeDirectory'>;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #header: { path: string; size: number } | null = null;

  constructor(folder: string, write: Pick<Files, 'writeBytes' | 'makeDirectory'>) {
    this.#folder = folder;
    this.#write = write;
  }
  take(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    while (this.#step()) continue;
  }
  #step(): boolean {
    if (this.#header !== null) {
      if (this.#heldBytes < this.#header.size) return false;
      this.#put(this.#header.path, this.#cut(this.#header.size));
      this.#header = null;
      return true;
    }
    const all = this.#cut(this.#heldBytes);
    const end = all.indexOf(10);
    const rest = end < 0 ? all : all.subarray(end + 1);
    if (rest.length > 0) this.#held = [rest];
    this.#heldBytes = rest.length;
    if (end < 0) return false;
    const header = JSON.parse(Buffer.from(all.subarray(0, end)).toString()) as {
      end?: true;
      path: string;
      size: number;
    };
    if (header.end === true) this.isComplete = true;
    else this.#header = header;
    return true;
  }
  #cut(size: number): Uint8Array {
    const all = this.#held.length === 1 ? this.#held[0]! : new Uint8Array(Buffer.concat(this.#held));
    const rest = all.subarray(size);
    this.#held = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
    return all.subarray(0, size);
  }
  #put(path: string, bytes: Uint8Array): void {
    const inside = normalize(path);
    // The other side is a container that may have been taken over: nothing is written outside the folder.
    if (inside.startsWith('..') || inside.startsWith('/'))
      throw failure('EKUBECTL', `the study server sent the path ${path}`);
    const target = join(this.#folder, inside);
    this.#write.makeDirectory(dirname(target));
    this.#write.writeBytes(target, bytes);
    this.files += 1;
  }
}

export async function fetchResults(world: World, place: OnCluster, name: string, folder: string): Promise<number> {
  const unpacker = new Unpacker(folder, world.files);
  const set = JSON.parse(
    await ask(world, place, ['get', 'statefulset', `${name}-server`, '-o', 'json']),
  ) as StatefulSet;
  const isServed = (set.status?.readyReplicas ?? 0) > 0;
  const pod = isServed ? `${name}-server-0` : await startReader(world, place, name, set);
  try {
    const words = [...placeOf(place), 'exec', pod, '-c', 'server', '--', '/usr/local/bin/node', '--eval', sender];
    const { code, stderr } = await world.kubectl(words, { onOutput: (bytes) => unpacker.take(bytes) });
    if (code !== 0 || !unpacker.isComplete) throw failure('ENORESULTS', stderr.trim());
  } finally {
    if (!isServed) await world.kubectl([...placeOf(place), 'delete', 'pod', pod, '--wait=false', '--ignore-not-found']);
  }
  return unpacker.files;
}

type Container = { name: string; image: string; volumeMounts?: { name: string; mountPath: string }[] };
type StatefulSet = {
  spec: {
    template: {
      spec: { containers: Container[]; volumes?: { name: string; persistentVolumeClaim?: { claimName: string } }[] };
    };
  };
  status?: { readyReplicas?: number };
};

/** A pod with the server's image on the study's claim, as restricted as the server; gone after a quarter of an hour at the latest. */
export function readerPod(name: string, pod: string, set: StatefulSet): object {
  const { containers, volumes } = set.spec.template.spec;
  const server = containers.find((container) => container.name === 'server') ?? containers[0]!;
  const mount = server.volumeMounts?.find(({ mountPath }) => mountPath === dataFolder);
  const claim = volumes?.find((volume) => volume.name === mount?.name)?.persistentVolumeClaim?.claimName;
  if (claim === undefined) throw failure('ENORESULTS', `${name} keeps its checkpoint on no claim`);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, labels: { 'app.kubernetes.io/name': 'melissa-results', 'melissa.dev/study': name } },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: READER_POD_SECONDS_MAX,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'server',
          image: server.image,
          imagePullPolicy: 'IfNotPresent',
          command: ['/usr/local/bin/node', '--eval', `setTimeout(() => undefined, ${READER_POD_SECONDS_MAX * 1000})`],
          resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'data', mountPath: dataFolder, subPath: `${name}-server-0`, readOnly: true }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim, readOnly: true } }],
    },
  };
}

async function startReader(world: World, place: OnCluster, name: string, set: StatefulSet): Promise<string> {
  const pod = `${name}-results-${world.randomHex(3)}`;
  await ask(world, place, ['create', '-f', '-'], JSON.stringify(readerPod(name, pod, set)));
  await ask(world, place, ['wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=120s']);
  return pod;
}
