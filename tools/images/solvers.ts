// SPDX-License-Identifier: Apache-2.0
/**
 * Images of the examples' solvers, as a user would make them: the program, what it needs from the distribution, and the portable
 * libmelissa; no pilot, no shell's tool but `env`, no ssh. Their names are those in the manifests of examples/. Called by main.ts.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { architecture, buildPortable, sdk } from '../setup/portable.ts';
import { at, mustRun } from '../setup/run.ts';
import { unixFiles } from './base.ts';
import { unpackExactly, unpackPackages } from './packages.ts';

export type Recipe = { image: string; base: string | null; stage: (context: string) => void };

const example = (name: string): string => `docker.io/example/${name}:1.0`;
const libraries = (...path: string[]): string => join('usr', 'lib', `${architecture}-linux-gnu`, ...path);

function ensureSdk(): void {
  if (!existsSync(sdk('bin', 'melissa-pilot'))) buildPortable();
}

/** A name as the distribution's alternatives would make it: their scripts are not run here. */
function alternative(root: string, path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(relative(dirname(path), target), join(root, path));
}

function busybox(root: string): void {
  mkdirSync(join(root, 'usr', 'bin'), { recursive: true });
  alternative(root, 'usr/bin/env', 'bin/busybox');
}

/** Compiles a solver of examples/ into the root file system, with libmelissa beside it. */
function compiled(root: string, [source, program]: [string, string], flags: string[] = [], more: string[] = []): void {
  ensureSdk();
  const bin = join(root, 'usr', 'local', 'bin');
  mkdirSync(bin, { recursive: true });
  cpSync(sdk('lib', 'glibc', 'libmelissa.so.0'), join(root, 'usr', 'local', 'lib', 'libmelissa.so.0'));
  mustRun('cc', [
    ...['-O3', '-std=c99', '-ffp-contract=off', '-s', ...flags, '-o', join(bin, program)],
    ...['-I', sdk('include'), at('examples', source), '-L', sdk('lib', 'glibc'), '-lmelissa', ...more],
    '-Wl,-rpath,/usr/local/lib',
  ]);
}

function unixRoot(context: string, packages: string[], without?: RegExp): string {
  const root = join(context, 'root');
  unpackPackages(['libc6', 'busybox-static', ...packages], root, without);
  unixFiles(root);
  busybox(root);
  return root;
}

/**
 * An MPI's programs and libraries; its headers, and the library's name without a version, are taken from the development package
 * of the same version and stay outside the image.
 */
type Mpi = {
  packages: string[];
  development: string;
  /** Names that the distribution's alternatives would make. */
  names: Record<string, string>;
  include: string;
  library: string;
};
const mpis: Record<string, Mpi> = {
  openmpi: {
    packages: ['openmpi-bin'],
    development: 'libopenmpi-dev',
    names: {
      'usr/bin/mpirun': 'usr/bin/orterun',
      'usr/bin/mpiexec': 'usr/bin/orterun',
      // Or each rank complains that one of its ways to a network is not there.
      [libraries('libpsm_infinipath.so.1')]: 'usr/lib/libpsm1/libpsm_infinipath.so.1.16',
    },
    include: libraries('openmpi', 'include'),
    library: libraries('libmpi.so.40'),
  },
  mpich: {
    packages: ['mpich'],
    development: 'libmpich-dev',
    names: { 'usr/bin/mpirun': 'usr/bin/mpiexec.hydra', 'usr/bin/mpiexec': 'usr/bin/mpiexec.hydra' },
    include: libraries('mpich', 'include'),
    library: libraries('libmpich.so.12'),
  },
};
/** Logins, installers, fonts and the like, which the packages name and mpirun does not use; and ssh, which nothing may need. */
const beside =
  /^(openssh-client|cdebconf|hwloc|hwloc-nox|font.*|ttf-.*|xfonts-.*|x11-.*|libcairo2|libpixman-.*|libxrender1|libxcb-.*|lsb-base|tar|sysvinit-utils|libnewt.*|libslang2|libtextwrap1|libdebian-installer4|libsemanage.*|libaudit.*|readline-common)$/;

function heatWithMpi(context: string, { packages, development, names, include, library }: Mpi): void {
  const root = unixRoot(context, packages, beside);
  const headers = join(context, 'headers');
  unpackExactly([development], headers);
  const bare = ['-DHEAT_MPI', '-I', join(headers, include)];
  compiled(root, ['heat/heat.c', 'heat-mpi'], bare, [join(root, library), '-Wl,--unresolved-symbols=ignore-in-shared-libs']); // prettier-ignore
  for (const [name, target] of Object.entries(names)) {
    if (!existsSync(join(root, target))) continue; // not on this architecture
    rmSync(join(root, name), { force: true });
    alternative(root, name, target);
  }
  rmSync(headers, { recursive: true });
}

/** Tests, and what compiles extensions. */
const unusedOfPython = /^(tests|test|distutils|f2py|idlelib|lib2to3|ensurepip)$/;
/** Three more libraries of linear algebra, and what the package's tools need. */
const unusedByPython =
  /^(libatlas.*|libblis.*|libopenblas.*|perl.*|libperl.*|tar|mailcap|media-types|mime-support|readline-common)$/;

function python(root: string): void {
  alternative(root, libraries('libblas.so.3'), libraries('blas', 'libblas.so.3'));
  alternative(root, libraries('liblapack.so.3'), libraries('lapack', 'liblapack.so.3'));
  const modules = readdirSync(join(root, 'usr', 'lib'))
    .filter((name) => /^python3/.test(name))
    .map((name) => join(root, 'usr', 'lib', name));
  for (const folder of modules) prune(folder);
  // By the image's own interpreter, so that the machine's may be another one. Nothing checks the files: they never change.
  const shared = ['lib', 'usr/lib'].map((path) => join(root, path, `${architecture}-linux-gnu`)).filter((path) => existsSync(path)); // prettier-ignore
  const loader = shared.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))).find((path) => /[/]ld-linux[^/]*$/.test(path))!; // prettier-ignore
  mustRun(
    loader,
    [
      ...['--library-path', shared.join(':'), join(root, 'usr', 'bin', 'python3')],
      ...[
        '-S',
        '-m',
        'compileall',
        '-q',
        '-f',
        '--invalidation-mode',
        'unchecked-hash',
        '-s',
        root,
        '-p',
        '/',
        ...modules,
      ],
    ],
    { env: { PYTHONHOME: join(root, 'usr'), PYTHONHASHSEED: '0' } },
  );
}

function prune(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (unusedOfPython.test(entry.name)) rmSync(path, { recursive: true });
    else prune(path);
  }
}

/** A program of examples/ that is to be started by its own name. */
function script(path: string, context: string, name: string): void {
  cpSync(at('examples', path), join(context, name));
  chmodSync(join(context, name), 0o755);
}

export const solvers = (ours: (name: string) => string): Record<string, Recipe> => ({
  heat: {
    image: example('heat'),
    base: null,
    stage: (context) => compiled(unixRoot(context, []), ['heat/heat.c', 'heat']),
  },
  'heat-openmpi': {
    image: example('heat-openmpi'),
    base: null,
    stage: (context) => heatWithMpi(context, mpis['openmpi']!),
  },
  'heat-mpich': {
    image: example('heat-mpich'),
    base: null,
    stage: (context) => heatWithMpi(context, mpis['mpich']!),
  },
  ishigami: {
    image: example('ishigami'),
    base: null,
    stage: (context) => compiled(unixRoot(context, []), ['ishigami/ishigami.c', 'ishigami'], [], ['-lm']),
  },
  python: {
    image: ours('python'),
    base: null,
    stage: (context) => python(unixRoot(context, ['python3-minimal', 'python3', 'python3-numpy'], unusedByPython)),
  },
  lorenz: {
    image: example('lorenz'),
    base: ours('python'),
    stage: (context) => {
      ensureSdk();
      cpSync(sdk('python'), join(context, 'melissa', 'python'), { recursive: true });
      cpSync(sdk('lib', 'glibc', 'libmelissa.so.0'), join(context, 'melissa', 'lib', 'libmelissa.so.0'));
      script('lorenz/lorenz.py', context, 'lorenz.py');
    },
  },
  unmodified: {
    image: example('unmodified'),
    base: ours('python'),
    stage: (context) => script('unmodified/oscillator.py', context, 'oscillator.py'),
  },
});
