/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object a line on stderr or in the log file: {"time","level","pilot","msg"}. A line is one write, so that
 * pilots may share a file. Single simulations are logged at `debug` only: at thousands a second, writing about them
 * would cost more than running them, and the head keeps the record anyway.
 */
#ifndef MELISSA_PILOT_LOG_H
#define MELISSA_PILOT_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/** Opens `path` for appending (NULL or empty: stderr). Returns false with errno set when it cannot. */
bool log_open(const char *path, const char *pilot, bool verbose);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
