// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run images [-- NAME…]`: builds the images from images/NAME/Dockerfile into build/images/NAME.tar, OCI archives that
 * `npm run cluster:load` imports. The Dockerfiles are the only recipe; what they COPY is staged here: programs with their locked
 * packages, the portable client, root file systems of distribution packages. Prints a line with name and digest for each.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../setup/build.ts';
import { buildPortable, sdk } from '../setup/portable.ts';
import { at, mustRun, root } from '../setup/run.ts';
import { setUp } from '../setup/set-up.ts';
import { layOut } from './application.ts';
import { buildImage, emptyStorage } from './buildah.ts';
import { unpackPackages } from './packages.ts';

const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { version: string };

type Recipe = { image: string; base: string | null; stage: (context: string) => void };

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
  heat: {
    image: 'docker.io/example/heat:1.0',
    base: null,
    stage: (context) => {
      if (!existsSync(sdk('bin', 'melissa-pilot'))) buildPortable();
      unpackPackages(['libc6', 'busybox-static'], join(context, 'root'));
      unixFiles(join(context, 'root'));
      mkdirSync(join(context, 'root', 'usr', 'local', 'bin'), { recursive: true });
      cpSync(sdk('lib', 'glibc', 'libmelissa.so.0'), join(context, 'root', 'usr', 'local', 'lib', 'libmelissa.so.0'));
      mustRun('cc', [
        ...['-O3', '-std=c99', '-ffp-contract=off', '-s', '-o', join(context, 'root', 'usr', 'local', 'bin', 'heat')],
        ...['-I', sdk('include'), at('examples', 'heat', 'heat.c'), '-L', sdk('lib', 'glibc'), '-lmelissa'],
        '-Wl,-rpath,/usr/local/lib',
      ]);
    },
  },
};

/** What programs look for on any system. */
function unixFiles(folder: string): void {
  for (const path of ['etc', 'tmp', 'proc', 'sys', 'dev', 'run', 'var/tmp'])
    mkdirSync(join(folder, path), { recursive: true });
  for (const path of ['tmp', 'var/tmp']) chmodSync(join(folder, path), 0o1777);
  const user = 'root:x:0:0:root:/:/sbin/nologin\nmelissa:x:65532:65532:melissa:/tmp:/sbin/nologin\n';
  writeFileSync(join(folder, 'etc', 'passwd'), user);
  writeFileSync(join(folder, 'etc', 'group'), 'root:x:0:\nmelissa:x:65532:\n');
  // Without it getaddrinfo looks for a database that is not there before it asks the name server.
  writeFileSync(join(folder, 'etc', 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
}

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
