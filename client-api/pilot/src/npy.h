/* SPDX-License-Identifier: Apache-2.0 */
/* The header of NumPy's .npy format, versions 1 and 2 (numpy.lib.format): enough to find C-ordered float arrays in a file. */
#ifndef MELISSA_PILOT_NPY_H
#define MELISSA_PILOT_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NPY_AXES_MAX = 32 };

struct npy {
  size_t dataOffset;
  bool single; /* float32, else float64 */
  unsigned axes;
  uint64_t shape[NPY_AXES_MAX];
};

/** Reads the header at `bytes`. On failure writes one sentence to `error` and returns false. */
bool npy_parse(const uint8_t *bytes, size_t size, struct npy *npy, char *error, size_t errorSize);

#endif
