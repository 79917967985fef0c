// SPDX-License-Identifier: Apache-2.0
/** The command lines of head and rank: `main.ts head --study DIR …`, `main.ts rank --study DIR --rank R --head ENDPOINT …`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ProjectError } from '@melissa/kit';
import { errors } from '../errors.ts';
import type { PodPlace } from './pod.ts';

export type HeadArguments = {
  role: 'head';
  directory: string;
  httpHost: string;
  httpPort: number;
  control: string;
  tokenFile: string;
  /** Host that others are told to connect to; null: where the socket listens. */
  advertise: string | null;
  /** Folder of the server's CURVE keys (keys.ts); null: nothing is encrypted. */
  curveDirectory: string | null;
  /** What is particular to a pod (pod.ts); null: one machine. */
  pod: PodPlace | null;
  /** On a cluster the MelissaStudy alone decides. */
  intent: 'api' | 'kubernetes';
};
export type RankArguments = {
  role: 'rank';
  directory: string;
  rank: number;
  head: string;
  tokenFile: string;
  listen: string;
  /** Host that clients are told to connect to; null: where the socket listens. */
  advertise: string | null;
  /** Folder of the server's CURVE keys (keys.ts); null: nothing is encrypted. */
  curveDirectory: string | null;
  /** What is particular to a pod (pod.ts); null: one machine. */
  pod: PodPlace | null;
};

const options = {
  study: { type: 'string' },
  http: { type: 'string', default: '127.0.0.1:8888' },
  control: { type: 'string', default: 'tcp://127.0.0.1:*' },
  'token-file': { type: 'string' },
  'curve-dir': { type: 'string' },
  intent: { type: 'string', default: 'api' },
  // A directory that holds a checkpoint of this study is always gone on with: a restarted head has no other choice.
  resume: { type: 'boolean', default: false },
  rank: { type: 'string' },
  head: { type: 'string' },
  listen: { type: 'string', default: 'tcp://127.0.0.1:*' },
  // Behind a relay, or bound to 0.0.0.0: the host in the endpoint that others are told. The port is the socket's.
  advertise: { type: 'string' },
} as const;

function usage(detail: string): ProjectError {
  return new ProjectError({
    code: 'EUSAGE',
    message: `${errors.EUSAGE.message}: ${detail}`,
    remedy: errors.EUSAGE.remedy,
  });
}

export function parseArguments(words: string[]): HeadArguments | RankArguments {
  const [role, ...rest] = words;
  if (role !== 'head' && role !== 'rank') throw usage(`"${role ?? ''}" is neither head nor rank`);
  const values = parsed(rest);
  if (values.study === undefined) throw usage('--study is missing');
  const directory = resolve(values.study);
  const tokenFile = resolve(values['token-file'] ?? `${directory}/token`);
  const advertise = values.advertise ?? null;
  const curveDirectory = values['curve-dir'] === undefined ? null : resolve(values['curve-dir']);
  if (role === 'rank') {
    const rank = Number(values.rank);
    if (!Number.isInteger(rank) || rank < 0) throw usage('--rank is not a number from 0');
    if (values.head === undefined) throw usage('--head is missing');
    return {
      role,
      directory,
      rank,
      head: values.head,
      tokenFile,
      listen: values.listen,
      advertise,
      curveDirectory,
      pod: null,
    };
  }
  const address = /^(.*):(\d+)$/.exec(values.http);
  if (address === null || Number(address[2]) > 65535) throw usage(`--http ${values.http} is not host:port`);
  if (values.intent !== 'api' && values.intent !== 'kubernetes')
    throw usage(`--intent ${values.intent} is neither api nor kubernetes`);
  const { control, intent } = values;
  return {
    role,
    directory,
    httpHost: address[1]!,
    httpPort: Number(address[2]),
    control,
    tokenFile,
    advertise,
    curveDirectory,
    pod: null,
    intent,
  };
}

function parsed(words: string[]) {
  try {
    return parseArgs({ args: words, options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw usage((cause as Error).message);
  }
}
