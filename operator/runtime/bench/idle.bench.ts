// SPDX-License-Identifier: Apache-2.0
/**
 * Question: how much memory does an operator take that has nothing to do, in a pod: TLS, token and CA from where the kubelet
 * mounts them, caches filled, leading, with metrics and health?
 * Machine: any Linux, root (the folder of a pod's secrets is mounted in a namespace of its own). What is weighed is the package as
 * it is shipped, in JavaScript: pack it, install it, and give the path of a program that uses it, such as the README's.
 * Run: node [FLAGS] bench/idle.bench.ts PROGRAM.js [SECONDS]; the flags are handed on to the program; one JSON line.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from 'operator-runtime';
import { FakeApi, servedOverHttp } from 'operator-runtime/testing';

const [program = '', seconds = '20'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'pod-'));
const openssl =
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=api -addext subjectAltName=IP:127.0.0.1';
execFileSync('openssl', [...openssl.split(' '), '-keyout', 'key', '-out', 'ca.crt'], { cwd: folder, stdio: 'ignore' });
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
writeFileSync(join(folder, 'token'), 'token');
writeFileSync(join(folder, 'namespace'), 'default');

const api = new FakeApi(systemClock);
const served = await servedOverHttp(api, { tls: { key: read('key'), cert: read('ca.crt') } });
const inPod =
  'mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && ln -s "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"';
const { hostname, port } = new URL(served.url);
const child = spawn(
  'unshare',
  ['--mount', 'sh', '-c', inPod, folder, process.execPath, ...process.execArgv, resolve(program)],
  {
    env: {
      PATH: process.env['PATH'] ?? '',
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      PORT: '0',
      NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let log = '';
child.stdout.on('data', (text: Buffer) => void (log += text.toString()));
/** In MiB: what the kernel counts as resident, and of it what is the process's own and no page of Node's binary. */
const memory = (field: 'VmRSS' | 'RssAnon') =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
try {
  while (!log.includes('"isLeader":true')) await pause(50);
  const samples: number[] = [];
  for (let i = 0; i < Number(seconds) * 5; i++) {
    samples.push(memory('VmRSS'));
    await pause(200);
  }
  const round = (value: number) => Math.round(value * 10) / 10;
  const mib = {
    rssMib: round(samples.at(-1)!),
    worstMib: round(Math.max(...samples)),
    ownMib: round(memory('RssAnon')),
  };
  process.stdout.write(`${JSON.stringify({ bench: 'idle operator', ...mib, requests: served.requests.length })}\n`);
} finally {
  child.kill('SIGKILL');
  await served.close();
  rmSync(folder, { recursive: true });
}
