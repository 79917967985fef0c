// SPDX-License-Identifier: Apache-2.0
/** The package as others get it: packed, installed into an empty folder, and the README's operator run on it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeApi } from '../testing/fake-api.ts';
import { systemClock } from './clock.ts';
import { servedOverHttp } from './scripted-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the README shows the example as it is', () => {
  const shown = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
  assert.equal(shown, read('examples/greeter.ts'));
  const lines = shown.split('\n').filter((line) => line.trim() !== '').length;
  assert.ok(lines <= 30, `${lines} lines`);
});

test('packed and installed into an empty folder, the README runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync(process.execPath, [join(root, 'pack.mjs'), folder], { stdio: 'pipe', timeout: 300_000 });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  const installed = join(folder, 'node_modules', 'operator-runtime');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1']);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: object;
    private?: boolean;
  };
  assert.equal(manifest.private, undefined);
  // Its dependencies are those of this repository, so that the test needs no registry. @kubernetes/client-node is left out: a plain kubeconfig must not load it.
  const modules = join(dirname(createRequire(import.meta.url).resolve('pino/package.json')), '..');
  for (const name of readdirSync(modules)) {
    if (name === 'operator-runtime' || name === '@kubernetes' || name.startsWith('.')) continue;
    symlinkSync(join(modules, name), join(folder, 'node_modules', name));
  }
  assert.ok(!readdirSync(join(installed, 'io')).some((name) => name.includes('test')), 'tests are not shipped');

  const api = new FakeApi(systemClock);
  const served = await servedOverHttp(api);
  t.after(() => served.close());
  const cluster = { name: 'c', cluster: { server: served.url } };
  const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
  writeFileSync(
    join(folder, 'config'),
    JSON.stringify({ clusters: [cluster], contexts: [context], 'current-context': 'x' }),
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'greeter.ts'), /```ts\n([\s\S]*?)```/.exec(read('README.md'))![1]!);
  api.put('/apis/demo.example/v1/namespaces/default/greetings/hello', {
    metadata: { name: 'hello', namespace: 'default' },
    spec: { names: ['ada', 'bob'] },
  });
  const env = { PATH: process.env['PATH'], KUBECONFIG: join(folder, 'config'), PORT: '0' };
  const child = spawn(process.execPath, ['greeter.ts'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (text: Buffer) => void (log += text.toString()));
  child.stderr.on('data', (text: Buffer) => void (log += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.after(() => child.kill('SIGKILL'));
  const greeted = () =>
    (api.objects('/apis/demo.example/v1/greetings').get('default/hello') as { status?: { greeted: number } }).status
      ?.greeted;
  const endMs = performance.now() + 60_000;
  while (greeted() !== 2) {
    assert.ok(performance.now() < endMs && child.exitCode === null, `no greeting: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual([...api.objects('/api/v1/configmaps').keys()].sort(), ['default/hello-ada', 'default/hello-bob']);
  child.kill('SIGTERM');
  assert.equal(await ended, 0, log);
});
