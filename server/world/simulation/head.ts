// SPDX-License-Identifier: Apache-2.0
/**
 * A head process in a simulated world: the real Head with plan, control router, ranks' links, checkpoints and ending, on a simulated control
 * socket and a simulated folder. Only the I/O worker is played: it keeps no log, and instead of writing results it calls the oracle.
 */
import type { ResultsFacts } from '../../src/results/writer.ts';
import type { ResultsSource } from '../../src/results/source.ts';
import { ProjectError } from '@melissa/kit';
import { peekControl } from '@melissa/protocol';
import { Head, type HeadWorld } from '../../src/head/head.ts';
import type { IoWorker } from '../../src/io/worker.ts';
import type { Disk } from './disk.ts';
import { Router, type Network } from './network.ts';
import type { Process, Scheduler } from './scheduler.ts';
import type { Shape } from './studies.ts';

/** Planted bugs that live in a head. */
export type HeadBugs = {
  /** Nobody is ever found silent. */
  hasNoTimeouts?: boolean;
  /** What was taken back from a pilot is never leased again. */
  losesLeases?: boolean;
  /** Orders carry no epoch that anybody could compare, and the folder is not looked at. */
  hasNoFence?: boolean;
};
export type HeadParts = {
  scheduler: Scheduler;
  network: Network;
  process: Process;
  disk: Disk;
  shape: Shape;
  study: Shape['study'];
  token: string;
  bugs: HeadBugs;
  /** What the newest head's epoch is, for a planted bug. */
  newestEpoch: () => number;
  log: (sentence: string) => void;
  /** Before it opens anything. */
  created: (head: Head) => void;
  writeResults: (source: ResultsSource, facts: ResultsFacts) => Promise<void>;
  exit: (code: number) => void;
};

function workerOf(parts: HeadParts): IoWorker {
  const events = {
    isFull: false,
    append: ({
      entity,
      id,
      from,
      to,
      cause,
    }: {
      entity: string;
      id: string;
      from: string;
      to: string;
      cause: string;
    }) => parts.log(`${entity} ${id}: ${from} → ${to}: ${cause}`),
    flush: async () => undefined,
  };
  const notPlayed = () => Promise.reject(new ProjectError({ code: 'EUNAVAILABLE', message: 'not played', remedy: '' }));
  return {
    events,
    recordAttempt: ({ simulation, draw, attempt, state, reason }) =>
      parts.log(`attempt ${simulation}/${draw}/${attempt} ${state}: ${reason}`),
    queryEvents: notPlayed,
    attempts: notPlayed,
    summarise: notPlayed,
    renderPng: notPlayed,
    writeResults: async (source, facts) => {
      await parts.writeResults(source, facts);
      return { directory: '/study/results', bytes: 0, maps: 0, missing: [], warnings: [] };
    },
    degraded: () => [],
    close: async () => undefined,
  };
}

/** The same message under another epoch. */
function underEpoch(frame: Uint8Array, epoch: number): Uint8Array {
  const copy = frame.slice();
  new DataView(copy.buffer).setUint32(8, epoch, true);
  return copy;
}

export async function startHead(parts: HeadParts): Promise<Head> {
  const { scheduler, network, process, disk, shape, study, token, bugs } = parts;
  const files = disk.files(process);
  const blind = {
    ...files,
    listFolder: async (path: string) => (await files.listFolder(path)).filter((name) => !name.startsWith('epoch-')),
  };
  let isCreated = false;
  const world: HeadWorld = {
    study,
    manifest: {},
    design: shape.design,
    directory: '/study',
    token,
    host: 'h',
    versions: {},
    clock: process.clock,
    atEndOfTurn: (callback) => void scheduler.after(0, () => process.run(callback)),
    files: {
      ...files,
      listFolder: (path) => (bugs.hasNoFence && isCreated ? blind : files).listFolder(path),
    },
    io: workerOf(parts),
    sameSecret: (given, wanted) => given === wanted,
    openControl: async (receive) => {
      const router = new Router(network, process, receive);
      network.bind('head', router);
      return {
        endpoint: 'head',
        dropped: 0,
        send: (peer, frame) =>
          router.send(
            peer,
            bugs.hasNoFence ? underEpoch(frame, Math.max(parts.newestEpoch(), peekControl(frame)!.epoch)) : frame,
          ),
        close: async () => undefined,
      };
    },
    log: (level, sentence, facts) => parts.log(`head (${level}): ${sentence} ${JSON.stringify(facts ?? {})}`),
    dismissRanks: true,
    abandon: (code) => process.run(() => parts.exit(code)),
  };
  const head = await Head.create(world);
  isCreated = true;
  plantIn(head, bugs);
  parts.created(head);
  await head.start();
  return head;
}

function plantIn(head: Head, bugs: HeadBugs): void {
  const { plan } = head;
  const handle = plan.handle.bind(plan);
  if (bugs.hasNoTimeouts) plan.handle = (event, nowMs) => (event.type === 'tick' ? [] : handle(event, nowMs));
  if (bugs.losesLeases) {
    const { queue, table } = plan.state;
    const put = queue.put.bind(queue);
    const peek = queue.peek.bind(queue);
    const lost = new Set<number>();
    queue.put = (simulation, urgent) => {
      if (table.executions[simulation]! > 0) lost.add(simulation);
      else put(simulation, urgent);
    };
    queue.peek = () => (lost.has(peek()) ? -1 : peek());
  }
}
