// SPDX-License-Identifier: Apache-2.0
/** The images as they are shipped: the same bytes from two builds, no more in them than is needed, and programs that start. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanUp, root, scratch } from '../melissa.ts';

const BUILD_LIMIT_MS = 1_800_000;
const built = join(root, 'build', 'images');

function build(): Map<string, string> {
  const ended = spawnSync(process.execPath, [join(root, 'tools', 'main.ts'), 'images'], { encoding: 'utf8', timeout: BUILD_LIMIT_MS }); // prettier-ignore
  assert.equal(ended.status, 0, ended.stderr.slice(-4000));
  return new Map(ended.stdout.trim().split('\n').map((line) => [line.split(' ')[0]!, line.split(' ')[1]!])); // prettier-ignore
}

type Index = { manifests: { digest: string; annotations: Record<string, string> }[] };
/** Unpacks an archive as containerd would, layer upon layer. */
function unpack(name: string): { folder: string; config: { config: Record<string, unknown> } } {
  const [layout, folder] = [scratch(), scratch()];
  chmodSync(folder, 0o755); // The image's user has to get in.
  assert.equal(spawnSync('tar', ['-xf', join(built, `${name}.tar`), '-C', layout]).status, 0);
  const blob = (digest: string) => join(layout, 'blobs', 'sha256', digest.replace('sha256:', ''));
  const read = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T;
  const index = read<Index>(join(layout, 'index.json'));
  const manifest = read<{ config: { digest: string }; layers: { digest: string }[] }>(blob(index.manifests[0]!.digest));
  for (const { digest } of manifest.layers)
    assert.equal(spawnSync('tar', ['-xf', blob(digest), '-C', folder]).status, 0);
  return { folder, config: read(blob(manifest.config.digest)) };
}

/** heat of docker.io/example/heat:1.0 */
const shortOf = (name: string): string => /([\w-]+):[^:]*$/.exec(name)![1]!;

/** Where chroot is looked for, and nothing else of ours. */
const bare = { PATH: process.env['PATH'] };

let first = new Map<string, string>();
before(() => void (first = build()));
after(cleanUp);

test('two builds give equal digests', () => {
  const archives = [...first.keys()].map((name) => `${shortOf(name)}.tar`);
  for (const name of ['context', ...archives]) rmSync(join(built, name), { recursive: true, force: true });
  assert.deepEqual(build(), first);
  assert.ok(first.size >= 11, [...first.keys()].join(' '));
});

test('the server image starts as its user and finds everything that head and rank load', () => {
  const { folder, config } = unpack('server');
  assert.equal(config.config['User'], '65532:65532');
  for (const path of ['proc', 'dev']) mkdirSync(join(folder, path), { recursive: true });
  const [program, ...args] = config.config['Entrypoint'] as string[];
  const run = (...words: string[]) =>
    spawnSync('chroot', ['--userspec=65532:65532', folder, program!, ...words], { encoding: 'utf8', env: bare });
  const wrong = run(...args, 'pod');
  assert.equal(wrong.status, 2, wrong.stderr);
  assert.match(wrong.stdout, /a pod needs --config/);
  const all =
    "await import('/opt/melissa/server/src/io/run-head.ts'); await import('/opt/melissa/server/src/io/run-rank.ts')";
  const loaded = run('--input-type=module', '--eval', all);
  assert.equal(loaded.status, 0, loaded.stderr);
});

test('the operator image starts as its user and says what it lacks', () => {
  const { folder, config } = unpack('operator');
  assert.equal(config.config['User'], '65532:65532');
  for (const path of ['proc', 'dev']) mkdirSync(join(folder, path), { recursive: true });
  const words = config.config['Entrypoint'] as string[];
  const ended = spawnSync('chroot', ['--userspec=65532:65532', folder, ...words], { encoding: 'utf8', env: bare });
  assert.equal(ended.status, 2, ended.stderr);
  assert.match(ended.stderr, /EOPERATOR_SETTING.*MELISSA_SERVER_IMAGE/);
});

test('nothing shipped names a folder of the machine that built it', () => {
  // Where compilers ran; of a clone in /melissa the root itself would be a part of /opt/melissa.
  const compiled = [join('build', 'portable'), join('server', 'native', 'src')].flatMap((path) => ['-e', join(root, path)]); // prettier-ignore
  for (const name of first.keys()) {
    const { folder } = unpack(shortOf(name));
    const found = spawnSync('grep', ['--recursive', '--files-with-matches', '--fixed-strings', ...compiled, folder], { encoding: 'utf8' }); // prettier-ignore
    assert.equal(found.status, 1, found.stdout + found.stderr);
  }
});

test('no test and no compiler is shipped, and no shell to whoever breaks in', () => {
  const { folder } = unpack('server');
  for (const path of ['bin/sh', 'usr/bin/sh', 'usr/bin/dpkg', 'usr/bin/apt-get', 'opt/melissa/e2e'])
    assert.ok(!existsSync(join(folder, path)), path);
  const tests = spawnSync('find', [join(folder, 'opt/melissa'), '-name', '*.test.ts', '-not', '-path', '*/node_modules/*'], { encoding: 'utf8' }); // prettier-ignore
  assert.equal(tests.stdout, '');
});

test('the client image holds one static program to install, and what a solver is built with', () => {
  const { folder } = unpack('client');
  for (const path of [
    'melissa-pilot',
    'opt/melissa/include/melissa.h',
    'opt/melissa/lib/glibc/libmelissa.so',
    'opt/melissa/lib/musl/libmelissa.so',
    'opt/melissa/python/melissa_api/__init__.py',
    'opt/melissa/fortran/melissa.f90',
  ])
    // prettier-ignore
    assert.ok(existsSync(join(folder, path)), path);
  const version = spawnSync('chroot', ['--userspec=65532:65532', folder, '/melissa-pilot', '--version']);
  assert.equal(version.status, 0);
});

test('a solver image starts as its user: each example’s program, and MPI without ssh', () => {
  const starts: Record<string, string[]> = {
    heat: ['/usr/local/bin/heat', 'not-a-number'],
    ishigami: ['/bin/busybox', 'true'],
    lorenz: ['/usr/bin/python3', '-c', 'import numpy, melissa_api; print(numpy.float64(1) / 4)'],
    unmodified: ['/usr/bin/env', 'python3', '-c', 'import numpy; print(numpy.float64(1) / 4)'],
    'heat-openmpi': ['/usr/bin/mpirun', '--version'],
    'heat-mpich': ['/usr/bin/mpirun', '--version'],
  };
  for (const [name, words] of Object.entries(starts)) {
    const { folder, config } = unpack(name);
    assert.equal(config.config['User'], '65532:65532');
    for (const path of ['usr/bin/ssh', 'usr/bin/rsh', 'bin/sh'])
      assert.ok(!existsSync(join(folder, path)), `${name} ${path}`);
    for (const path of ['proc', 'dev']) mkdirSync(join(folder, path), { recursive: true });
    const env = Object.fromEntries((config.config['Env'] as string[]).map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
    const ended = spawnSync('chroot', ['--userspec=65532:65532', folder, ...words], { encoding: 'utf8', env: { ...env, ...bare } }); // prettier-ignore
    if (name !== 'heat') assert.equal(ended.status, 0, `${name}: ${ended.stderr}`);
    assert.doesNotMatch(ended.stderr, /shared librar|not found/, name);
  }
});
