// SPDX-License-Identifier: Apache-2.0
/**
 * The programs of the test cluster, made ready ahead of the suites that need them. The first build compiles Kubernetes, which
 * takes minutes on two cores: it goes on beside the other suites, at low priority, and is waited for only when the first
 * cluster is about to start. On a machine that cannot start a cluster nothing happens here, and those suites skip.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { at } from '../setup/run.ts';

export type ClusterTools = {
  /** Resolves when the build has ended, well or not: the suites themselves say what is missing. */
  ready: () => Promise<void>;
  /** Ends a build that nobody waits for any more. */
  stop: () => void;
};

const program = at('e2e', 'cluster', 'src', 'main.ts');
/** A cold build on two busy cores was seen to take twenty minutes. */
const BUILD_MS_MAX = 3_600_000;

export function buildClusterTools(): ClusterTools {
  // Before anything else runs: two installations at once refuse each other.
  spawnSync(process.execPath, [program, 'packages'], { stdio: ['ignore', 2, 2] });
  const startedMs = Date.now();
  const logPath = at('build', 'reports', 'cluster-tools.log');
  const log = openSync(logPath, 'w');
  const child = spawn('nice', ['-n', '10', process.execPath, program, 'build'], {
    stdio: ['ignore', log, log],
    detached: true, // a group of its own, so that it goes with the compilers that it started
  });
  closeSync(log);
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    const over = () => {
      isOver = true;
      resolve();
    };
    child.on('exit', over).on('error', over);
  });
  const stop = () => {
    if (isOver || child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  process.once('exit', stop);
  return {
    async ready() {
      if (isOver) return;
      process.stdout.write(`\nwaiting for the programs of the test cluster (${logPath})\n`);
      const limit = setTimeout(stop, BUILD_MS_MAX);
      await ended;
      clearTimeout(limit);
      process.stdout.write(`they took ${Math.round((Date.now() - startedMs) / 1000)} s\n`);
    },
    stop,
  };
}
