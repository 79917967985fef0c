// SPDX-License-Identifier: Apache-2.0
/** Command lines of the processes of a study on one machine: the contract with head, rank and pilot. Pure. */
import { join } from 'node:path';
import type { BackendScope } from '@melissa/kit';

/** Where the parts of melissa are. The server is started by path; it is never imported. */
export type Parts = {
  node: string;
  server: string;
  pilot: string;
  /** Folders: the Python client, the C headers, the built library, the examples that `init` writes. */
  python: string;
  include: string;
  library: string;
  templates: string;
};

export type LaunchSetup = {
  parts: Parts;
  /** Study directory, absolute. */
  directory: string;
  manifestDirectory: string;
  listen: string;
  /** HTTP port; after the first start the one that the head got, so that it keeps it over a restart. */
  port: number;
  /** Control endpoint to bind; `tcp://127.0.0.1:*` at first. */
  control: string;
  /** Start the head from its checkpoint. */
  resume: boolean;
  /** Host that peers are told to connect to, where a relay stands in between (tests of broken links); null: none does. */
  advertise: string | null;
  /** Keys are in DIR/keys, and everything but the REST API is encrypted with them. */
  encrypt: boolean;
  environment: Record<string, string | undefined>;
};

export type Launch = {
  command: string;
  args: string[];
  directory: string;
  environment: Record<string, string | undefined>;
};

export const tokenFile = (directory: string): string => join(directory, 'token');
/** Two folders: a client is never shown the server's secret. */
export const keysDirectory = (directory: string, side: 'server' | 'client'): string => join(directory, 'keys', side);
export const workDirectory = (directory: string): string => join(directory, 'work');
export const logFile = (directory: string, id: string): string => join(directory, 'logs', `${id}.log`);

/**
 * Bounds of the head's garbage, as options of Node. A head lives for weeks and serves each simulation with objects that soon die; left
 * to itself Node lets these take tens of megabytes before it collects them. Here each of the two halves of the young generation
 * has 2 MiB, and the old one is collected when it is some 30 % larger than what lives in it. The image of the server has the same.
 */
export const headOptions: readonly string[] = ['--max-semi-space-size=2', '--optimize-for-size'];

/** The command line of one process. `endpoint` is the head's control socket; unused for the head itself. */
export function launchFor(scope: BackendScope, index: number, endpoint: string, setup: LaunchSetup): Launch {
  const { parts, directory } = setup;
  const token = ['--token-file', tokenFile(directory)];
  const curve = (side: 'server' | 'client'): string[] =>
    setup.encrypt ? ['--curve-dir', keysDirectory(directory, side)] : [];
  const advertise = setup.advertise === null ? [] : ['--advertise', setup.advertise];
  if (scope === 'head') {
    const args = [
      ...headOptions,
      parts.server,
      'head',
      '--study',
      directory,
      '--http',
      `${setup.listen}:${setup.port}`,
      '--control',
      setup.control,
      ...token,
      ...advertise,
      ...curve('server'),
    ];
    if (setup.resume) args.push('--resume');
    return { command: parts.node, args, directory, environment: setup.environment };
  }
  if (scope === 'rank') {
    const args = [parts.server, 'rank', '--study', directory, '--rank', String(index), '--head', endpoint, ...token];
    args.push(...advertise, ...curve('server'));
    return { command: parts.node, args, directory, environment: setup.environment };
  }
  const work = workDirectory(directory);
  const args = [
    '--head',
    endpoint,
    ...token,
    '--id',
    `pilot-${index}`,
    '--work',
    work,
    '--manifest-dir',
    setup.manifestDirectory,
    ...curve('client'),
  ];
  // A Python solver finds the client package without having installed it; what the user set comes first.
  const pythonPath = [setup.environment['PYTHONPATH'], parts.python]
    .filter((part) => part !== undefined && part !== '')
    .join(':');
  return { command: parts.pilot, args, directory: work, environment: { ...setup.environment, PYTHONPATH: pythonPath } };
}
