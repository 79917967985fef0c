// SPDX-License-Identifier: Apache-2.0
/**
 * `up` and `down` killed at random points, repeated and out of order; obstacles, each made for real. Whatever happened, one
 * `cluster:down` leaves the machine as it was. MELISSA_CLUSTER_SEEDS sets how many random points are tried.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { differences, takeBaseline, type Baseline } from './baseline.ts';
import { obstacles } from './check.ts';
import { build, exclusiveUse, isUp, skipWithoutPrivateNode } from './cluster.ts';
import { here, state } from './layout.ts';
import { lock } from './lock.ts';
import { must, run } from './shell.ts';

const skip = skipWithoutPrivateNode() || (isUp() ? 'needs the machine without a cluster: npm run cluster:down' : false);
const seeds = Number(process.env['MELISSA_CLUSTER_SEEDS'] ?? '5');
/** A start takes about this long on a busy machine; later points find it complete. */
const UP_MS = 20_000;
const DOWN_MS = 3_000;

let machine: Baseline;
let giveBack: () => Promise<void> = () => Promise.resolve();
before(
  async () => {
    if (skip !== false) return;
    giveBack = await exclusiveUse();
    await build();
    machine = takeBaseline();
  },
  { timeout: 3_600_000 },
);
after(async () => {
  if (skip === false && existsSync(state())) await ended('down');
  await giveBack();
});

type Ended = { status: number | null; stderr: string };
const program = join(here, 'src', 'main.ts');
const repository = join(here, '..', '..');

/** Runs a command of the tool, and kills it, and it alone, after `killMs`. */
function ended(command: string, killMs?: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, MELISSA_CLUSTER_WAIT: '0' };
    const child = spawn(process.execPath, [program, command], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString('utf8')));
    const timer = killMs === undefined ? undefined : setTimeout(() => child.kill(signal), killMs);
    child.on('exit', (status) => {
      clearTimeout(timer);
      child.stderr.destroy();
      resolve({ status, stderr });
    });
  });
}

/** Park and Miller's generator: a seed replays its points. */
function chance(seed: number): () => number {
  let value = seed;
  return () => (value = (value * 48_271) % 2_147_483_647) / 2_147_483_647;
}

async function unchanged(context: TestContext, said: string): Promise<void> {
  const startedMs = performance.now();
  const last = await ended('down');
  context.diagnostic(`${said}; down took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  assert.equal(last.status, 0, last.stderr);
  assert.equal(existsSync(state()), false);
  assert.equal(existsSync('/run/melissa-cluster.json'), false);
  assert.deepEqual(differences(machine, takeBaseline()), []);
}

for (let seed = 1; seed <= seeds; seed++) {
  test(`up killed at a random point leaves nothing after down, seed ${seed}`, { skip }, async (context) => {
    const random = chance(seed * 7919);
    random();
    const killMs = Math.round(random() * UP_MS);
    const killed = await ended('up', killMs);
    let said = `up killed after ${killMs} ms${killed.status === null ? '' : ' (it was complete)'}`;
    if (seed % 2 === 0) {
      const downMs = Math.round(random() * DOWN_MS);
      await ended('down', downMs);
      said += `, down killed after ${downMs} ms`;
    }
    await unchanged(context, said);
  });
}

test('an interrupted up cleans up by itself', { skip }, async () => {
  const interrupted = await ended('up', 4_000, 'SIGTERM');
  assert.equal(interrupted.status, 1, interrupted.stderr);
  assert.match(interrupted.stderr, /interrupted by SIGTERM/);
  assert.equal(existsSync(state()), false);
  assert.deepEqual(differences(machine, takeBaseline()), []);
});

test(
  'up after a killed up starts; a second up is refused; down can be repeated, and needs no up',
  { skip },
  async (context) => {
    await ended('up', 5_000);
    const startedMs = performance.now();
    const up = await ended('up');
    assert.equal(up.status, 0, up.stderr);
    context.diagnostic(`clean-up and up took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const second = await ended('up');
    assert.equal(second.status, 1);
    assert.match(second.stderr, /a cluster runs already: process \d+ .* since /);
    await unchanged(context, 'complete cluster');
    await unchanged(context, 'no cluster');
  },
);

test('a cluster whose tests were killed is cleaned up, not taken over', { skip }, async (context) => {
  const start = `const { acquire } = await import(${JSON.stringify(join(here, 'src', 'cluster.ts'))});
    await acquire({ nodes: 1, fakeNodes: 0 }, 'process', 600);
    process.stdout.write('up');
    setInterval(() => {}, 1_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', start], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => owner.on('exit', resolve));
  await Promise.race([new Promise((resolve) => owner.stdout.once('data', resolve)), gone]);
  assert.equal(isUp(), true);
  owner.kill('SIGKILL');
  await gone;
  const up = await ended('up');
  assert.equal(up.status, 0, up.stderr);
  assert.match(up.stderr, /cleaning up after a cluster that was killed/);
  await unchanged(context, 'taken from the dead');
});

/** Makes an obstacle, reads what the check says, and removes it. No cluster starts in between. */
async function told(make: () => unknown, remove: () => unknown): Promise<string> {
  const unlock = await lock(600);
  try {
    await make();
    return (await obstacles()).join('\n');
  } finally {
    await remove();
    await unlock();
  }
}

test('a machine that is ready has no obstacle', { skip }, async () => {
  assert.equal(await told(Object, Object), '');
});

test('traces of another Kubernetes are refused and left alone', { skip }, async () => {
  const nft = (verb: string) => () => must('nft', [verb, 'table', 'ip', 'kube-proxy']);
  const leftAlone = async () => {
    const down = await ended('down');
    assert.equal(down.status, 0, down.stderr);
  };
  nft('add')();
  try {
    const up = await ended('up');
    assert.equal(up.status, 1);
    assert.match(up.stderr, /tables of a kube-proxy exist.*not touched/);
    await leftAlone();
    assert.match(run('nft', ['list', 'tables']).stdout, /table ip kube-proxy/);
  } finally {
    nft('delete')();
  }

  const wasMounted = machine.mounts.includes('/run/netns');
  const netns = (verb: string) => () => must('ip', ['netns', verb, 'cni-planted']);
  const removed = () => {
    netns('delete')();
    if (!wasMounted) run('umount', ['/run/netns']);
    if (!machine.files.includes('/run/netns')) rmSync('/run/netns', { recursive: true, force: true });
  };
  assert.match(await told(netns('add'), removed), /namespaces cni-\* exist.*not touched/);

  const rule = (flag: string) => () => run('iptables', ['-w', '-t', 'nat', flag, 'KUBE-SERVICES']);
  const noRule = () => {
    rule('-X')();
    if (!machine.tables.includes('table ip nat')) run('nft', ['delete', 'table', 'ip', 'nat']);
  };
  assert.match(await told(rule('-N'), noRule), /KUBE-SERVICES rules exist.*not touched/);
});

test('a taken port and a left link are named', { skip }, async () => {
  const server = createServer();
  const listen = () => new Promise<void>((resolve) => server.listen(10250, '127.0.0.1', resolve));
  assert.match(await told(listen, () => server.close()), /port 10250 is taken/);
  const link = (verb: string) => () =>
    must('ip', ['link', verb, 'mel0', ...(verb === 'add' ? ['type', 'bridge'] : [])]);
  assert.match(await told(link('add'), link('delete')), /the link mel0 exists/);
});

test('without root and without programs everything that is missing is named at once', { skip }, () => {
  const home = mkdtempSync(join(tmpdir(), 'mel-nobody-'));
  try {
    const env = { PATH: home, HOME: home, XDG_CACHE_HOME: home, MELISSA_CLUSTER_STATE: join(home, 'x'.repeat(60)) };
    // Shown at /mnt in a namespace of its own: the repository may lie in somebody's private folder.
    const asNobody =
      '/bin/mount --bind "$0" /mnt && exec /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups "$@"';
    const shown = (path: string) => (path.startsWith(repository) ? join('/mnt', relative(repository, path)) : path);
    const words = [repository, shown(realpathSync(process.execPath)), shown(program), 'up'];
    const refused = run('/usr/bin/unshare', ['--mount', '/bin/sh', '-c', asNobody, ...words], { env });
    assert.equal(refused.status, 1, refused.stderr);
    for (const sentence of ['not root', 'containerd is missing', 'openssl is missing', 'too long a path'])
      assert.match(refused.stderr, new RegExp(sentence));
    assert.equal(existsSync(join(home, 'x'.repeat(60))), false, 'nothing was made');
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test('the wait for a busy machine ends as soon as it is free', { skip }, async () => {
  const unlock = await lock(0);
  const waiting = spawn(process.execPath, [program, 'down'], {
    env: { ...process.env, MELISSA_CLUSTER_WAIT: '120' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const isDone = new Promise<number | null>((resolve) => waiting.on('exit', resolve));
  await new Promise((resolve) => waiting.stderr.once('data', resolve)); // it says that it waits
  assert.equal(await Promise.race([isDone, delay(500, 'waits')]), 'waits');
  await unlock();
  assert.equal(await isDone, 0);
});
