// SPDX-License-Identifier: Apache-2.0
/**
 * Every error of the command line: what happened in general, what to do, and the exit code it ends with. `fail` fills
 * in the facts. docs/errors.md is generated from this table.
 */
import { ProjectError, type ErrorFacts } from '@melissa/kit';
import type { ExitName } from './exit-codes.ts';

export const errors = {
  ECOMMAND: {
    message: 'the command line is not understood',
    remedy: 'Run `melissa help` or `melissa help COMMAND`.',
    exit: 'usage',
  },
  EMANIFEST_READ: {
    message: 'the manifest cannot be read',
    remedy: 'Name a YAML file, or run `melissa init` to write one.',
    exit: 'usage',
  },
  EMANIFEST_SYNTAX: {
    message: 'the manifest is not valid YAML',
    remedy: 'Correct the named line; indentation is by spaces.',
    exit: 'usage',
  },
  EMANIFEST_INVALID: {
    message: 'the manifest has errors',
    remedy: 'Correct each line above; `melissa explain PATH` says what a field means.',
    exit: 'usage',
  },
  ESET: {
    message: 'a --set argument is not understood',
    remedy: 'Write --set spec.path.to.field=value, for example --set spec.client.parallelism=4.',
    exit: 'usage',
  },
  EMEMORY: {
    message: 'the study does not fit the memory of its server',
    remedy: 'Follow one of the savings above, or raise spec.server.memory or spec.server.ranks.',
    exit: 'usage',
  },
  EDIRECTORY_USED: {
    message: 'the study directory already holds a study',
    remedy: 'Continue it with --resume, name another with --directory, or remove it.',
    exit: 'usage',
  },
  ENO_RESUME: {
    message: 'there is no study to resume',
    remedy: 'Name the directory that `melissa run` printed when it started.',
    exit: 'usage',
  },
  ERUNNING: {
    message: 'the study is already running',
    remedy: 'Watch it with `melissa status`, or end it with `melissa cancel` first.',
    exit: 'usage',
  },
  EEXISTS: {
    message: 'a file is in the way',
    remedy: 'Choose another folder, or pass --force to overwrite.',
    exit: 'usage',
  },
  ENOSTUDY: {
    message: 'no running study was found',
    remedy: 'Name its directory with --directory, or start one with `melissa run`.',
    exit: 'unreachable',
  },
  EUNREACHABLE: {
    message: 'the study server does not answer',
    remedy: 'Look at `melissa logs head`; if `melissa run` has ended, continue with `melissa run --resume DIR`.',
    exit: 'unreachable',
  },
  EREFUSED: { message: 'the study server refused the request', remedy: 'See the reason above.', exit: 'unreachable' },
  ENORESULTS: {
    message: 'there are no results yet',
    remedy: 'Wait until `melissa status` names a results folder, or lower spec.server.results.periodSeconds.',
    exit: 'unreachable',
  },
  EKUBECTL: {
    message: 'kubectl did not do what was asked',
    remedy: 'See its words above; `kubectl auth can-i get melissastudies` tells whether you may look at studies.',
    exit: 'unreachable',
  },
  EPORT: {
    message: 'the port is taken',
    remedy: 'Choose another with --port, or set spec.local.port to 0 for any free one.',
    exit: 'environment',
  },
  EPART_MISSING: {
    message: 'a part of melissa is not built',
    remedy: 'Run `npm run build` in the folder of melissa.',
    exit: 'environment',
  },
  ESOLVER_MISSING: {
    message: 'the solver cannot be started',
    remedy:
      'Correct spec.client.command: a bare name is looked for in the folder bin/ beside the manifest, then on PATH; a name with a slash is relative to the manifest.',
    exit: 'environment',
  },
  EDIRECTORY: {
    message: 'the study directory cannot be written',
    remedy: 'Name a writable folder with --directory.',
    exit: 'environment',
  },
  EHEAD_CRASHES: {
    message: 'the study server ends again and again',
    remedy: 'See logs/head.log in the study directory; then continue with `melissa run --resume DIR`.',
    exit: 'environment',
  },
  ERANK_CRASHES: {
    message: 'a rank of the study server ends again and again',
    remedy: 'See its log in the study directory; then continue with `melissa run --resume DIR`.',
    exit: 'environment',
  },
  EPILOT_CRASHES: {
    message: 'a pilot ends again and again',
    remedy: 'See its log in the study directory.',
    exit: 'environment',
  },
  ESTUDY_FAILED: {
    message: 'the study failed',
    remedy:
      'See `melissa simulations --state Failed` and `melissa logs ID`; correct the cause and continue with --resume.',
    exit: 'studyFailed',
  },
  EINTERRUPTED: { message: 'interrupted', remedy: 'Continue with `melissa run --resume DIR`.', exit: 'interrupted' },
  ECANCELLED: {
    message: 'the study was cancelled',
    remedy: 'What was folded before is in its results.',
    exit: 'cancelled',
  },
  EINTERNAL: { message: 'melissa made a mistake', remedy: 'Please report it with the lines above.', exit: 'internal' },
} as const satisfies Record<string, { message: string; remedy: string; exit: ExitName }>;

export type ErrorCode = keyof typeof errors;

/** An error of the table; `detail` carries the facts, `remedy` replaces the general advice by a more exact one. */
export function failure(
  code: ErrorCode,
  detail = '',
  options: { remedy?: string; facts?: ErrorFacts; cause?: unknown } = {},
): ProjectError {
  const row = errors[code];
  return new ProjectError({
    code,
    message: detail === '' ? row.message : `${row.message}: ${detail}`,
    remedy: options.remedy ?? row.remedy,
    ...(options.facts === undefined ? {} : { facts: options.facts }),
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}

/** The exit code an error ends with. Errors of other packages: the server's answers, else what the manifest did wrong. */
export function exitNameOf(error: unknown): ExitName {
  if (!(error instanceof ProjectError)) return 'internal';
  if (error.code.startsWith('EHTTP') || error.facts['status'] !== undefined) return 'unreachable';
  return error.code in errors ? errors[error.code as ErrorCode].exit : 'usage';
}
