/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default handle and Melissa's own calls on it. They return nothing, so an error is told once on stderr (the study learns of
 * it as ClientFault where that can help) and further calls do nothing; MELISSA_ON_ERROR=abort ends the process instead.
 * The default handle belongs to one thread, as every handle.
 */
#include "compat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "melissa_api_no_mpi.h"

static melissa_client *client;
static melissa_status failed_open; /* not MELISSA_OK: the handle could not be opened and is not tried again */
static melissa_status last_status;
static char last_error[MLC_ERROR_BYTES];
static melissa_status told[32]; /* statuses that stderr has been told, so that a loop over steps does not repeat them */
static size_t told_count;
static uint32_t first_own_step; /* where melissa_send begins to count: the resume step if the solver asked for it */
static int begun; /* outside a loop: melissa_next_simulation has given the one simulation */

static void remember(melissa_status status) {
  last_status = status;
  if (status == MELISSA_OK || status == MELISSA_FINISHED || client == NULL) return;
  snprintf(last_error, sizeof last_error, "%s", melissa_client_last_error(client));
}

void mlc_report(const char *call, melissa_status status) {
  last_status = status;
  if (status == MELISSA_OK || status == MELISSA_FINISHED) return;
  int is_new = 1;
  for (size_t i = 0; i < told_count; i++) is_new &= told[i] != status;
  if (is_new && told_count < sizeof told / sizeof *told) told[told_count++] = status;
  if (is_new && status == MELISSA_ERROR_NOT_CONFIGURED) {
    fprintf(stderr, "melissa: MELISSA_HEAD is not set: the solver runs without a study and sends nothing.\n");
  } else if (is_new) {
    fprintf(stderr, "melissa: %s: %s\nmelissa: remedy: %s\n", call, last_error[0] != '\0' ? last_error : "failed", melissa_strerror(status));
  }
  if (mlc_settings_abort_on_error()) {
    fprintf(stderr, "melissa: MELISSA_ON_ERROR=abort: the solver ends here.\n");
    abort();
  }
}

static melissa_status ensure_open(const melissa_collective *collective) {
  if (failed_open != MELISSA_OK) return failed_open;
  if (client != NULL) return mlc_is_forked(client) ? MELISSA_ERROR_FORKED : MELISSA_OK;
  melissa_status status = mlc_open(&client, collective);
  remember(status);
  if (status == MELISSA_OK) return status;
  failed_open = status;
  mlc_dispose(client);
  client = NULL;
  return status;
}

/* ---- with a status ---- */

melissa_status melissa_init_collective(const char *field, size_t cells, const melissa_collective *collective) {
  melissa_status status = ensure_open(collective);
  if (status == MELISSA_OK) status = melissa_client_field(client, field, cells);
  if (status == MELISSA_OK) {
    mlc_field *known = mlc_field_of(client, field);
    if (known->next_step < first_own_step) known->next_step = first_own_step;
  }
  remember(status);
  return status;
}

static melissa_status usable(void) {
  if (failed_open != MELISSA_OK) return failed_open;
  if (client == NULL) {
    snprintf(last_error, sizeof last_error, "nothing was initialised");
    return MELISSA_ERROR_CALL_ORDER;
  }
  return mlc_is_forked(client) ? MELISSA_ERROR_FORKED : MELISSA_OK;
}

melissa_status melissa_send_step(const char *field, uint32_t step, const double *values, size_t count) {
  melissa_status status = usable();
  if (status == MELISSA_OK) status = melissa_client_send(client, field, step, values, count);
  remember(status);
  return status;
}

melissa_status melissa_send_step_f32(const char *field, uint32_t step, const float *values, size_t count) {
  melissa_status status = usable();
  if (status == MELISSA_OK) status = melissa_client_send_f32(client, field, step, values, count);
  remember(status);
  return status;
}

uint32_t melissa_resume_step(void) {
  if (client == NULL || mlc_is_forked(client)) {
    mlc_settings settings;
    char error[256];
    first_own_step = mlc_settings_read(&settings, error, sizeof error) ? settings.resume_step : 0;
    return first_own_step;
  }
  first_own_step = melissa_client_resume_step(client);
  for (size_t i = 0; i < client->field_count; i++)
    if (client->fields[i].next_step < first_own_step) client->fields[i].next_step = first_own_step;
  return first_own_step;
}

const char *melissa_last_error(void) { return last_error; }
melissa_status melissa_last_status(void) { return last_status; }

/* ---- simulations and parameters ---- */

melissa_status melissa_next_simulation_collective(const melissa_collective *collective) {
  melissa_status status = ensure_open(collective);
  if (status == MELISSA_OK && client->settings.loops) {
    first_own_step = 0;
    status = mlc_loop_next(client);
  } else if (status == MELISSA_OK) {
    status = begun ? MELISSA_FINISHED : MELISSA_OK;
    begun = 1;
  }
  remember(status);
  return status;
}

melissa_status melissa_next_simulation(void) { return melissa_next_simulation_collective(NULL); }

int64_t melissa_simulation(void) { return client == NULL || client->current == NULL ? -1 : (int64_t)client->current->simulation; }

/* Part `index` of a text joined by U+001F, copied to `buffer`; NULL if there is none. */
static const char *part(const char *joined, size_t index, char **buffer) {
  if (joined == NULL || *joined == '\0') return NULL;
  for (; index > 0; index--) {
    joined = strchr(joined, '\x1f');
    if (joined == NULL) return NULL;
    joined++;
  }
  size_t size = strcspn(joined, "\x1f");
  char *grown = realloc(*buffer, size + 1);
  if (grown == NULL) return NULL;
  memcpy(grown, joined, size);
  grown[size] = '\0';
  *buffer = grown;
  return grown;
}

size_t melissa_parameter_count(void) {
  const char *values = client == NULL ? NULL : client->loop.values;
  if (values == NULL || *values == '\0') return 0;
  size_t count = 1;
  for (; *values != '\0'; values++) count += *values == '\x1f';
  return count;
}

const char *melissa_parameter_text(size_t index) {
  static char *buffer[8]; /* the last eight answers stay valid, so that several can stand in one expression */
  static unsigned turn;
  return client == NULL ? NULL : part(client->loop.values, index, &buffer[turn++ % 8]);
}

const char *melissa_parameter_name(size_t index) {
  static char *buffer[8];
  static unsigned turn;
  return client == NULL ? NULL : part(client->loop.names, index, &buffer[turn++ % 8]);
}

double melissa_parameter(size_t index) {
  const char *text = melissa_parameter_text(index);
  char *end = NULL;
  double value = text == NULL ? (double)NAN : strtod(text, &end);
  return end != NULL && end != text && *end == '\0' ? value : (double)NAN;
}

/* ---- Melissa's calls ---- */

void melissa_init_no_mpi(const char *field_name, const int local_vect_size) {
  if (field_name == NULL || local_vect_size < 0) {
    snprintf(last_error, sizeof last_error, "a field needs a name and a size that is not negative");
    mlc_report("melissa_init_no_mpi", MELISSA_ERROR_INVALID_ARGUMENT);
    return;
  }
  mlc_report("melissa_init_no_mpi", melissa_init_collective(field_name, (size_t)local_vect_size, NULL));
}

void melissa_init_no_mpi_f(const char *field_name, int *local_vect_size) { melissa_init_no_mpi(field_name, *local_vect_size); }

/* The next step of a field. It is counted even if the study does not keep it, and when sending failed. */
static void send_next(const char *call, const char *field_name, const void *values, uint8_t dtype) {
  melissa_status status = usable();
  if (status == MELISSA_OK) {
    mlc_field *field = field_name == NULL ? NULL : mlc_field_of(client, field_name);
    uint32_t step = field == NULL ? 0 : field->next_step++;
    size_t count = field == NULL ? 0 : (size_t)field->cells;
    const char *name = field_name == NULL ? "" : field_name;
    status = dtype == MLP_DTYPE_F64 ? melissa_client_send(client, name, step, values, count) : melissa_client_send_f32(client, name, step, values, count);
  }
  remember(status);
  mlc_report(call, status);
}

void melissa_send(const char *field_name, const double *send_vect) { send_next("melissa_send", field_name, send_vect, MLP_DTYPE_F64); }
void melissa_send_no_mpi(const char *field_name, const double *send_vect) { send_next("melissa_send_no_mpi", field_name, send_vect, MLP_DTYPE_F64); }
void melissa_send_float32(const char *field, const float *values) { send_next("melissa_send_float32", field, values, MLP_DTYPE_F32); }

void melissa_send_with_metadata(const char *field_name, const double *send_vect, const char *metadata) {
  (void)metadata;
  send_next("melissa_send_with_metadata", field_name, send_vect, MLP_DTYPE_F64);
}

void melissa_finalize(void) {
  if (client == NULL) {
    failed_open = MELISSA_OK; /* a later melissa_init may try again */
    return;
  }
  melissa_client *closing = client;
  if (mlc_is_forked(closing)) {
    mlc_report("melissa_finalize", MELISSA_ERROR_FORKED);
    return;
  }
  client = NULL;
  begun = 0;
  first_own_step = 0;
  melissa_status status = mlc_close(closing, last_error, sizeof last_error);
  mlc_report("melissa_finalize", status);
}
