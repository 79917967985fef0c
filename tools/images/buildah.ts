// SPDX-License-Identifier: Apache-2.0
/**
 * Builds one image from a Dockerfile and a folder, without a daemon (and, since no Dockerfile of ours has a RUN, without network), into an OCI archive whose bytes depend on
 * its contents alone: fixed times, owners and order. Called by main.ts. The archive carries the image's full name, so that
 * `ctr images import` (npm run cluster:load) gives it that name.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, mustRun, tryRun } from '../setup/run.ts';

export type Image = { name: string; context: string; base: string | null };
export type Built = { archive: string; name: string; digest: string };

/** Storage of our own: nothing of it is left on the machine but this folder. */
const storage = (): string[] => [
  '--root',
  at('build', 'images', '.storage'),
  '--runroot',
  at('build', 'images', '.run'),
  '--storage-driver',
  'vfs',
];
const tarFlags = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];

export function buildImage(file: string, { name, context, base }: Image): Built {
  const short = file;
  const layout = at('build', 'images', `${short}.oci`);
  rmSync(layout, { recursive: true, force: true });
  const baseArgument = base === null ? [] : ['--build-arg', `BASE=${base}`];
  mustRun('buildah', [
    ...storage(),
    'build',
    ...['--quiet', '--isolation', 'chroot', '--pull-never', '--timestamp', '0', '--no-cache'],
    ...['--identity-label=false', '--format', 'oci', ...baseArgument],
    ...['--file', at('images', short, 'Dockerfile'), '--tag', name, context],
  ]);
  mustRun('buildah', [...storage(), 'push', '--quiet', name, `oci:${layout}:${name}`]);
  return archive(short, name, layout);
}

type Index = { schemaVersion: number; manifests: { digest: string; annotations?: Record<string, string> }[] };

function archive(short: string, name: string, layout: string): Built {
  const path = join(layout, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8')) as Index;
  const [manifest] = index.manifests;
  if (manifest === undefined) throw new Error(`buildah wrote no image for ${short}`);
  const tag = name.slice(name.lastIndexOf(':') + 1);
  manifest.annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag };
  writeFileSync(path, JSON.stringify(index));
  const file = at('build', 'images', `${short}.tar`);
  mustRun('tar', [...tarFlags, '-C', layout, '-cf', file, 'oci-layout', 'index.json', 'blobs']);
  rmSync(layout, { recursive: true, force: true });
  writeFileSync(at('build', 'images', `${short}.json`), `${JSON.stringify({ name, digest: manifest.digest })}\n`);
  return { archive: file, name, digest: manifest.digest };
}

/** Containers and layers of finished builds. */
export function emptyStorage(): void {
  if (!existsSync(at('build', 'images', '.storage'))) return;
  tryRun('buildah', [...storage(), 'rmi', '--all', '--force']);
  for (const folder of ['.storage', '.run']) rmSync(at('build', 'images', folder), { recursive: true, force: true });
  mkdirSync(at('build', 'images'), { recursive: true });
}
