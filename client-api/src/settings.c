/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_SECONDS_DEFAULT 60.0
#define TIMEOUT_SECONDS_MAX 86400.0

static const char *text(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static int number(const char *name, uint64_t max, uint64_t *out, char *error, unsigned long error_size) {
  const char *value = text(name);
  if (value == NULL) return 1;
  char *end = NULL;
  errno = 0;
  unsigned long long parsed = strtoull(value, &end, 10);
  if (errno != 0 || *end != '\0' || value[0] == '-' || parsed > max) {
    snprintf(error, error_size, "%s is \"%.40s\", which is no whole number up to %llu; leave it as the pilot sets it", name, value, (unsigned long long)max);
    return 0;
  }
  *out = parsed;
  return 1;
}

/* The file's text without trailing white space; 1 if it fitted. */
static int read_text(const char *path, char *out, size_t capacity) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  size_t size = 0;
  ssize_t got = 0;
  while (size < capacity && (got = read(file, out + size, capacity - size)) > 0) size += (size_t)got;
  close(file);
  if (got < 0 || size == capacity) return 0;
  while (size > 0 && (out[size - 1] == '\n' || out[size - 1] == '\r' || out[size - 1] == ' ')) size--;
  out[size] = '\0';
  return 1;
}

static int read_curve(mlc_settings *s, char *error, unsigned long error_size) {
  const char *folder = text("MELISSA_CURVE_DIR");
  if (folder == NULL) return 1;
  const struct { const char *name; char *into; } files[] = {{"client.key", s->curve_secret}, {"client.pub", s->curve_public}, {"server.pub", s->curve_server}};
  for (size_t i = 0; i < 3; i++) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
    char key[64];
    if (!read_text(path, key, sizeof key) || strlen(key) != 40) {
      snprintf(error, error_size, "%.400s does not hold a key of 40 characters (Z85); check MELISSA_CURVE_DIR", path);
      return 0;
    }
    memcpy(files[i].into, key, 41);
  }
  s->has_curve = 1;
  return 1;
}

static void read_host(mlc_settings *s) {
  char boot[64] = "";
  char name[256] = "unknown";
  (void)gethostname(name, sizeof name - 1);
  (void)read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  snprintf(s->host, sizeof s->host, "%s:%s", name, boot);
}

int mlc_settings_read(mlc_settings *s, char *error, unsigned long error_size) {
  memset(s, 0, sizeof *s);
  uint64_t simulation = 0, draw = 0, attempt = 0, resume = 0;
  const char *head = text("MELISSA_HEAD");
  if (head == NULL) return 1;
  s->configured = 1;
  if (strlen(head) >= sizeof s->head) {
    snprintf(error, error_size, "MELISSA_HEAD is longer than %zu bytes", sizeof s->head - 1);
    return 0;
  }
  strcpy(s->head, head);
  if (text("MELISSA_LOOP_LEASE") != NULL) {
    s->loops = 1;
    if (!number("MELISSA_LOOP_LEASE", UINT64_MAX, &s->loop_lease, error, error_size)) return 0;
  }
  if (!number("MELISSA_SIMULATION", UINT32_MAX, &simulation, error, error_size) || !number("MELISSA_DRAW", UINT16_MAX, &draw, error, error_size) ||
      !number("MELISSA_ATTEMPT", UINT16_MAX, &attempt, error, error_size) || !number("MELISSA_RESUME_STEP", UINT32_MAX, &resume, error, error_size))
    return 0;
  s->simulation = (uint32_t)simulation;
  s->draw = (uint16_t)draw;
  s->attempt = (uint16_t)attempt;
  s->resume_step = (uint32_t)resume;
  const char *token_file = text("MELISSA_TOKEN_FILE");
  if (token_file != NULL && !read_text(token_file, s->token, sizeof s->token)) {
    snprintf(error, error_size, "cannot read the study's token from %.400s (MELISSA_TOKEN_FILE): %s", token_file, strerror(errno));
    return 0;
  }
  if (text("MELISSA_PILOT") != NULL) snprintf(s->pilot, sizeof s->pilot, "%.255s", text("MELISSA_PILOT"));
  const char *seconds = text("MELISSA_TIMEOUT_SECONDS");
  double timeout = seconds != NULL ? strtod(seconds, NULL) : TIMEOUT_SECONDS_DEFAULT;
  if (!(timeout > 0 && timeout <= TIMEOUT_SECONDS_MAX)) timeout = TIMEOUT_SECONDS_DEFAULT;
  s->timeout_ms = (uint32_t)(timeout * 1000.0);
  const char *transport = text("MELISSA_TRANSPORT");
  s->only_sockets = transport != NULL && strcmp(transport, "tcp") == 0;
  if (transport != NULL && !s->only_sockets && strcmp(transport, "auto") != 0) {
    snprintf(error, error_size, "MELISSA_TRANSPORT is \"%.40s\"; it may be auto or tcp", transport);
    return 0;
  }
  read_host(s);
  return read_curve(s, error, error_size);
}

int mlc_settings_abort_on_error(void) {
  const char *value = text("MELISSA_ON_ERROR");
  return value != NULL && strcmp(value, "abort") == 0;
}

void mlc_random(void *out, unsigned long size) {
  unsigned char *bytes = out;
  int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  unsigned long got = 0;
  while (file >= 0 && got < size) {
    ssize_t n = read(file, bytes + got, size - got);
    if (n <= 0) break;
    got += (unsigned long)n;
  }
  if (file >= 0) close(file);
  if (got == size) return;
  /* No /dev: ids only have to differ, they guard nothing. */
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t state = (uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 30) ^ ((uint64_t)getpid() << 48) ^ (uint64_t)(uintptr_t)out;
  for (; got < size; got++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    bytes[got] = (unsigned char)(state >> 56);
  }
}
