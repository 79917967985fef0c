// SPDX-License-Identifier: Apache-2.0
/**
 * Everything outside that the commands use, as arguments: files, clock, terminal, processes, signals. `io/world.ts`
 * makes the real one; tests hand in their own.
 */
import type { Clock } from '@melissa/kit';
import type { Client } from '@melissa/api';
import type { Archive } from './ended-study.ts';
import type { HeadFile, Outcome, Watcher } from './local/study-run.ts';
import type { Launch, LaunchSetup, Parts } from './local/launch.ts';
import type { Looks } from './progress/render.ts';

export interface Files {
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  isExecutable(path: string): boolean;
  /** Null when it does not exist; throws what the system says otherwise. */
  sizeBytes(path: string): number | null;
  modifiedMs(path: string): number | null;
  readText(path: string): string;
  /** The last `bytes` of a file, cut at a line; empty when there is none. */
  readTail(path: string, bytes: number): string;
  /** Writes by a new file and a rename, so that a reader never sees half of it. */
  writeText(path: string, text: string, mode?: number): void;
  writeBytes(path: string, bytes: Uint8Array): void;
  makeDirectory(path: string): void;
  remove(path: string): void;
  list(path: string): string[];
}

export interface Terminal {
  /** Is standard output a terminal that a person watches? */
  readonly isTerminal: boolean;
  /** Can a person be asked? */
  readonly canAsk: boolean;
  looks(): Looks;
  write(text: string): void;
  writeError(text: string): void;
  ask(question: string): Promise<string>;
}

/** The command line that owns a study directory, in DIR/owner.json. */
export type Owner = { pid: number; startTicks: string; mark: string };

export type KubectlAnswer = { code: number; stdout: string; stderr: string };
/** A way to a port in the cluster. */
export type Forward = { url: string; isOpen: () => boolean; close: () => Promise<void> };

export type RunLocal = {
  setup: LaunchSetup;
  watcher: Watcher;
  mark: string;
  /** How long the finished study is still served. */
  keepMs: number;
  /** Called when everything is written and the head still answers. */
  beforeEnd?: (client: Client) => Promise<void>;
};

export interface World {
  readonly clock: Clock;
  readonly files: Files;
  readonly archive: Archive;
  readonly terminal: Terminal;
  readonly parts: Parts;
  readonly cwd: string;
  /** PATH and what else the commands look at. */
  readonly environment: Record<string, string | undefined>;
  /** Random text of hex digits. */
  randomHex(bytes: number): string;
  /** A CURVE key pair in Z85. */
  keyPair(): { publicKey: string; secretKey: string };
  ownerOf(directory: string): Owner | null;
  isAlive(owner: Owner): boolean;
  self(mark: string): Owner;
  /** How many processes of an earlier life are still there. */
  leftovers(mark: string): number;
  endLeftovers(mark: string): void;
  /** Why the port cannot be listened on, or null. */
  portProblem(host: string, port: number): Promise<string | null>;
  connect(http: string, token: string): Client;
  /** Runs the person's kubectl to its end; throws EKUBECTL when there is none. */
  kubectl(args: string[], options?: { input?: string; onOutput?: (bytes: Uint8Array) => void }): Promise<KubectlAnswer>;
  /** `kubectl port-forward` with these words. */
  forward(args: string[]): Promise<Forward>;
  /** Runs a study in the foreground; ^C, SIGTERM and SIGHUP interrupt it. */
  runLocal(options: RunLocal): Promise<Outcome>;
}

export type { HeadFile, Launch, Outcome, Parts };
