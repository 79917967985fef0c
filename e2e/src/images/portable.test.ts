// SPDX-License-Identifier: Apache-2.0
/**
 * The client that is shipped to solvers: the pilot runs where there is nothing at all, libmelissa wants nothing but libc, an old
 * one will do, and shows nothing but melissa_*. Runs as root: it changes into other roots.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanUp, root, scratch, summaryOf, runStudy } from '../melissa.ts';
import { exitOf, heatManifest, StudyPods, until } from '../pods/study-pods.ts';

const sdk = join(root, 'build', 'portable', 'sdk');
const pilot = join(sdk, 'bin', 'melissa-pilot');
const BUILD_LIMIT_MS = 1_200_000;

before(() => {
  const built = spawnSync(process.execPath, [join(root, 'tools', 'main.ts'), 'portable'], { encoding: 'utf8', timeout: BUILD_LIMIT_MS }); // prettier-ignore
  assert.equal(built.status, 0, built.stderr.slice(-4000));
});
after(cleanUp);

function told(command: string, ...args: string[]): string {
  const ended = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.equal(ended.status, 0, `${command} ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}
const neededBy = (file: string): string[] =>
  [...told('readelf', '--dynamic', '--wide', file).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name!);
const exportsOf = (file: string): string[] =>
  told('nm', '--dynamic', '--defined-only', file)
    .trim()
    .split('\n')
    .map((line) => line.split(' ').at(-1)!.split('@')[0]!);

type Digest = { consumer: string };
const sorted = (digests: Digest[]): Digest[] => [...digests].sort((a, b) => (a.consumer < b.consumer ? -1 : 1));

test('libmelissa for glibc needs libc and its companions alone, no newer one than 2.17', () => {
  const library = join(sdk, 'lib', 'glibc', 'libmelissa.so.0');
  const companions = new Set(['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2', 'librt.so.1', 'ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1']); // prettier-ignore
  for (const name of neededBy(library)) assert.ok(companions.has(name), name);
  const versions = [...told('readelf', '--version-info', '--wide', library).matchAll(/GLIBC_(\d+)\.(\d+)/g)];
  assert.ok(versions.length > 0);
  for (const [text, major, minor] of versions) assert.ok(Number(major) === 2 && Number(minor) <= 17, text);
});

test('libmelissa for musl needs libc alone', () => {
  assert.deepEqual(neededBy(join(sdk, 'lib', 'musl', 'libmelissa.so.0')), ['libc.so']);
});

test('what libmelissa shows is its own: neither ZeroMQ nor libsodium nor the C++ runtime', () => {
  for (const libc of ['glibc', 'musl']) {
    const shown = exportsOf(join(sdk, 'lib', libc, 'libmelissa.so.0'));
    assert.ok(shown.includes('melissa_send'));
    for (const name of shown) assert.match(name, /^melissa_/i, libc);
  }
});

test('the pilot is one file: it runs in an empty root and installs itself', () => {
  assert.deepEqual(neededBy(pilot), []);
  const empty = scratch();
  cpSync(pilot, join(empty, 'melissa-pilot'));
  mkdirSync(join(empty, 'bin'));
  assert.match(told('chroot', empty, '/melissa-pilot', '--version'), /^melissa-pilot \d/);
  mkdirSync(join(empty, 'proc'));
  told(
    'unshare',
    '--mount',
    'sh',
    '-c',
    `mount -t proc proc ${empty}/proc && chroot ${empty} /melissa-pilot --install /bin`,
  );
  assert.ok(readFileSync(join(empty, 'bin', 'melissa-pilot')).equals(readFileSync(pilot)));
});

test('a study with the static pilot, the portable libmelissa and encryption has the digests of one on this machine', async (context) => {
  const heat = join(scratch(), 'bin');
  mkdirSync(heat);
  told('cc', '-O3', '-std=c99', '-ffp-contract=off', '-o', join(heat, 'heat'), '-I', join(sdk, 'include'), join(root, 'examples/heat/heat.c'), '-L', join(sdk, 'lib/glibc'), '-lmelissa', `-Wl,-rpath,${join(sdk, 'lib/glibc')}`); // prettier-ignore
  const pods = new StudyPods(join(scratch(), 'study'), heatManifest());
  context.after(() => pods.end());
  await pods.startAll();
  const ended = pods.pilot('pilot-0', [], { program: pilot, path: heat });
  assert.equal(await exitOf(ended), 0, pods.log('pilot-0'));
  await until('the results', async () => (await pods.client().backend()).finished);
  const { digests } = await pods.client().digests();
  assert.ok(digests.length > 0);
  const alone = scratch();
  mkdirSync(join(alone, 'bin'));
  symlinkSync(join(root, 'examples', 'heat', 'bin', 'heat'), join(alone, 'bin', 'heat'));
  writeFileSync(join(alone, 'study.yaml'), JSON.stringify(heatManifest()));
  const local = runStudy(join(alone, 'study.yaml'));
  assert.equal(local.code, 0, local.stderr);
  assert.deepEqual(sorted(digests), sorted(summaryOf(local.directory).digests));
});
