// SPDX-License-Identifier: Apache-2.0
/**
 * The person's own kubectl: its ways of logging in, its context and its rights are those that a person has, so nothing of that is
 * done here again. Called by the commands with --on kubernetes through world.ts.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { failure } from '../errors.ts';
import { FORWARD_START_MS_MAX, KUBECTL_ERROR_BYTES_MAX } from '../limits.ts';
import type { Forward, KubectlAnswer } from '../world.ts';

const missing = (cause: unknown): Error =>
  failure('EKUBECTL', (cause as Error).message, {
    remedy: 'Install kubectl and make sure that `kubectl get nodes` answers.',
    cause,
  });

/** Runs to its end. `onOutput` takes what it prints as it comes; otherwise that is in the answer. */
export function kubectl(
  args: string[],
  options: { input?: string; onOutput?: (bytes: Uint8Array) => void } = {},
): Promise<KubectlAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const parts: Uint8Array[] = [];
    let stderr = '';
    child.stdout.on('data', options.onOutput ?? ((bytes: Uint8Array) => parts.push(bytes)));
    child.stderr.on('data', (bytes) => (stderr = (stderr + String(bytes)).slice(-KUBECTL_ERROR_BYTES_MAX)));
    child.on('error', (cause) => reject(missing(cause)));
    child.on('close', (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(parts).toString(), stderr }));
    child.stdin.on('error', () => undefined); // it ended before it had read all
    child.stdin.end(options.input ?? '');
  });
}

/** `kubectl port-forward` to any free port of the loopback interface; it ends with `close`. */
export function forward(args: string[]): Promise<Forward> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', ['port-forward', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    const timer = setTimeout(() => child.kill(), FORWARD_START_MS_MAX);
    const ended = new Promise<void>((done) => child.once('close', () => done()));
    child.stderr.on('data', (bytes) => (stderr = (stderr + String(bytes)).slice(-KUBECTL_ERROR_BYTES_MAX)));
    child.on('error', (cause) => reject(missing(cause)));
    child.on('close', () => {
      clearTimeout(timer);
      reject(failure('EKUBECTL', stderr.trim() === '' ? 'port-forward ended' : stderr.trim()));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      const close = async () => {
        child.kill();
        await ended;
      };
      resolve({ url: `http://127.0.0.1:${port}`, isOpen: () => child.exitCode === null && child.signalCode === null, close }); // prettier-ignore
    });
  });
}
