// SPDX-License-Identifier: Apache-2.0
/**
 * Runs a head on this machine: reads the study's directory, opens what head/head.ts is given, writes head.json so that
 * others find it, and takes everything down again in order. A restarted head takes the ports of the one before it, so
 * that pilots, ranks and browsers find it again.
 */
import { createServer } from 'node:net';
import packageFile from '../../package.json' with { type: 'json' };
import type { CompiledStudy } from '@melissa/crds';
import { Head } from '../head/head.ts';
import { finishedServeMs } from '../limits.ts';
import { makeDesign } from '../sampling/index.ts';
import type { HeadArguments } from './arguments.ts';
import { atEndOfTurn, systemClock } from './clock.ts';
import { openControlServer, type ControlServer, type PeerId } from './control-socket.ts';
import { makeAuthorize } from './authorize.ts';
import { hostOf, withHost } from './endpoint.ts';
import { realFiles } from './files.ts';
import { httpMetrics } from './http-metrics.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';
import { readServerKeys, type ServerKeys } from './keys.ts';
import type { LogFunction } from './log.ts';
import { hostIdentity, onStopSignal, sameSecret } from './process.ts';
import { readSecret, readStudyDirectory } from './study-directory.ts';
import { createIoWorker, type IoWorker } from './worker.ts';

/** What head.json says: where the head is. */
export type HeadFile = {
  pid: number;
  epoch: number;
  control: string;
  http: string;
  /** With TLS, where there is one. */
  https?: string;
  startedAt: string;
};

async function readHeadFile(directory: string): Promise<HeadFile | null> {
  const bytes = await realFiles.readIfThere(`${directory}/head.json`);
  if (bytes === null) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as HeadFile;
  } catch {
    return null;
  }
}

/** The old head's endpoint if nobody took it, else a new one. */
async function openControl(
  wanted: string,
  before: HeadFile | null,
  options: { curve: ServerKeys | null; receive: (peer: PeerId, frame: Uint8Array) => void; refused: () => void },
): Promise<ControlServer> {
  if (before !== null) {
    try {
      return await openControlServer({ endpoint: withHost(before.control, hostOf(wanted)), ...options });
    } catch {
      // Taken meanwhile: the backend starts the peers again with the new endpoint.
    }
  }
  return openControlServer({ endpoint: wanted, ...options });
}

/** One sentence a minute: whoever can reach the port must not fill the disk. */
function tellRefusals(log: LogFunction): () => void {
  let refused = 0;
  let toldMs = -Infinity;
  return () => {
    refused += 1;
    if (systemClock.monotonicMs() - toldMs < 60_000) return;
    toldMs = systemClock.monotonicMs();
    log('warn', 'a connection to the control socket was refused: its key is not on the list, or there are too many', {
      refused,
    });
  };
}

function portIsFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

export async function runHead(options: HeadArguments, log: LogFunction): Promise<number> {
  const { directory } = options;
  const configDirectory = options.pod?.configDirectory ?? directory;
  const { study, token } = await readStudyDirectory(directory, options.tokenFile, configDirectory);
  const curve = await readServerKeys(options.curveDirectory);
  const before = await readHeadFile(directory);
  const manifestBytes = await realFiles.readIfThere(`${configDirectory}/manifest.json`);
  const manifest = (manifestBytes === null ? study : JSON.parse(new TextDecoder().decode(manifestBytes))) as Record<
    string,
    unknown
  >;
  const io = await createIoWorker({ directory, log: (sentence) => log('warn', sentence) });
  const stopping = Promise.withResolvers<number>();
  const head = await Head.create({
    study,
    manifest,
    design: makeDesign(study),
    directory,
    token,
    host: hostIdentity(),
    versions: { melissa: packageFile.version, node: process.versions.node },
    clock: systemClock,
    atEndOfTurn,
    files: realFiles,
    io,
    sameSecret,
    openControl: (receive) => openControl(options.control, before, { curve, receive, refused: tellRefusals(log) }),
    log,
    dismissRanks: options.pod === null,
    abandon: (exitCode) => stopping.resolve(exitCode),
  });
  await head.start();
  const http = await startHttp(options, before, { head, io, token, manifest, log });
  const file: HeadFile = {
    pid: process.pid,
    epoch: head.epoch,
    control: withHost(head.controlEndpoint, options.advertise),
    http: http.url,
    ...(http.secureUrl === undefined ? {} : { https: http.secureUrl }),
    startedAt: new Date(systemClock.wallMs()).toISOString(),
  };
  await realFiles.writeAtomically(`${directory}/head.json`, `${JSON.stringify(file)}\n`);
  log('info', 'the head is ready', { epoch: file.epoch, control: file.control, http: file.http });
  onStopSignal((signal) => {
    log('info', `${signal}: ending`);
    stopping.resolve(0);
  });
  // In a pod whoever watches over the study ends it: a pod that leaves by itself is started again.
  const exitCode = await (options.pod === null
    ? Promise.race([stopping.promise, served(head, study)])
    : stopping.promise);
  await takeDown(head, http, io);
  return exitCode;
}

/** Finished studies are served for a while. */
async function served(head: Head, study: CompiledStudy): Promise<number> {
  await head.ending.done;
  const serveMs = Math.max(study.server.keepSeconds * 1000, finishedServeMs);
  await new Promise<void>((wake) => void systemClock.after(serveMs, wake));
  return 0;
}

async function takeDown(head: Head, http: HttpServer, io: IoWorker): Promise<void> {
  await http.close();
  await head.stop();
  await io.close();
}

async function startHttp(
  options: HeadArguments,
  before: HeadFile | null,
  parts: { head: Head; io: IoWorker; token: string; manifest: Record<string, unknown>; log: LogFunction },
): Promise<HttpServer & { secureUrl?: string }> {
  const { head, io, token, manifest, log } = parts;
  const host = options.httpHost;
  const beforePort = Number(before === null ? 0 : new URL(before.http).port);
  const wanted = beforePort !== 0 && (await portIsFree(host, beforePort)) ? beforePort : options.httpPort;
  const httpLog = {
    info: (facts: object, message: string) => log('info', message, { ...facts }),
    warn: (facts: object, message: string) => log('warn', message, { ...facts }),
    error: (facts: object, message: string) => log('error', message, { ...facts }),
  };
  const { intent, pod } = options;
  const metrics = httpMetrics(head.service.study.name, () => head.service.status());
  const authorize =
    pod === null || pod.authorize === null
      ? {}
      : { authorize: makeAuthorize({ ...pod.authorize, clock: systemClock }) };
  const common = {
    version: packageFile.version,
    service: head.service,
    eventReader: io,
    token: pod === null ? token : await readSecret(pod.restTokenFile),
    log: httpLog,
    manifest,
    intent,
    metrics,
    ...authorize,
  };
  const clear = await startHttpServer({ ...common, host, port: wanted });
  if (pod === null) return clear;
  const tls = { certificate: await readSecret(pod.https.certificateFile), key: await readSecret(pod.https.keyFile) };
  const secure = await startHttpServer({ ...common, host: pod.https.host, port: pod.https.port, tls });
  return {
    ...clear,
    secureUrl: secure.url,
    close: async () => {
      await secure.close();
      await clear.close();
    },
  };
}
