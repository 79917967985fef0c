// SPDX-License-Identifier: Apache-2.0
/**
 * Set-up beyond npm: distribution packages and the Python environment of the tests. Idempotent and quick when nothing is
 * missing. As root it installs what is missing; otherwise it says exactly what is missing, why, and the command.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { at, hasCommand, mustRun, tryRun } from './run.ts';

export type Goal = 'build' | 'quickstart' | 'test' | 'bench' | 'images';

type Need = { package: string; why: string; present: () => boolean; goals: Goal[] };

const everywhere: Goal[] = ['build', 'quickstart', 'test', 'bench', 'images'];
const pkgConfig = (name: string) => () =>
  hasCommand('pkg-config') && tryRun('pkg-config', ['--exists', name]).status === 0;
const command = (name: string) => () => hasCommand(name);

const needs: Need[] = [
  { package: 'g++', why: 'compiles the kernels', present: command('g++'), goals: everywhere },
  { package: 'cmake', why: 'builds the kernels and the client library', present: command('cmake'), goals: everywhere },
  { package: 'ninja-build', why: 'runs the build', present: command('ninja'), goals: everywhere },
  { package: 'make', why: 'builds the examples', present: command('make'), goals: everywhere },
  { package: 'pkg-config', why: 'finds libraries', present: command('pkg-config'), goals: everywhere },
  {
    package: 'libzmq3-dev',
    why: 'ZeroMQ for client library, pilot and ranks',
    present: pkgConfig('libzmq'),
    goals: everywhere,
  },
  { package: 'git', why: 'the tests look at what is tracked', present: command('git'), goals: ['test'] },
  { package: 'curl', why: 'asks the HTTP API as a person would', present: command('curl'), goals: ['test'] },
  { package: 'gfortran', why: 'tests the Fortran client', present: command('gfortran'), goals: ['test'] },
  { package: 'libopenmpi-dev', why: 'tests clients with real MPI', present: command('mpicc'), goals: ['test'] },
  { package: 'openmpi-bin', why: 'tests clients with real MPI', present: command('mpirun'), goals: ['test'] },
  {
    package: 'python3-venv',
    why: 'a private Python environment for the tests',
    present: hasVenv,
    goals: ['test', 'bench', 'images'],
  },
  { package: 'openssl', why: 'certificates for the tests', present: command('openssl'), goals: ['test'] },
  { package: 'buildah', why: 'builds the images', present: command('buildah'), goals: ['images'] },
  { package: cargoPackage(), why: 'fetches the sources of libzmq and libsodium', present: hasCargo, goals: ['images'] },
  { package: 'util-linux', why: 'setpriv, used by the local backend', present: command('setpriv'), goals: everywhere },
];

/** The lock file's format and some packages need cargo 1.85. */
function hasCargo(): boolean {
  const version = /^cargo 1[.](\d+)/.exec(hasCommand('cargo') ? tryRun('cargo', ['--version']).stdout : '');
  return version !== null && Number(version[1]) >= 85;
}

/** Debian 12's own cargo is older; it has a newer one under another name. */
function cargoPackage(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^VERSION_ID="?12"?$/m.test(release) ? 'cargo-web' : 'cargo';
}

function hasVenv(): boolean {
  return hasCommand('python3') && tryRun('python3', ['-c', 'import venv, ensurepip']).status === 0;
}

/** Makes sure that everything `goal` needs is there, or exits with the list of what is not. */
export function setUp(goal: Goal): void {
  installDistributionPackages(goal);
  if (goal === 'test' || goal === 'bench') pythonEnvironment();
}

function installDistributionPackages(goal: Goal): void {
  const missing = () => needs.filter((need) => need.goals.includes(goal) && !need.present());
  const wanted = missing();
  if (wanted.length === 0) return;
  const names = wanted.map((need) => need.package);
  const root = process.getuid?.() === 0 && hasCommand('apt-get');
  if (!root) {
    process.stderr.write('set-up: these distribution packages are missing:\n');
    for (const need of wanted) process.stderr.write(`  ${need.package}: ${need.why}\n`);
    process.stderr.write(`Install them, for example: sudo apt-get install ${names.join(' ')}\n`);
    process.exit(1);
  }
  process.stderr.write(`set-up: installing ${names.join(' ')}\n`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  mustRun('apt-get', ['-qq', '-o', 'Acquire::Retries=3', 'update'], { env });
  mustRun('apt-get', ['-qq', '-y', '--no-install-recommends', '-o', 'Acquire::Retries=3', 'install', ...names], {
    env,
  });
  const still = missing();
  if (still.length > 0) {
    process.stderr.write(`set-up: still missing after installation: ${still.map((need) => need.package).join(', ')}\n`);
    process.exit(1);
  }
}

export const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'melissa');

/**
 * A virtual environment in the user's cache, named by the hash of its requirements, so that clones share it. The tests
 * find it through the link .cache/python.
 */
function pythonEnvironment(): void {
  const requirements = at('tools', 'setup', 'python-requirements.txt');
  const version = tryRun('python3', ['--version']).stdout;
  const hash = createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `python-${hash}`);
  const complete = join(folder, '.complete');
  if (!existsSync(complete)) {
    process.stderr.write('set-up: making the Python environment of the tests\n');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    mustRun('python3', ['-m', 'venv', folder]);
    mustRun(join(folder, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      requirements,
    ]);
    writeFileSync(complete, '');
  }
  linkTo(at('.cache', 'python'), folder);
  process.env['MELISSA_TEST_PYTHON'] ??= at('.cache', 'python', 'bin', 'python');
}

function linkTo(link: string, target: string): void {
  mkdirSync(dirname(link), { recursive: true });
  const old = lstatSync(link, { throwIfNoEntry: false });
  if (old !== undefined && !old.isSymbolicLink()) return; // somebody's own environment: used as it is
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
