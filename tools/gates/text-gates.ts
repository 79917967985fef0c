// SPDX-License-Identifier: Apache-2.0
/** Gates that read the tracked files as text. */
import type { GateResult } from './gate.ts';

export type TextFile = { path: string; text: string };

const code = /[.](ts|mjs|c|h|cpp|cc|hpp|py|f90|sh|go)$|(^|\/)(Makefile|CMakeLists[.]txt)$/;

/** Every source file says its licence in its first lines. */
export function spdxLines(files: TextFile[]): GateResult {
  // What `melissa init` writes becomes the user's own.
  const sources = files.filter((file) => code.test(file.path) && !file.path.startsWith('cli/templates/'));
  const problems = sources
    .filter((file) => !file.text.split('\n', 5).some((line) => line.includes('SPDX-License-Identifier: Apache-2.0')))
    .map((file) => `${file.path}: no SPDX line in its first five lines`);
  return { looked: sources.length, problems };
}

/** Hosts of package registries stay out of the project: users and sites have their own mirrors. Assembled, so that this file passes. */
const hosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['crates', 'io/api'],
  ['proxy', 'golang', 'org'],
  ['deb', 'debian', 'org'],
].map((parts) => parts.join('.'));

export function noRegistryHosts(files: TextFile[]): GateResult {
  const problems: string[] = [];
  for (const file of files) {
    for (const host of hosts)
      if (file.text.includes(host)) problems.push(`${file.path}: names the registry host ${host}`);
    if (file.path.endsWith('package-lock.json') && /"resolved": "https?:/.test(file.text)) {
      problems.push(`${file.path}: holds addresses of a registry; set omit-lockfile-registry-resolved`);
    }
  }
  return { looked: files.length, problems };
}

/** What is unfinished is said in docs or done, not left in the code. */
export function nothingLeftOpen(files: TextFile[]): GateResult {
  const words = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
  const sources = files.filter((file) => code.test(file.path));
  const problems: string[] = [];
  for (const file of sources) {
    file.text.split('\n').forEach((line, index) => {
      if (words.test(line)) problems.push(`${file.path}:${index + 1}: ${line.trim()}`);
    });
  }
  return { looked: sources.length, problems };
}

/** Every dependency from outside has its line in docs/dependencies.md. */
export function dependenciesExplained(files: TextFile[]): GateResult {
  const page = files.find((file) => file.path === 'docs/dependencies.md')?.text ?? '';
  const own = new Set(
    files
      .filter((one) => one.path.endsWith('package.json'))
      .map((one) => (JSON.parse(one.text) as { name?: string }).name ?? ''),
  );
  const names = new Set<string>();
  for (const file of files.filter((one) => one.path.endsWith('package.json'))) {
    const manifest = JSON.parse(file.text) as Record<string, Record<string, string> | undefined>;
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      for (const name of Object.keys(manifest[kind] ?? {})) if (!own.has(name)) names.add(name);
    }
  }
  const problems = [...names]
    .filter((name) => !page.includes(`\`${name}\``))
    .map((name) => `docs/dependencies.md does not explain ${name}`);
  return { looked: names.size, problems };
}

/** Relative links of the documentation lead somewhere. */
export function linksLead(files: TextFile[], exists: (path: string) => boolean): GateResult {
  const problems: string[] = [];
  let looked = 0;
  for (const file of files.filter((one) => one.path.endsWith('.md'))) {
    const folder = file.path.includes('/') ? file.path.slice(0, file.path.lastIndexOf('/')) : '.';
    for (const match of file.text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)) {
      const target = match[1]!;
      if (/^[a-z]+:/.test(target)) continue;
      looked += 1;
      if (!exists(`${folder}/${target}`)) problems.push(`${file.path}: link to ${target} leads nowhere`);
    }
  }
  return { looked, problems };
}

/** Names of the operating system and of peers, not codes of ours. */
const foreignCodes = new Set([
  ...['EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL', 'EAGAIN', 'ECANCELED', 'ECONNREFUSED', 'ECONNRESET', 'EDQUOT', 'EEXIST'],
  ...['EFSM', 'EHOSTUNREACH', 'EINTR', 'EINVAL', 'EIO', 'EISDIR', 'EMFILE', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'ENOTEMPTY'],
  ...[
    'EPERM',
    'EPIPE',
    'EROFS',
    'ESRCH',
    'ETERM',
    'ETIMEDOUT',
    'EXDEV',
    'ERROR',
    'EXISTS',
    'ELOOP',
    'ENOTCONN',
    'ENOEXEC',
    'EPROTO',
    'ENOMEM',
  ],
]);

/** Each code that a source names is explained in docs/errors.md, and each that is explained is named by a source. */
export function codesExplained(files: TextFile[]): GateResult {
  const page = files.find((file) => file.path === 'docs/errors.md')?.text ?? '';
  const explained = new Set([...page.matchAll(/^[|] `(E[A-Z_]+)`/gm)].map((match) => match[1]!));
  const named = new Map<string, string>();
  const isOurs = (path: string) =>
    /^(kit|crds|client-api|server|cli|operator\/src)\/.*[.](ts|c|h|cpp)$/.test(path) &&
    !/[.]test[.]|[/]tests?[/]|[/]world[/]|generated|bench/.test(path);
  for (const file of files.filter((one) => isOurs(one.path))) {
    for (const match of file.text.matchAll(/["'](E[A-Z_]{3,})["']|^ {2}(E[A-Z_]{3,}): \{/gm)) {
      const code = match[1] ?? match[2]!;
      // `startsWith('EHTTP')` names a family.
      const isFamily = file.text.includes(`startsWith('${code}')`);
      if (!foreignCodes.has(code) && !isFamily) named.set(code, file.path);
    }
  }
  const problems: string[] = [];
  for (const [code, path] of named)
    if (!explained.has(code)) problems.push(`${path}: ${code} is not explained in docs/errors.md`);
  for (const code of explained) if (!named.has(code)) problems.push(`docs/errors.md: no source names ${code}`);
  return { looked: named.size, problems };
}
