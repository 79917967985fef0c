// SPDX-License-Identifier: Apache-2.0
// `node pack.mjs [FOLDER]`: JavaScript and .d.ts from the TypeScript, with a package.json that says so, as a tarball in FOLDER (dist
// when not given). Needed because Node refuses to strip types under node_modules.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, 'dist', 'package');
const into = resolve(process.argv[2] ?? join(here, 'dist'));

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  process.stderr.write(`${command} ${args.join(' ')}: ${error ?? ''}${stdout}${stderr}\n`);
  process.exit(1);
}

rmSync(build, { recursive: true, force: true });
mkdirSync(build, { recursive: true });
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [resolve(dirname(compiler), '..', '..', '@types')],
    strict: true,
    skipLibCheck: true,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: join(here, 'src'),
    outDir: build,
  },
  include: [join(here, 'src')],
  exclude: [
    join(here, 'src', '**', '*.test.ts'),
    join(here, 'src', 'simulation'),
    join(here, 'src', 'io', 'simulate.ts'),
  ],
};
const tsconfigPath = join(here, 'dist', 'tsconfig.json');
writeFileSync(tsconfigPath, JSON.stringify(tsconfig));
run(process.execPath, [compiler, '-p', tsconfigPath], here);

const {
  scripts: _scripts,
  private: _private,
  exports: _exports,
  ...manifest
} = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const entry = (name) => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
writeFileSync(
  join(build, 'package.json'),
  `${JSON.stringify({ ...manifest, exports: { '.': entry('index'), './testing': entry('testing/index') }, types: './index.d.ts' }, null, 2)}\n`,
);
for (const file of ['README.md', 'docs', 'examples']) cpSync(join(here, file), join(build, file), { recursive: true });
const tarball = run('npm', ['pack', '--silent', '--pack-destination', into], build).trim().split('\n').at(-1);
process.stdout.write(`${join(into, tarball)} (${readdirSync(build).length} entries)\n`);
