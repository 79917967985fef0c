// SPDX-License-Identifier: Apache-2.0
/** Error codes of this package; docs/errors.md is made from the tables of all packages. */
export const errors = {
  EUNKNOWNPATH: {
    message: 'The manifest has no such field.',
    remedy: 'Write a path such as spec.sampling.method.',
  },
} as const;
