// SPDX-License-Identifier: Apache-2.0
/** Errors that the fetch client makes itself; an error the server answered keeps the server's own code. */
export const errors = {
  EHTTPUNREACHABLE: {
    message: 'the study server does not answer',
    remedy:
      'Check that the study runs and that the address is right; on a cluster, forward the port with `kubectl port-forward`.',
  },
  EHTTPTIMEOUT: {
    message: 'the study server did not answer in time',
    remedy: 'Try again; if it persists, look at the log of the head and at the load of its machine.',
  },
  EHTTPANSWER: {
    message: 'the address answers, but not as a study server',
    remedy: 'Check the address and the port; something else listens there, or a proxy stands between.',
  },
} as const;

export type ErrorCode = keyof typeof errors;
