// SPDX-License-Identifier: Apache-2.0
/** The real world of the command line. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClockFrom, type Clock } from '@melissa/kit';
import { createClient } from '@melissa/api';
import { REQUEST_TIMEOUT_MS } from '../limits.ts';
import { launchFor, logFile, type LaunchSetup } from '../local/launch.ts';
import { StudyRun, type Outcome } from '../local/study-run.ts';
import { lastStatusFile } from '../progress/summary.ts';
import { readHeadFile, readToken } from '../study-directory.ts';
import type { Owner, RunLocal, World } from '../world.ts';
import { systemArchive } from './archive.ts';
import { systemFiles } from './files.ts';
import { keyPair } from './key-pair.ts';
import { forward, kubectl } from './kubectl.ts';
import { LocalBackend } from './local-backend.ts';
import { killMarked, markedProcesses, startTicks } from './marked-processes.ts';
import { systemTerminal } from './terminal.ts';

/** How much of a log is shown as the reason of an end. */
const LAST_WORDS_BYTES = 2_000;

export function systemWorld(environment: Record<string, string | undefined>): World {
  const clock = systemClock();
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const world: World = {
    clock,
    files: systemFiles,
    archive: systemArchive,
    terminal: systemTerminal(environment),
    parts: {
      node: process.execPath,
      server: join(root, 'server/src/main.ts'),
      pilot: join(root, 'build/client-api/pilot/melissa-pilot'),
      python: join(root, 'client-api/python'),
      include: join(root, 'client-api/include'),
      library: join(root, 'build/client-api'),
      templates: join(root, 'cli/templates'),
    },
    cwd: process.cwd(),
    environment,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    keyPair,
    ownerOf: (directory) => readOwner(join(directory, 'owner.json')),
    isAlive: (owner) => startTicks(owner.pid) === owner.startTicks,
    self: (mark) => ({ pid: process.pid, startTicks: startTicks(process.pid) ?? '', mark }),
    leftovers: (mark) => markedProcesses(`${mark}.`).length,
    endLeftovers: (mark) => void killMarked(`${mark}.`),
    portProblem,
    connect: (http, token) =>
      createClient({ baseUrl: http, token, fetch: (url, init) => fetch(url, init), timeoutMs: REQUEST_TIMEOUT_MS }),
    kubectl,
    forward,
    runLocal: (options) => runLocal(world, options),
  };
  return world;
}

export function systemClock(): Clock {
  return systemClockFrom({
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer(callback, delayMs) {
      const timer = setTimeout(callback, delayMs);
      return { clear: () => clearTimeout(timer) };
    },
  });
}

async function runLocal(world: World, { setup, watcher, mark, keepMs, beforeEnd }: RunLocal): Promise<Outcome> {
  const { clock, files } = world;
  const { directory } = setup;
  const present: LaunchSetup = { ...setup };
  let endpoint = '';
  let headStarts = 0;
  const backend = new LocalBackend({
    mark,
    clock,
    launch(scope, index) {
      if (scope === 'head') headStarts += 1;
      return launchFor(scope, index, endpoint, { ...present, resume: setup.resume || headStarts > 1 });
    },
    logFile: (id) => logFile(directory, id),
    onEnded: (id, exit) => run.onEnded(id, exit),
  });
  const run: StudyRun = new StudyRun({
    backend,
    clock,
    watcher,
    readHeadFile: () => readHeadFile(world, directory),
    connect: (http) => world.connect(http, readToken(world, directory)),
    headIsUp(head) {
      endpoint = head.control;
      // What is advertised is a relay's; a restarted head finds the port that it listened at in head.json.
      if (setup.advertise === null) present.control = head.control;
      present.port = Number(new URL(head.http).port);
    },
    keepMs,
    lastWordWritten: () => files.exists(lastStatusFile(directory)),
    ...(beforeEnd === undefined ? {} : { beforeEnd }),
    lastWords: (id) => files.readTail(logFile(directory, id), LAST_WORDS_BYTES),
  });
  // Under nohup (bin/melissa says so: Node forgets it) a study goes on when its terminal is closed.
  const isNohup = world.environment['MELISSA_NOHUP'] === '1';
  const interrupt = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGHUP' || !isNohup) run.interrupt();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await run.run();
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await backend.close();
  }
}

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return null; // nobody has run it yet
  }
}

function portProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(error.message));
    probe.listen(port, host, () => probe.close(() => resolve(null)));
  });
}
