// SPDX-License-Identifier: Apache-2.0
/**
 * The few files that the components write outside the state folder, because their places are fixed in the programs: results of
 * network plugins, sockets of shims, the kubelet's device plugin socket, links to container logs.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { state, stateDirectory } from './layout.ts';

/** Folders, inner ones after outer ones. */
const places = [
  '/var/lib/cni',
  '/var/lib/cni/results',
  '/run/containerd',
  '/run/containerd/s',
  '/run/containerd/runc',
  '/run/containerd/runc/k8s.io',
  '/var/lib/kubelet',
  '/var/lib/kubelet/device-plugins',
  '/var/log/containers',
  '/var/log/pods',
  '/run/netns',
  '/usr/libexec/kubernetes',
  '/var/lib/containerd',
];

/** The folders that exist and what lies in them. */
export function filesOutside(): string[] {
  return places
    .filter((place) => existsSync(place))
    .flatMap((place) => [place, ...readdirSync(place).map((name) => join(place, name))])
    .filter((path, index, all) => all.indexOf(path) === index)
    .sort();
}

/** Removes what the cluster left there and was not there before. Must run before the state folder goes: it tells whose a file is. */
export function removeFilesOutside(before: readonly string[]): void {
  const isNew = (path: string) => !before.includes(path);
  const fresh = (place: string, pattern: RegExp) =>
    existsSync(place)
      ? readdirSync(place)
          .filter((name) => pattern.test(name))
          .map((name) => join(place, name))
          .filter(isNew)
      : [];
  const doomed = [
    ...fresh('/var/lib/cni/results', /^(melissa|cni-loopback)-/),
    ...fresh('/var/lib/kubelet/device-plugins', /^(kubelet[.]sock|DEPRECATION)$/),
    ...fresh('/run/containerd/s', /^[0-9a-f]{64}$/).filter((path) => shimSockets().includes(path)),
    ...fresh('/run/containerd/runc/k8s.io', /./).filter(isOurContainer),
    ...fresh('/var/log/containers', /./).filter(pointsToUs),
  ];
  for (const path of doomed) rmSync(path, { recursive: true, force: true });
  for (const place of [...places].reverse()) {
    if (!existsSync(place) || !isNew(place) || readdirSync(place).length > 0) continue;
    try {
      rmdirSync(place);
    } catch {
      // Somebody else put something there in this moment.
    }
  }
}

/** Each shim wrote its socket's address into its bundle, below the state folder. */
function shimSockets(): string[] {
  if (!existsSync(state('nodes'))) return [];
  return readdirSync(state('nodes')).flatMap((node) => {
    const bundles = state('nodes', node, 'containerd', 'state', 'io.containerd.runtime.v2.task', 'k8s.io');
    if (!existsSync(bundles)) return [];
    return readdirSync(bundles)
      .map((id) => join(bundles, id, 'address'))
      .filter((path) => existsSync(path))
      .map((path) =>
        readFileSync(path, 'utf8')
          .replace(/^unix:\/\//, '')
          .trim(),
      );
  });
}

function isOurContainer(path: string): boolean {
  const file = join(path, 'state.json');
  return !existsSync(file) || readFileSync(file, 'utf8').includes(`${stateDirectory}/`);
}

function pointsToUs(path: string): boolean {
  return lstatSync(path).isSymbolicLink() && readlinkSync(path).startsWith(`${stateDirectory}/`);
}
