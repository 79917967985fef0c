// SPDX-License-Identifier: Apache-2.0
/**
 * A study's pods as processes of this machine: mounts as folders, every pod a folder of its own as data, free ports on the
 * loopback interface instead of the cluster's. What an operator makes (operator/CONTRACT.md) is made here by hand, so that
 * the server's side of the contract is tested without a cluster.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { compileStudy } from '@melissa/crds';
import { createClient, type Client, type FetchLike } from '@melissa/api';
import { encodeZ85 } from '@melissa/kit';
import { root } from '../melissa.ts';

export const LIMIT_MS = 120_000;

export function heatManifest(spec: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: 'heat' },
    spec: {
      parameters: [
        { name: 'initial', unit: 'K', uniform: { min: 100, max: 500 } },
        { name: 'left', unit: 'K', normal: { mean: 300, sd: 20 } },
        { name: 'right', unit: 'K', uniform: { min: 100, max: 500 } },
      ],
      sampling: { method: 'PickFreeze', groups: 12, seed: 7 },
      time: { steps: 10, unit: 's', start: 0.01, step: 0.01 },
      fields: [{ name: 'temperature', unit: 'K', shape: [16, 16] }],
      statistics: { moments: 4, extrema: true, quantiles: [0.05, 0.5, 0.95], sobol: { estimator: 'Martinez' } },
      client: { image: 'example/heat:1.0', command: ['heat'], args: ['{initial}', '{left}', '{right}', '10', '16'] },
      server: { ranks: 2 },
      ...spec,
    },
  };
}

type Pair = { publicKey: string; secretKey: string };
function keyPair(): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    publicKey: encodeZ85(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    secretKey: encodeZ85(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)),
  };
}

/** A certificate for localhost that signs itself, as the per-study authority does. */
export function certificate(folder: string, name: string): { key: string; certificate: string } {
  const [key, pem] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const ended = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=heat', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', pem], // prettier-ignore
    { encoding: 'utf8' },
  );
  assert.equal(ended.status, 0, ended.stderr);
  return { key, certificate: pem };
}

export class StudyPods {
  readonly folder: string;
  readonly token = randomBytes(24).toString('hex');
  readonly ranks: number;
  #processes = new Set<ChildProcess>();
  #more: string[];

  constructor(folder: string, manifest: Record<string, unknown>, more: string[] = []) {
    this.folder = folder;
    this.#more = more;
    const result = compileStudy(manifest, { manifestDirectory: '/nowhere', readText: () => '' });
    assert.ok('study' in result, JSON.stringify(result));
    this.ranks = result.study.server.ranks;
    for (const name of ['study', 'server', 'client', 'work']) mkdirSync(join(folder, name), { recursive: true });
    const put = (path: string, text: string) => writeFileSync(join(folder, path), text);
    put('study/compiled.json', JSON.stringify(result.study));
    put('study/manifest.json', JSON.stringify(manifest));
    const [server, client] = [keyPair(), keyPair()];
    const leaseToken = randomBytes(24).toString('hex');
    put('server/server.key', server.secretKey);
    put('client/client.key', client.secretKey);
    for (const side of ['server', 'client']) {
      put(`${side}/server.pub`, server.publicKey);
      put(`${side}/client.pub`, client.publicKey);
      put(`${side}/lease-token`, leaseToken);
    }
    put('server/token', this.token);
    certificate(join(folder, 'server'), 'tls');
  }

  /** Starts pod `index` with these words, and again with the same data. */
  start(index: number): ChildProcess {
    const data = this.data(index);
    mkdirSync(data, { recursive: true });
    if (index === 0) rmSync(join(data, 'head.json'), { force: true });
    const { folder } = this;
    const args = ['pod', '--config', join(folder, 'study'), '--secrets', join(folder, 'server'), '--data', data];
    args.push('--headless', 'heat-server.default.svc', '--ranks', String(this.ranks), '--advertise', '127.0.0.1');
    args.push('--listen', this.#ports[index] ?? 'tcp://127.0.0.1:*', '--https', '127.0.0.1:0', ...this.#more);
    if (index === 0) args.push('--http', '127.0.0.1:0');
    else args.push('--head', this.headFile().control);
    const environment = {
      MELISSA_POD_NAME: `heat-server-${index}`,
      MELISSA_POD_INDEX: String(index),
      MELISSA_NAMESPACE: 'default',
      MELISSA_STUDY: 'heat',
    };
    return this.#spawn(process.execPath, [join(root, 'server/src/main.ts'), ...args], `pod-${index}`, environment);
  }
  /** The head keeps its port from one life to the next, as a pod does. */
  #ports: Record<number, string> = {};

  /** `program` and `path` are another pilot and the folder of another solver. */
  pilot(id: string, more: string[] = [], other: { program?: string; path?: string } = {}): ChildProcess {
    const { folder } = this;
    const args = ['--head', this.headFile().control, '--token-file', join(folder, 'client/lease-token')];
    args.push('--curve-dir', join(folder, 'client'), '--id', id, '--work', join(folder, 'work', id), ...more);
    const path = `${other.path ?? join(root, 'examples/heat/bin')}:${process.env['PATH'] ?? ''}`;
    const program = other.program ?? join(root, 'build/client-api/pilot/melissa-pilot');
    return this.#spawn(program, args, id, { PATH: path });
  }
  #spawn(command: string, args: string[], name: string, environment: Record<string, string>): ChildProcess {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', log, log] });
    this.#processes.add(child);
    return child;
  }

  data(index: number): string {
    return join(this.folder, 'data', `heat-server-${index}`);
  }
  headFile(): { control: string; http: string; https: string; epoch: number } {
    return JSON.parse(readFileSync(join(this.data(0), 'head.json'), 'utf8')) as ReturnType<StudyPods['headFile']>;
  }
  async startAll(): Promise<void> {
    await this.startHead();
    for (let index = 1; index <= this.ranks; index++) this.start(index);
    await until('the study to be ready', async () => (await this.client().status()).state === 'Running');
  }
  async startHead(): Promise<ChildProcess> {
    const head = this.start(0);
    await until(
      'the head',
      () => Promise.resolve(existsSync(join(this.data(0), 'head.json'))),
      () => this.log('pod-0'),
    );
    this.#ports[0] = this.headFile().control;
    return head;
  }
  client(token = this.token): Client {
    const authority = readFileSync(join(this.folder, 'server', 'tls.crt'));
    return createClient({ baseUrl: this.headFile().https, token, fetch: secureFetch(authority), timeoutMs: 20_000 });
  }
  log(name: string): string {
    return readFileSync(join(this.folder, `${name}.log`), 'utf8');
  }
  async end(): Promise<void> {
    for (const child of this.#processes) child.kill('SIGKILL');
    await Promise.all([...this.#processes].map(exitOf));
  }
}

/** fetch with an authority of its own, which Node's has not. */
function secureFetch(authority: Buffer): FetchLike {
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const asked = request(url, { method, headers, signal, ca: authority }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const bytes = Buffer.concat(parts);
          const copy = new Uint8Array(bytes).buffer;
          const text = () => Promise.resolve(bytes.toString());
          resolve({ status: answer.statusCode ?? 0, text, arrayBuffer: () => Promise.resolve(copy) });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
}

export const exitOf = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once('exit', resolve));

/** Asks again until it is so; what is thrown meanwhile counts as "not yet". */
export async function until(what: string, isSo: () => Promise<boolean>, more: () => string = () => ''): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  let last: unknown;
  while (performance.now() < endMs) {
    try {
      if (await isSo()) return;
    } catch (cause) {
      last = cause;
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  assert.fail(`waited ${LIMIT_MS / 1000} s for ${what}; ${String(last ?? '')} ${more()}`);
}
