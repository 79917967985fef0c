/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_descriptor = 2;
static char log_pilot[128] = "";
static enum log_level log_lowest = LOG_INFO;

bool log_open(const char *path, const char *pilot, bool verbose) {
  snprintf(log_pilot, sizeof log_pilot, "%s", pilot);
  log_lowest = verbose ? LOG_DEBUG : LOG_INFO;
  if (path == NULL || path[0] == '\0') return true;
  int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return false;
  log_descriptor = descriptor;
  return true;
}

/** Copies `string` as the inside of a JSON string; returns the new end. */
static size_t escape(char *out, size_t end, size_t capacity, const char *string) {
  for (const unsigned char *c = (const unsigned char *)string; *c != 0 && end + 8 < capacity; c++) {
    if (*c == '"' || *c == '\\') {
      out[end++] = '\\';
      out[end++] = (char)*c;
    } else if (*c < 0x20) {
      end += (size_t)snprintf(out + end, capacity - end, "\\u%04x", *c);
    } else {
      out[end++] = (char)*c;
    }
  }
  return end;
}

void log_write(enum log_level level, const char *format, ...) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  if (level < log_lowest) return;
  char message[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);

  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char line[4096];
  size_t end = (size_t)snprintf(line, sizeof line, "{\"time\":%lld,\"level\":\"%s\",\"pilot\":\"",
                                (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, names[level]);
  end = escape(line, end, sizeof line - 16, log_pilot);
  end += (size_t)snprintf(line + end, sizeof line - end, "\",\"msg\":\"");
  end = escape(line, end, sizeof line - 4, message);
  memcpy(line + end, "\"}\n", 3);
  /* A log that cannot be written is no reason to stop the simulations. */
  if (write(log_descriptor, line, end + 3) < 0) return;
}
