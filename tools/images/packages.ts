// SPDX-License-Identifier: Apache-2.0
/**
 * A root file system from distribution packages: the named packages and all that they need, unpacked without running
 * anything of theirs. What is not needed at run time (documentation but licences, locales) is left out. Called by main.ts for the base
 * images; the list of packages with their versions is kept in the image (etc/melissa-packages).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, mustRun, tryRun } from '../setup/run.ts';

/** Never needed without their scripts being run, or only to install packages. */
const unwanted =
  /^(dpkg|debconf.*|perl.*|install-info|adduser|passwd|libpam.*|init-system-helpers|sensible-utils|ucf)$/;

/** `without`: packages, and what only they need, that an alternative or a feature that is not used would bring. */
export function packageClosure(names: string[], without: RegExp = /^$/): string[] {
  const noSoft = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances', 'pre-depends'].map((kind) => `--no-${kind}`); // prettier-ignore
  const shown = tryRun('apt-cache', ['depends', '--recurse', ...noSoft, ...names]).stdout;
  const found = shown.split('\n').filter((line) => /^[a-z0-9]/.test(line));
  return [...new Set(found)].filter((name) => !unwanted.test(name) && !without.test(name)).sort();
}

/** Fills `root` with the packages and what they need. */
export function unpackPackages(names: string[], root: string, without?: RegExp): void {
  unpackExactly(packageClosure(names, without), root);
}

/** Fills `root` with these packages and no other; `folder` keeps what was downloaded. */
export function unpackExactly(closure: string[], root: string): void {
  const hash = createHash('sha256').update(closure.join(' ')).digest('hex').slice(0, 12);
  const folder = at('build', 'images', `packages-${hash}`);
  if (!existsSync(join(folder, '.complete'))) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    mustRun('apt-get', ['-qq', '-o', 'Acquire::Retries=3', 'download', ...closure], { cwd: folder });
    writeFileSync(join(folder, '.complete'), '');
  }
  const archives = readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .sort();
  mkdirSync(root, { recursive: true });
  for (const archive of archives) mustRun('dpkg-deb', ['--extract', join(folder, archive), root]);
  for (const path of ['usr/share/locale', 'usr/share/man', 'usr/share/info', 'usr/share/lintian', 'usr/share/bug'])
    rmSync(join(root, path), { recursive: true, force: true });
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc', 'melissa-packages'), `${archives.join('\n')}\n`);
}
