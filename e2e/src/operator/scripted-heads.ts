// SPDX-License-Identifier: Apache-2.0
/**
 * Heads that play their studies for pods that only pretend to run: one TLS server on loopback stands for all of them, shows each study's own certificate by the name
 * it is asked for, wants each study's own token, and answers nothing that the API's schemas do not allow.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { mismatches, schemas, type BackendDemand, type Intent, type StudyStatus } from '@melissa/api';

type Files = Record<string, string>;

export class ScriptedHead {
  readonly total: number;
  readonly ranks: number;
  /** Simulations that one pilot ends in a second. */
  rate: number;
  intent: Intent = { generation: 0, parallelism: 0, suspend: false, cancel: false, deadlineSeconds: null };
  gone: { pilot: string; reason: string }[] = [];
  requests = 0;
  /** Where nobody is up, nobody answers: a test may bind the head to its pod. */
  isUp: () => Promise<boolean> = () => Promise.resolve(true);
  #done = 0;
  #failed: { ids: number[]; reason: string } | null = null;
  #atMs = performance.now();

  constructor(total: number, ranks = 1, rate = 1) {
    this.total = total;
    this.ranks = ranks;
    this.rate = rate;
  }
  /** Time passes for the plan only while nothing holds it. */
  get done(): number {
    const nowMs = performance.now();
    const { parallelism, suspend, cancel } = this.intent;
    if (!suspend && !cancel && this.#failed === null)
      this.#done = Math.min(this.total, this.#done + ((nowMs - this.#atMs) / 1000) * this.rate * parallelism);
    this.#atMs = nowMs;
    return Math.floor(this.#done);
  }
  /** So many simulations end, beside those that end with time. */
  play(simulations: number): void {
    this.#done = Math.min(this.total, this.done + simulations);
  }
  /** These simulations are lost for good, and they are too many: the study fails. */
  fail(ids: number[], reason: string): void {
    this.#failed = { ids, reason };
  }
  get outcome(): 'Succeeded' | 'Failed' | 'Cancelled' | null {
    if (this.#failed !== null) return 'Failed';
    return this.done === this.total ? 'Succeeded' : this.intent.cancel ? 'Cancelled' : null;
  }
  take(intent: Intent): void {
    void this.done; // what ran until now ran under the old one
    this.intent = intent;
  }
  status(): StudyStatus {
    const { total, done, outcome } = this;
    const { ids, reason } = this.#failed ?? { ids: [], reason: '' };
    const failed = ids.length;
    return {
      ...{ name: 'study', reason, epoch: 1, generation: this.intent.generation },
      state: outcome ?? (this.intent.suspend ? 'Suspended' : 'Running'),
      ...{ startTime: '2026-01-01T00:00:00Z', elapsedSeconds: 1, progress: done / total },
      simulations: {
        ...{ total, pending: total - done - failed, leased: 0, running: 0, received: 0, done, failed, cancelled: 0 },
        ...{ retried: 0, redrawn: 0 },
      },
      ...{ simulationsPerSecond: 1, etaSeconds: null, bytesReceived: done, bytesPerSecond: 0, heldBytes: 0 },
      ...{ framesReceived: 0, duplicates: 0 },
      convergence: { groups: 0, widestInterval: null, medianInterval: null, goal: null },
      pilots: { desired: this.demand().desiredPilots, connected: 0, active: 0 },
      ranks: Array.from({ length: this.ranks }, (_, rank) => ({
        ...{ rank, state: 'Ready', endpoint: '', checkpoint: 1, rssBytes: 1 },
      })),
      ...{ checkpoint: { number: 1, time: null, failures: 0 }, degraded: [], results: null },
      failedSimulations: ids.map((simulation) => ({ simulation, reason })),
    };
  }
  demand(): BackendDemand {
    const hasEnded = this.outcome !== null;
    const desiredPilots =
      hasEnded || this.intent.suspend ? 0 : Math.min(this.intent.parallelism, this.total - this.done);
    return {
      ...{ epoch: 1, desiredPilots, desiredRanks: this.ranks, controlEndpoint: '' },
      ...{ planFinished: hasEnded, finished: hasEnded, pilots: [] },
    };
  }
}

export class ScriptedHeads {
  /** By `STUDY.NAMESPACE`. */
  readonly of = new Map<string, ScriptedHead>();
  readonly problems: string[] = [];
  readonly #secretOf: (study: string, namespace: string) => Promise<Files>;
  #server: Server | null = null;
  /** Without a token of its own a head answers nobody. */
  readonly #tokens = new Map<string, string>();

  constructor(secretOf: (study: string, namespace: string) => Promise<Files>) {
    this.#secretOf = secretOf;
  }

  async start(): Promise<number> {
    this.#server = createServer(
      {
        SNICallback: (servername, done) => {
          const [study = '', namespace = ''] = servername.split('.');
          this.#secretOf(study, namespace).then(
            (files) => {
              this.#tokens.set(`${study}.${namespace}`, files['token'] ?? '');
              done(null, createSecureContext({ cert: files['tls.crt'], key: files['tls.key'] }));
            },
            (error: Error) => done(error),
          );
        },
      },
      (request, response) => {
        void this.#answer(request).then((answer) => {
          if (answer === null) request.socket.destroy();
          else
            response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
        });
      },
    );
    this.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => this.#server!.once('listening', resolve));
    return (this.#server.address() as AddressInfo).port;
  }
  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()));
  }

  /** Null: nobody is there. */
  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown } | null> {
    const [study, namespace] = String((request.socket as TLSSocket & { servername?: string }).servername).split('.');
    const key = `${study}.${namespace}`;
    const head = this.of.get(key);
    const refuse = (status: number, code: string) => ({ status, body: { code, message: code, remedy: 'none' } });
    if (head === undefined) return refuse(503, 'ENOHEAD');
    if (!(await head.isUp().catch(() => false))) return null;
    if (request.headers.authorization !== `Bearer ${this.#tokens.get(key)}`) return refuse(401, 'ETOKEN');
    head.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = chunks.length === 0 ? null : (JSON.parse(Buffer.concat(chunks).toString()) as unknown);
    const checked = <T>(schema: Parameters<typeof mismatches>[0], value: T): T => {
      this.problems.push(...mismatches(schema, value).map((one) => `${request.method} ${request.url}: ${one}`));
      return value;
    };
    const accepted = () => ({
      status: 200,
      body: checked(schemas.Accepted, { accepted: true, state: head.status().state }),
    });
    switch (`${request.method} ${request.url}`) {
      case 'GET /v1/status':
        return { status: 200, body: checked(schemas.StudyStatus, head.status()) };
      case 'GET /v1/backend':
        return { status: 200, body: checked(schemas.BackendDemand, head.demand()) };
      case 'PUT /v1/intent':
        head.take(checked(schemas.Intent, body as Intent));
        return accepted();
      case 'POST /v1/backend/gone':
        head.gone.push(...checked(schemas.GoneBody, body as { pilots: { pilot: string; reason: string }[] }).pilots);
        return accepted();
      default:
        this.problems.push(`${request.method} ${request.url} is no route that the operator should ask for`);
        return refuse(404, 'ENOROUTE');
    }
  }
  mustBeSound(): void {
    assert.deepEqual(this.problems, []);
  }
}
