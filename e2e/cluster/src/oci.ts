// SPDX-License-Identifier: Apache-2.0
/** Writes a folder as a one-layer OCI image archive (OCI image layout 1.0) that containerd imports. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { must } from './shell.ts';

export type OciImage = {
  root: string;
  archive: string;
  name: string;
  entrypoint: string[];
  cmd: string[];
  user?: string;
  env?: string[];
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Fixed order, times and owners: equal contents give equal bytes. */
const tarFlags = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];

export function writeOciArchive(image: OciImage): void {
  const work = mkdtempSync(join(tmpdir(), 'mel-oci-'));
  try {
    must('tar', [...tarFlags, '-C', image.root, '-cf', join(work, 'layer.tar'), '.']);
    const layer = readFileSync(join(work, 'layer.tar'));
    rmSync(join(work, 'layer.tar'));
    mkdirSync(join(work, 'blobs', 'sha256'), { recursive: true });
    const put = (bytes: Uint8Array) => {
      const digest = sha256(bytes);
      writeFileSync(join(work, 'blobs', 'sha256', digest), bytes);
      return { digest: `sha256:${digest}`, size: bytes.length };
    };
    const json = (value: unknown) => put(Buffer.from(JSON.stringify(value)));
    const configuration = json({
      architecture,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...(image.env ?? [])],
        WorkingDir: '/',
        Entrypoint: image.entrypoint,
        Cmd: image.cmd,
        User: image.user ?? '',
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configuration },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...put(gzipSync(layer, { level: 1 })) }],
    });
    const tag = image.name.slice(image.name.lastIndexOf(':') + 1);
    const annotations = { 'io.containerd.image.name': image.name, 'org.opencontainers.image.ref.name': tag };
    const platform = { architecture, os: 'linux' };
    writeFileSync(
      join(work, 'index.json'),
      JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, platform, annotations }],
      }),
    );
    writeFileSync(join(work, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    must('tar', [...tarFlags, '-C', work, '-cf', image.archive, 'oci-layout', 'index.json', 'blobs']);
    statSync(image.archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
