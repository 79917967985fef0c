/* SPDX-License-Identifier: Apache-2.0 */
#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES_MAX = 65536 };

/** The text behind `'key':` of the header, which is the text of a Python dictionary. */
static const char *value_of(const char *header, const char *key) {
  const char *at = strstr(header, key);
  at = at == NULL ? NULL : strchr(at, ':');
  if (at == NULL) return NULL;
  at += 1;
  while (*at == ' ') at++;
  return at;
}

static bool parse_shape(const char *at, struct npy *npy) {
  if (*at++ != '(') return false;
  for (npy->axes = 0; npy->axes < NPY_AXES_MAX; npy->axes++) {
    while (*at == ' ' || *at == ',') at++;
    if (*at == ')') return true;
    char *end;
    npy->shape[npy->axes] = strtoull(at, &end, 10);
    if (end == at) return false;
    at = end;
  }
  return false;
}

bool npy_parse(const uint8_t *bytes, size_t size, struct npy *npy, char *error, size_t errorSize) {
  *npy = (struct npy){0};
  if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) {
    snprintf(error, errorSize, "is not a .npy file");
    return false;
  }
  bool first = bytes[6] == 1;
  size_t begin = first ? 10 : 12;
  size_t length = first ? bytes[8] + 256u * bytes[9]
                        : bytes[8] + 256u * bytes[9] + 65536u * bytes[10] + 16777216u * (size_t)bytes[11];
  if (bytes[6] < 1 || bytes[6] > 2) {
    snprintf(error, errorSize, "has .npy version %u; versions 1 and 2 are read", bytes[6]);
    return false;
  }
  if (length > HEADER_BYTES_MAX || begin + length > size) {
    snprintf(error, errorSize, "has a damaged .npy header");
    return false;
  }
  char *header = malloc(length + 1);
  if (header == NULL) abort();
  memcpy(header, bytes + begin, length);
  header[length] = '\0';
  npy->dataOffset = begin + length;

  const char *type = value_of(header, "'descr'"), *order = value_of(header, "'fortran_order'"), *shape = value_of(header, "'shape'");
  bool ok = false;
  if (type == NULL || order == NULL || shape == NULL || !parse_shape(shape, npy)) {
    snprintf(error, errorSize, "has a damaged .npy header");
  } else if (strncmp(type, "'<f4'", 5) != 0 && strncmp(type, "'<f8'", 5) != 0) {
    snprintf(error, errorSize, "holds values of type %.12s; little-endian float32 ('<f4') and float64 ('<f8') are read", type);
  } else if (strncmp(order, "False", 5) != 0) {
    snprintf(error, errorSize, "is in Fortran order; save it with numpy.ascontiguousarray");
  } else {
    npy->single = type[3] == '4';
    ok = true;
  }
  free(header);
  return ok;
}
