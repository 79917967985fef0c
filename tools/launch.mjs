// SPDX-License-Identifier: Apache-2.0
/*
 * Every npm script starts here, on whatever Node the machine has (18 or newer). It installs the locked packages when they are
 * not there or not those of the lock file, then hands over to the locked Node by absolute path: a shell that has already
 * hashed the system's `node` would go on using it, and the code needs the locked one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const node = join(modules, '.bin', 'node');
const stampPath = join(modules, '.installed-from');

function lockHash() {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(root, 'package-lock.json')));
  return hash.digest('hex');
}

function install() {
  process.stderr.write('set-up: installing the locked npm packages\n');
  // Scripts of packages stay off: prebuilt parts are in the packages, and nothing may be downloaded from elsewhere.
  const run = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=optional', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    },
  );
  if (run.error || run.status !== 0) {
    process.stderr.write(
      `set-up: npm ci failed${run.error ? ` (${run.error.message})` : ''}. It needs npm and a reachable npm registry.\n`,
    );
    process.exit(1);
  }
  writeFileSync(stampPath, lockHash());
}

const major = Number(process.versions.node.split('.')[0]);
if (major < 18) {
  process.stderr.write(`Node ${process.versions.node} is too old to start the set-up; install Node 18 or newer.\n`);
  process.exit(1);
}
const installed = existsSync(stampPath) ? readFileSync(stampPath, 'utf8') : '';
if (installed !== lockHash() || !existsSync(node)) install();
if (!existsSync(node)) {
  process.stderr.write(
    `set-up: no Node for ${process.platform} ${process.arch} in the locked packages (linux x64 and arm64 are).\n`,
  );
  process.exit(1);
}

// What Node compiles is kept beside the packages: the many short processes of tools and tests start in half the time.
const child = spawn(node, [join(root, 'tools', 'main.ts'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: join(modules, '.compiled'), ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`set-up: the locked Node does not start: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
