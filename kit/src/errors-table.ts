// SPDX-License-Identifier: Apache-2.0
/** Codes of errors that kit itself throws. */
export const errors = {
  EQUANTITY: {
    message: '"{text}" is not an amount of memory',
    remedy: 'Write a number with one of the units k, M, G, T, Ki, Mi, Gi, Ti, for example 4Gi.',
  },
} as const;
