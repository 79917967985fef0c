// SPDX-License-Identifier: Apache-2.0
/**
 * A head for the pilot's tests: a real ROUTER that speaks the real protocol to the real binary, and does what each test
 * tells it. It answers Hello, heartbeats and reports by itself unless a test says otherwise. Every wait has a limit.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ControlBody,
  type ControlMessage,
  type ControlName,
  decodeControl,
  encodeControl,
} from '@melissa/protocol';
import { type curveKeyPair, Router } from 'zeromq';

type CurveKeyPair = ReturnType<typeof curveKeyPair>;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const pilotPath = process.env['MELISSA_PILOT'] ?? join(root, 'build/client-api/pilot/melissa-pilot');
/** A test that needs longer than this on two busy cores hangs. */
export const waitLimitMs = 30_000;

type Welcome = ControlBody<'PilotWelcome'>;
export type LeaseItem = ControlBody<'Lease'>['leases'][number];
type Received = { message: ControlMessage; from: Uint8Array };

export const aWelcome = (changes: Partial<Welcome> = {}): Welcome => ({
  study: 'test',
  heartbeatMs: 200,
  silenceMs: 60_000,
  parameterNames: [],
  command: ['/bin/true'],
  launcher: [],
  preprocessing: [],
  environment: [],
  files: [],
  outputs: [],
  ranks: 1,
  loop: 0,
  workDirectory: 0,
  keepWorkDirectory: 0,
  workRoot: '',
  outputBytesMax: 4096,
  drainSeconds: 20,
  seed: 7,
  ...changes,
});

export const aLease = (lease: number, changes: Partial<LeaseItem> = {}): LeaseItem => ({
  lease,
  simulation: lease,
  draw: 0,
  attempt: 0,
  group: 0,
  member: 0,
  firstStep: 0,
  timeoutMs: 60_000,
  values: '',
  ...changes,
});

/** sh -c with the text as its script. */
export const shell = (script: string): string[] => ['/bin/sh', '-c', script];
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

export class TestHead {
  readonly folder = mkdtempSync(join(tmpdir(), 'melissa-pilot-test-'));
  welcome = aWelcome();
  epoch = 1;
  /** What the head does by itself. */
  answers = { hello: true, ended: true, heartbeat: true };
  endpoint = '';
  /** CURVE keys of both sides, for tests with encryption. */
  keys: { server: CurveKeyPair; client: CurveKeyPair } | null = null;
  /** Replies to the messages of clients, for tests that have some. */
  onClient: ((message: ControlMessage) => { name: ControlName; body: unknown } | null) | null = null;
  received: Received[] = [];
  #router: Router | null = null;
  #request = 1000;
  #waiters = new Set<() => void>();
  #children = new Set<ChildProcess>();
  #pilotId: Uint8Array | null = null;

  async open(): Promise<void> {
    const router = new Router({ linger: 0, mandatory: false });
    if (this.keys !== null) {
      router.curveServer = true;
      router.curveSecretKey = this.keys.server.secretKey;
    }
    // The socket of the head before closes in the background, so its port may be taken for a moment.
    let bound = false;
    for (const limit = performance.now() + waitLimitMs; !bound;) {
      try {
        await router.bind(this.endpoint === '' ? 'tcp://127.0.0.1:*' : this.endpoint);
        bound = true;
      } catch (error) {
        if (performance.now() > limit) throw error;
        await new Promise((wake) => setTimeout(wake, 20));
      }
    }
    this.endpoint = router.lastEndpoint!;
    this.#router = router;
    void this.#receive(router);
  }

  /** The head dies: its socket goes away without a word. */
  vanish(): void {
    this.#router?.close();
    this.#router = null;
  }

  async #receive(router: Router): Promise<void> {
    try {
      for await (const [from, frame] of router) {
        const message = decodeControl(frame!);
        this.received.push({ message, from: from! });
        if (message.name === 'PilotHello') this.#pilotId = from!;
        await this.#answer(message, from!);
        for (const waiter of this.#waiters) waiter();
      }
    } catch (error) {
      if (this.#router === router) throw error;
    }
  }

  async #answer(message: ControlMessage, from: Uint8Array): Promise<void> {
    const reply = this.onClient?.(message);
    if (reply !== undefined && reply !== null) {
      await this.#router?.send([
        from,
        encodeControl(reply.name, reply.body as never, { epoch: this.epoch, request: message.request }),
      ]);
    }
    if (message.name === 'PilotHello' && this.answers.hello)
      await this.send('PilotWelcome', this.welcome, message.request);
    if (message.name === 'Ended' && this.answers.ended) await this.send('Ok', {}, message.request);
    if (message.name === 'PilotHeartbeat' && this.answers.heartbeat)
      await this.send('HeadHeartbeat', { planFinished: 0 });
  }

  async send<N extends ControlName>(
    name: N,
    body: ControlBody<N>,
    request?: number,
    epoch = this.epoch,
  ): Promise<void> {
    const frame = encodeControl(name, body, { epoch, request: request ?? this.#request++ });
    await this.#router?.send([this.#pilotId!, frame]);
  }
  async sendBytes(frame: Uint8Array): Promise<void> {
    await this.#router?.send([this.#pilotId!, frame]);
  }
  lease(...leases: LeaseItem[]): Promise<void> {
    return this.send('Lease', { leases });
  }

  all<N extends ControlName>(name: N): (ControlMessage & { name: N })[] {
    return this.received
      .filter(({ message }) => message.name === name)
      .map(({ message }) => message as ControlMessage & { name: N });
  }

  /** The first message of this name for which `wanted` holds, waiting for it if it has not come yet. */
  async next<N extends ControlName>(
    name: N,
    wanted: (body: ControlBody<N>, request: number) => boolean = () => true,
  ): Promise<ControlBody<N>> {
    const find = () => this.all(name).find((message) => wanted(message.body as ControlBody<N>, message.request));
    await this.until(() => find() !== undefined, `a ${name}`);
    return find()!.body as ControlBody<N>;
  }
  ended(lease: number): Promise<ControlBody<'Ended'>> {
    return this.next('Ended', (body) => body.lease === lease);
  }

  /** Waits until `holds`, looking again after each message and every 20 ms. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const limit = performance.now() + waitLimitMs;
    while (!holds()) {
      if (performance.now() > limit) {
        const seen = this.received.map(({ message }) => message.name).join(' ');
        throw new Error(`waited ${waitLimitMs} ms for ${what}; received: ${seen}`);
      }
      await new Promise<void>((wake) => {
        const timer = setTimeout(done, 20);
        const waiters = this.#waiters;
        function done() {
          clearTimeout(timer);
          waiters.delete(done);
          wake();
        }
        waiters.add(done);
      });
    }
  }

  /** Starts the real pilot against this head. */
  pilot(
    options: { slots?: number; id?: string; manifest?: string; curveDir?: string; env?: Record<string, string> } = {},
  ): Pilot {
    if (!existsSync(pilotPath)) throw new Error(`${pilotPath} is not built: cmake --build build/client-api`);
    const tokenFile = join(this.folder, 'token');
    writeFileSync(tokenFile, 'secret\n');
    const id = options.id ?? 'pilot-0';
    const child = spawn(
      pilotPath,
      [
        '--head',
        this.endpoint,
        '--token-file',
        tokenFile,
        '--id',
        id,
        '--work',
        join(this.folder, 'work'),
        '--verbose',
      ].concat(
        options.slots === undefined ? [] : ['--slots', String(options.slots)],
        options.manifest === undefined ? [] : ['--manifest-dir', options.manifest],
        options.curveDir === undefined ? [] : ['--curve-dir', options.curveDir],
      ),
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.folder, env: { ...process.env, ...options.env } },
    );
    this.#children.add(child);
    return new Pilot(child, this);
  }

  /** Ends what the test has left, so that a failing test leaves no process. */
  async close(): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await this.until(
      () => [...this.#children].every((child) => child.exitCode !== null || child.signalCode !== null),
      'the end of the pilots',
    );
    this.vanish();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Pilot {
  readonly child: ChildProcess;
  readonly #head: TestHead;
  log = '';

  constructor(child: ChildProcess, head: TestHead) {
    this.child = child;
    this.#head = head;
    child.stderr!.on('data', (bytes: Buffer) => (this.log += bytes.toString()));
  }
  /** Its exit code, or the signal that ended it. */
  async exit(): Promise<number | string> {
    await this.#head.until(
      () => this.child.exitCode !== null || this.child.signalCode !== null,
      'the exit of the pilot',
    );
    return this.child.exitCode ?? this.child.signalCode!;
  }
}

/** Runs a test with a head that is open, and closes it whatever happens. */
export async function withHead(body: (head: TestHead) => Promise<void>, welcome: Partial<Welcome> = {}): Promise<void> {
  const head = new TestHead();
  head.welcome = aWelcome(welcome);
  await head.open();
  try {
    await body(head);
  } finally {
    await head.close();
  }
}

/** Whether a process exists and is no zombie: who reaps an orphan is not the pilot's business. */
export function alive(processId: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${processId}/status`, 'utf8'));
  } catch {
    return false;
  }
}
