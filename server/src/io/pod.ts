// SPDX-License-Identifier: Apache-2.0
/**
 * The command line of a server pod: `main.ts pod --config DIR --secrets DIR --data DIR --headless HOST --ranks N`. Every pod of
 * the study's StatefulSet starts with the same words; its ordinal, from the environment, says what it is: 0 the head, n
 * rank n - 1. operator/CONTRACT.md says what is mounted where. Called by main.ts; the result is what head and rank are started
 * with on one machine, so that nothing below knows of pods but the few things in PodPlace.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errors } from '../errors.ts';
import { ProjectError } from '@melissa/kit';
import type { HeadArguments, RankArguments } from './arguments.ts';

/** What differs in a pod from one machine. */
export type PodPlace = {
  /** compiled.json and manifest.json, read-only. */
  configDirectory: string;
  /** Token of the REST API; pilots, ranks and solvers show another one. */
  restTokenFile: string;
  /** REST with TLS for the cluster; the clear one is on the pod's loopback interface alone. */
  https: { host: string; port: number; certificateFile: string; keyFile: string };
  /** Where Kubernetes tokens are checked; null: only the study's token is taken. */
  authorize: { url: string; authorityFile: string; namespace: string; study: string } | null;
};

export type PodEnvironment = {
  podName: string | undefined;
  podIndex: string | undefined;
  namespace: string | undefined;
  study: string | undefined;
};

const options = {
  config: { type: 'string' },
  secrets: { type: 'string' },
  data: { type: 'string' },
  headless: { type: 'string' },
  ranks: { type: 'string' },
  authorize: { type: 'string' },
  'authorize-ca': { type: 'string' },
  // What follows is fixed on a cluster; tests on one machine take free ports and the loopback interface.
  listen: { type: 'string', default: 'tcp://0.0.0.0:7000' },
  http: { type: 'string', default: '127.0.0.1:8888' },
  https: { type: 'string', default: '0.0.0.0:8443' },
  head: { type: 'string' },
  advertise: { type: 'string' },
} as const;

function usage(detail: string): ProjectError {
  const { message, remedy } = errors.EUSAGE;
  return new ProjectError({ code: 'EUSAGE', message: `${message}: ${detail}`, remedy });
}

export function parsePodArguments(words: string[], environment: PodEnvironment): HeadArguments | RankArguments {
  const values = parsed(words);
  const { config, secrets, data, headless } = values;
  if (config === undefined || secrets === undefined || data === undefined || headless === undefined)
    throw usage('a pod needs --config, --secrets, --data and --headless');
  const ranks = Number(values.ranks);
  const index = Number(environment.podIndex ?? '');
  if (!Number.isInteger(ranks) || ranks < 1) throw usage('--ranks is not a number from 1');
  if (environment.podIndex === undefined || !Number.isInteger(index) || index < 0 || index > ranks)
    throw usage(`MELISSA_POD_INDEX "${environment.podIndex ?? ''}" is not a number from 0 to ${ranks}`);
  if (environment.podName === undefined || environment.podName === '') throw usage('MELISSA_POD_NAME is missing');
  const common = {
    directory: data,
    tokenFile: join(secrets, 'lease-token'),
    curveDirectory: secrets,
    advertise: values.advertise ?? `${environment.podName}.${headless}`,
    pod: placeOf(values, environment, { config, secrets }),
  };
  if (index > 0) {
    // All pods are named by their set: PREFIX-0 is the head of PREFIX-n.
    const head = values.head ?? `tcp://${environment.podName.replace(/-\d+$/, '-0')}.${headless}:7000`;
    return { role: 'rank', rank: index - 1, head, listen: values.listen, ...common };
  }
  const http = hostAndPort('--http', values.http);
  return {
    role: 'head',
    httpHost: http.host,
    httpPort: http.port,
    control: values.listen,
    intent: 'kubernetes',
    ...common,
  };
}

function placeOf(
  values: ReturnType<typeof parsed>,
  { namespace, study }: PodEnvironment,
  { config, secrets }: { config: string; secrets: string },
): PodPlace {
  const { authorize, 'authorize-ca': authority } = values;
  if (authorize !== undefined && (authority === undefined || namespace === undefined || study === undefined))
    throw usage('--authorize needs --authorize-ca, MELISSA_NAMESPACE and MELISSA_STUDY');
  return {
    configDirectory: config,
    restTokenFile: join(secrets, 'token'),
    https: {
      ...hostAndPort('--https', values.https),
      certificateFile: join(secrets, 'tls.crt'),
      keyFile: join(secrets, 'tls.key'),
    },
    authorize:
      authorize === undefined
        ? null
        : { url: authorize, authorityFile: authority!, namespace: namespace!, study: study! },
  };
}

function hostAndPort(option: string, text: string): { host: string; port: number } {
  const found = /^(.*):(\d+)$/.exec(text);
  if (found === null || Number(found[2]) > 65535) throw usage(`${option} ${text} is not host:port`);
  return { host: found[1]!, port: Number(found[2]) };
}

function parsed(words: string[]) {
  try {
    return parseArgs({ args: words, options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw usage((cause as Error).message);
  }
}
