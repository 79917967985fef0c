// SPDX-License-Identifier: Apache-2.0
/**
 * Builds the client so that it runs in any solver image: a static pilot (musl), and libmelissa with libzmq, libsodium and the C++
 * runtime inside, for glibc from 2.17 on and for musl. The compiler is zig from PyPI in an environment of its own, the sources
 * come locked from a cargo registry; client-api/packaging says how they are compiled. Called by the images' build and its tests;
 * CMake decides what is stale.
 */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, mustRun } from './run.ts';
import { cacheFolder } from './set-up.ts';

export const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
/** Manylinux 2014's: older than any system that a cluster still runs. */
export const glibcFloor = '2.17';

type Libc = { name: 'glibc' | 'musl'; target: string; flags: string[] };
const libcs: Libc[] = [
  { name: 'glibc', target: `${architecture}-linux-gnu.${glibcFloor}`, flags: [] },
  { name: 'musl', target: `${architecture}-linux-musl`, flags: ['-DCMAKE_EXE_LINKER_FLAGS=-static'] },
];

/** Where everything that is shipped to solvers lies. */
export const sdk = (...path: string[]): string => at('build', 'portable', 'sdk', ...path);

export function buildPortable(): void {
  const zig = zigCompiler();
  const sources = vendoredSources();
  for (const libc of libcs) compile(libc, zig, sources);
  collect();
}

function zigCompiler(): string {
  const requirements = at('tools', 'setup', 'zig-requirements.txt');
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `zig-${hash}`);
  const complete = join(folder, '.complete');
  if (!existsSync(complete)) {
    process.stderr.write('set-up: installing the compiler of the portable client\n');
    rmSync(folder, { recursive: true, force: true });
    mustRun('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    mustRun(join(folder, 'bin', 'python'), pip);
    writeFileSync(complete, '');
  }
  const library = join(folder, 'lib');
  const python = readdirSync(library).find((name) => name.startsWith('python'))!;
  return join(library, python, 'site-packages', 'ziglang', 'zig');
}

/** Unpacked once for each lock file, outside the tree, so that clones share them. */
function vendoredSources(): string {
  const packaging = at('client-api', 'packaging');
  const lock = readFileSync(join(packaging, 'Cargo.lock'));
  const folder = join(cacheFolder(), `sources-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  const complete = join(folder, '.complete');
  if (existsSync(complete)) return folder;
  process.stderr.write('set-up: fetching the sources of libzmq and libsodium\n');
  rmSync(folder, { recursive: true, force: true });
  const manifest = join(packaging, 'Cargo.toml');
  mustRun('cargo', ['vendor', '--quiet', '--locked', '--manifest-path', manifest, folder]);
  writeFileSync(complete, '');
  return folder;
}

function compile({ name, target, flags }: Libc, zig: string, sources: string): void {
  const folder = at('build', 'portable', name);
  const tools = join(folder, 'tools');
  mkdirSync(tools, { recursive: true });
  const wrapper = (file: string, words: string): string => {
    const path = join(tools, file);
    const text = `#!/bin/sh\nexec ${zig} ${words} "$@"\n`;
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  };
  const compilers = [
    `-DCMAKE_C_COMPILER=${wrapper('cc', `cc -target ${target}`)}`,
    `-DCMAKE_CXX_COMPILER=${wrapper('c++', `c++ -target ${target}`)}`,
    `-DCMAKE_AR=${wrapper('ar', 'ar')}`,
    `-DCMAKE_RANLIB=${wrapper('ranlib', 'ranlib')}`,
  ];
  const project = [`-DMELISSA_SOURCES=${sources}`, '-S', at('client-api', 'packaging'), '-B', folder, '-G', 'Ninja'];
  // A compiler cache in front would hide that the compiler is another one.
  const env = { CMAKE_C_COMPILER_LAUNCHER: '', CMAKE_CXX_COMPILER_LAUNCHER: '' };
  if (!existsSync(join(folder, 'build.ninja'))) mustRun('cmake', [...compilers, ...flags, ...project], { env });
  process.stderr.write(`set-up: building the portable client for ${name}\n`);
  mustRun('ninja', ['-C', folder, '--quiet', 'melissa', ...(name === 'musl' ? ['melissa-pilot'] : [])], { env });
}

function collect(): void {
  rmSync(sdk(), { recursive: true, force: true });
  for (const folder of ['bin', 'lib/glibc', 'lib/musl']) mkdirSync(sdk(folder), { recursive: true });
  const built = (libc: string, ...path: string[]) => at('build', 'portable', libc, 'client-api', ...path);
  strip(built('musl', 'pilot', 'melissa-pilot'), sdk('bin', 'melissa-pilot'));
  for (const libc of ['glibc', 'musl']) {
    strip(built(libc, 'libmelissa.so.0.1.0'), sdk('lib', libc, 'libmelissa.so.0'));
    // Both names as files: images are built by COPY, which follows links.
    cpSync(sdk('lib', libc, 'libmelissa.so.0'), sdk('lib', libc, 'libmelissa.so'));
  }
  cpSync(at('client-api', 'include'), sdk('include'), { recursive: true });
  cpSync(at('client-api', 'fortran', 'melissa.f90'), sdk('fortran', 'melissa.f90'));
  cpSync(at('client-api', 'python', 'melissa_api'), sdk('python', 'melissa_api'), {
    recursive: true,
    filter: (path) => !path.includes('__pycache__'),
  });
}

const strip = (from: string, to: string): void => mustRun('strip', ['--strip-unneeded', '-o', to, from]);
