// SPDX-License-Identifier: Apache-2.0
/**
 * What `melissa` tells the shell. Scripts depend on these numbers: a number keeps its meaning for ever. The table in
 * docs/reference/cli.md is made from this one.
 */
export const exitCodes = {
  ok: { code: 0, meaning: 'Done; for `run`: the study succeeded.' },
  studyFailed: {
    code: 1,
    meaning: 'The study failed: too many failed simulations, its deadline, or results that could not be written.',
  },
  usage: {
    code: 2,
    meaning: 'The command line or the manifest is wrong, or the study does not fit its memory. Nothing was started.',
  },
  unreachable: {
    code: 3,
    meaning: 'No running study was found or it did not answer, or it does not know what was asked for.',
  },
  interrupted: { code: 4, meaning: 'Interrupted; the study can be continued with `melissa run --resume`.' },
  environment: {
    code: 5,
    meaning:
      'The machine lacks something: a part is not built, the solver is missing, a port or a folder is not usable.',
  },
  cancelled: { code: 6, meaning: 'The study was cancelled.' },
  internal: { code: 70, meaning: 'A mistake in melissa itself; please report it with the lines above.' },
} as const;

export type ExitName = keyof typeof exitCodes;
