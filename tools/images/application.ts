// SPDX-License-Identifier: Apache-2.0
/**
 * Lays out one of our programs as it runs in an image: the workspaces that it needs as TypeScript, in the tree's own layout, and the
 * locked packages that these need at run time. Tests and tools stay behind. Called by main.ts.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { at, root, tryRun } from '../setup/run.ts';

type Manifest = { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> };
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** Needed to compile, not to run. */
const buildOnly = new Set(['node-addon-api', 'node-api-headers']);
const isSource = (path: string): boolean =>
  /[.](ts|json)$/.test(path) &&
  !/([.](test|fuzz|bench)[.]ts|[.]fuzz[.]test[.]ts)$|(^|[/])testing([/]|[.]ts)/.test(path);

/** Copies the workspace in `start` (a folder of the tree) and all that it needs to `into`. */
export function layOut(start: string, into: string): void {
  const done = new Set<string>();
  const waiting = [at(start)];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (done.has(folder)) continue;
    done.add(folder);
    const isOurs = !relative(root, folder).startsWith('node_modules');
    if (isOurs) copyWorkspace(folder, into);
    else copyPackage(folder, into);
    for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
      if (buildOnly.has(name)) continue;
      const found = find(name, folder);
      const target = realpathSync(found);
      if (target !== found) link(found, target, into);
      waiting.push(target);
    }
  }
}

/** As Node looks for it: in the folder's node_modules, then in those above. */
function find(name: string, from: string): string {
  for (let folder = from; folder.startsWith(root); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
  }
  process.stderr.write(`images: the package ${name}, needed by ${relative(root, from)}, is not installed\n`);
  process.exit(1);
}

function copyWorkspace(folder: string, into: string): void {
  const path = relative(root, folder);
  const tracked = tryRun('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', path]).stdout;
  const files = tracked.split('\n').filter((file) => file !== '' && isSource(relative(path, file)));
  const wanted = files.filter((file) => {
    const inside = relative(path, file);
    return inside === 'package.json' || inside.startsWith(`src${sep}`) || /^[a-z-]+[.](ts|json)$/.test(inside);
  });
  for (const file of wanted) cpSync(at(file), join(into, file));
}

function copyPackage(folder: string, into: string): void {
  const target = join(into, relative(root, folder));
  cpSync(folder, target, {
    recursive: true,
    dereference: true,
    filter: (path) => path === folder || !path.endsWith(`${sep}node_modules`),
  });
  // Prebuilt for every system; ours is one of them.
  const prebuilt = join(target, 'build');
  if (folder.endsWith(`${sep}zeromq`)) {
    const kept = process.arch === 'arm64' ? 'arm64' : 'x64';
    prune(prebuilt, ['linux', 'manifest.json']);
    prune(join(prebuilt, 'linux'), [kept]);
    rmSync(join(target, 'src'), { recursive: true, force: true });
  }
}

function prune(folder: string, kept: string[]): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (!kept.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

function link(from: string, to: string, into: string): void {
  const path = join(into, relative(root, from));
  mkdirSync(dirname(path), { recursive: true });
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(relative(dirname(from), to), path);
}
