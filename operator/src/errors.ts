// SPDX-License-Identifier: Apache-2.0
/** Errors of the operator's own process. What concerns a study is a condition with a reason (status/reasons.ts), not an error. */
export const errors = {
  EOPERATOR_SETTING: {
    message: 'a setting of the operator is missing or wrong',
    remedy: 'Correct the environment variable that is named; the Helm chart sets all of them.',
  },
} as const;
