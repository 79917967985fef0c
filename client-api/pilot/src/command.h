/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file a command's first word names. A bare name is looked for in the manifest's bin/ and then in PATH; a word
 * with a slash is relative to the manifest's folder. The same rules hold on one machine and in an image.
 */
#ifndef MELISSA_PILOT_COMMAND_H
#define MELISSA_PILOT_COMMAND_H

#include "text.h"

#include <stdbool.h>

/** Puts the absolute path into `path`, or one sentence with the system's reason and all places searched into `error`. */
bool command_resolve(const char *word, const char *manifestDirectory, const char *searchPath, struct text *path,
                     char *error, size_t errorSize);

#endif
