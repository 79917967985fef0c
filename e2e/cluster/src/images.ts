// SPDX-License-Identifier: Apache-2.0
/**
 * Small images without a registry or a daemon: the pause container (a static C program) and a busybox, written as one-layer
 * OCI archives with fixed times and owners, so that equal contents give equal digests.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { here, toolsDirectory } from './layout.ts';
import { writeOciArchive } from './oci.ts';
import { ClusterError, must, run } from './shell.ts';

const imagesDirectory = join(toolsDirectory, 'images');

/** Archives that every node imports; built once. */
export function baseImages(): string[] {
  mkdirSync(imagesDirectory, { recursive: true });
  return [pause(), busybox()];
}

function pause(): string {
  const archive = join(imagesDirectory, 'pause.tar');
  if (existsSync(archive)) return archive;
  const root = fresh('pause');
  must('gcc', ['-Os', '-static', '-s', '-o', join(root, 'pause'), join(here, 'images', 'pause.c')]);
  writeOciArchive({ root, archive, name: 'localhost/pause:1', entrypoint: ['/pause'], cmd: [] });
  return archive;
}

function busybox(): string {
  const archive = join(imagesDirectory, 'busybox.tar');
  if (existsSync(archive)) return archive;
  const program = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (program === undefined) throw new ClusterError('busybox is missing', 'apt-get install busybox-static');
  const root = fresh('busybox');
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'root', 'var/run'])
    mkdirSync(join(root, folder), { recursive: true });
  cpSync(program, join(root, 'bin', 'busybox'));
  for (const name of run(program, ['--list']).stdout.split('\n')) {
    if (name !== '' && !existsSync(join(root, 'bin', name))) symlinkSync('busybox', join(root, 'bin', name));
  }
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\n');
  chmodSync(join(root, 'tmp'), 0o1777);
  writeOciArchive({ root, archive, name: 'localhost/busybox:1', entrypoint: [], cmd: ['/bin/sh'] });
  return archive;
}

function fresh(name: string): string {
  const root = join(imagesDirectory, `${name}.root`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  return root;
}
