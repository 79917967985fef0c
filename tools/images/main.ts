// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run images [-- NAME…]`: builds the images from images/NAME/Dockerfile into build/images/NAME.tar, OCI archives that
 * `npm run cluster:load` imports. The Dockerfiles are the only recipe; what they COPY is staged here: programs with their locked
 * packages, the portable client, root file systems of distribution packages. Prints a line with name and digest for each.
 */
import { cpSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../setup/build.ts';
import { buildPortable, sdk } from '../setup/portable.ts';
import { at, mustRun, root } from '../setup/run.ts';
import { setUp } from '../setup/set-up.ts';
import { layOut } from './application.ts';
import { unixFiles } from './base.ts';
import { buildImage, emptyStorage } from './buildah.ts';
import { unpackPackages } from './packages.ts';
import { solvers, type Recipe } from './solvers.ts';

const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { version: string };

const ours = (name: string): string => `localhost/melissa/${name}:${version}`;

const recipes: Record<string, Recipe> = {
  base: {
    image: ours('base'),
    base: null,
    stage: (context) => {
      // The C++ runtime and ZeroMQ for the addon; ca-certificates are not needed: every authority is mounted.
      unpackPackages(['libc6', 'libstdc++6', 'libzmq5'], join(context, 'root'));
      unixFiles(join(context, 'root'));
      mkdirSync(join(context, 'root', 'usr', 'local', 'bin'), { recursive: true });
      cpSync(realpathSync(at('node_modules', '.bin', 'node')), join(context, 'root', 'usr', 'local', 'bin', 'node'));
    },
  },
  server: {
    image: ours('server'),
    base: ours('base'),
    stage: (context) => {
      layOut('server', join(context, 'app'));
      addon(join(context, 'app'));
    },
  },
  operator: {
    image: ours('operator'),
    base: ours('base'),
    stage: (context) => layOut('operator', join(context, 'app')),
  },
  client: {
    image: ours('client'),
    base: null,
    stage: (context) => {
      buildPortable();
      cpSync(sdk(), join(context, 'sdk'), { recursive: true });
    },
  },
  ...solvers(ours),
};

function addon(app: string): void {
  const path = join('build', 'native', 'melissa_native.node');
  mkdirSync(join(app, 'build', 'native'), { recursive: true });
  mustRun('strip', ['--strip-unneeded', '-o', join(app, path), join(root, path)]);
}

export function images(names: string[]): number {
  const wanted = names.length === 0 ? Object.keys(recipes) : names;
  const unknown = wanted.filter((name) => !(name in recipes));
  if (unknown.length > 0) {
    process.stderr.write(`no such image: ${unknown.join(', ')}; there are ${Object.keys(recipes).join(', ')}\n`);
    return 2;
  }
  setUp('images');
  build();
  // What another one is built upon comes first.
  const bases = wanted.map((name) => recipes[name]!.base).filter((base) => base !== null);
  const all = Object.entries(recipes).filter(([name, { image }]) => wanted.includes(name) || bases.includes(image));
  try {
    for (const [name, recipe] of all) {
      const context = at('build', 'images', 'context', name);
      rmSync(context, { recursive: true, force: true });
      mkdirSync(context, { recursive: true });
      recipe.stage(context);
      const built = buildImage(name, { name: recipe.image, context, base: recipe.base });
      process.stdout.write(`${built.name} ${built.digest} ${built.archive}\n`);
    }
  } finally {
    emptyStorage();
  }
  return 0;
}
