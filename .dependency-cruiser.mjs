// SPDX-License-Identifier: Apache-2.0
// The import law. `may` is the whole of it; a change to this table is a design decision and gets a decision record.
import { existsSync, readFileSync } from 'node:fs';

const may = {
  kit: [],
  crds: ['kit'],
  'client-api/protocol': ['kit'],
  'server/native': ['kit'],
  'server/api': ['kit', 'crds'],
  server: ['kit', 'crds', 'client-api/protocol', 'server/native', 'server/api'],
  'operator/runtime': [],
  operator: ['kit', 'crds', 'operator/runtime', 'server/api'],
  'slurm-bridge': ['kit', 'crds'],
  cli: ['kit', 'crds', 'slurm-bridge', 'server/api'],
  dashboard: ['crds', 'server/api'],
  e2e: ['kit', 'crds', 'client-api/protocol', 'server/api', 'operator/runtime'],
  benchmarks: ['kit', 'crds', 'client-api/protocol', 'server', 'server/native', 'operator/runtime'],
};

/** Outside src/io and src/main.ts nothing reaches the world: neither Node's modules that do, nor the packages that do. */
const worldlyModules =
  'fs|net|http|https|http2|tls|dgram|child_process|worker_threads|timers|sqlite|crypto|os|process|dns|zlib|cluster|repl|readline';
const worldlyPackages = 'zeromq|fastify|pino|@kubernetes/client-node|undici';

const root = new URL('./', import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));
const workspaces = read('package.json').workspaces;
const outlawWorkspaces = workspaces.filter((folder) => !(folder in may));
if (outlawWorkspaces.length > 0)
  throw new TypeError(`workspaces without a row in the import law: ${outlawWorkspaces.join(', ')}`);
const packages = Object.keys(may).filter((folder) => existsSync(new URL(`${folder}/package.json`, root)));
const folderOf = Object.fromEntries(packages.map((folder) => [read(`${folder}/package.json`).name, folder]));

/** What a package declares in its own package.json, which must itself keep the law. */
function declared(folder) {
  const { dependencies = {}, devDependencies = {} } = read(`${folder}/package.json`);
  const ours = Object.keys({ ...dependencies, ...devDependencies })
    .map((name) => folderOf[name])
    .filter(Boolean);
  const outlaws = ours.filter((to) => !may[folder].includes(to));
  if (outlaws.length > 0)
    throw new TypeError(`${folder}/package.json may not depend on ${outlaws.join(', ')}; see \`may\``);
  return ours;
}
/** Files of a package, less those of the packages nested in it (server, but not server/native). */
const filesOf = (folder) =>
  `^${folder}/` +
  packages
    .filter((other) => other.startsWith(`${folder}/`))
    .map((other) => `(?!${other.slice(folder.length + 1)}/)`)
    .join('');

const inIo = '(^|/)src/(io/|main[.]ts$|generate[.]ts$|generate/)';
/** Tests and whole-server runs work on the real world. */
const tests =
  '([.](test|fuzz|bench)[.]ts$)|(^server/world/)|(^client-api/(tests|pilot)/)|(^e2e/)|(^benchmarks/)|(^operator/runtime/(bench|examples)/)|(^operator/runtime/pack[.]mjs$)';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...packages.map((folder) => ({
      name: `only-declared:${folder}`,
      severity: 'error',
      comment: `${folder} imports only the workspaces its package.json declares, and it may declare only: ${may[folder].join(', ') || 'none'}.`,
      from: { path: filesOf(folder) },
      to: { path: packages.filter((other) => other !== folder && !declared(folder).includes(other)).map(filesOf) },
    })),
    {
      name: 'by-name-only',
      severity: 'error',
      comment: 'A package is entered through its name and its `exports`, never by a relative path.',
      from: { path: '^(.+?)/src/' },
      to: { dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace'], pathNot: '^$1/' },
    },
    {
      name: 'io-in-io',
      severity: 'error',
      comment: 'The world is reached from src/io and src/main.ts; all else takes it as an argument.',
      from: {
        path: packages.filter((folder) => !['e2e', 'benchmarks'].includes(folder)).map((folder) => `^${folder}/`),
        pathNot: [inIo, tests],
      },
      to: { dependencyTypes: ['core'], path: `^(node:)?(${worldlyModules})(/|$)` },
    },
    {
      name: 'io-packages-in-io',
      severity: 'error',
      comment: 'Packages that open sockets or files are used from src/io and src/main.ts.',
      from: {
        path: packages.filter((folder) => !['e2e', 'benchmarks'].includes(folder)).map((folder) => `^${folder}/`),
        pathNot: [inIo, tests],
      },
      to: { path: `^node_modules/(${worldlyPackages})/`, dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(build|dist|bin)/' },
    combinedDependencies: true,
    tsPreCompilationDeps: true, // sees `import type` too
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
