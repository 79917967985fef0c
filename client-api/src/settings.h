/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says: where the head is and which attempt this process is. Plain memory, so that rank 0 can broadcast it. */
#ifndef MELISSA_SETTINGS_H
#define MELISSA_SETTINGS_H

#include <stdint.h>

typedef struct mlc_settings {
  int32_t configured; /* MELISSA_HEAD is set */
  int32_t loops;      /* MELISSA_LOOP_LEASE is set: simulations come from melissa_next_simulation */
  char head[512];
  char token[4097];
  char pilot[256];
  char host[320]; /* host name and boot id, as the server's processes name it */
  uint64_t loop_lease;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t resume_step;
  uint32_t timeout_ms; /* for the head's answers, until it names its own limits */
  int32_t only_sockets; /* MELISSA_TRANSPORT=tcp: no memory is shared with ranks of this machine */
  int32_t has_curve;
  char curve_secret[41]; /* Z85 */
  char curve_public[41];
  char curve_server[41];
} mlc_settings;

/** Reads the environment and the files that it names. Returns 1, or 0 with one sentence in `error`. */
int mlc_settings_read(mlc_settings *settings, char *error, unsigned long error_size);
/** 1 if MELISSA_ON_ERROR is "abort". */
int mlc_settings_abort_on_error(void);
/** Random bytes from the operating system. */
void mlc_random(void *out, unsigned long size);

#endif
