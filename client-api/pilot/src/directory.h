/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work directories of attempts: made, filled with the study's files, emptied or removed. Removal never follows a
 * symbolic link, so a solver cannot make the pilot delete what lies outside.
 */
#ifndef MELISSA_PILOT_DIRECTORY_H
#define MELISSA_PILOT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

/** Makes the folder and its parents. An existing one is fine. Returns 0 or an errno. */
int directory_make(const char *path);
/** Removes everything inside; the folder itself stays. Returns 0 or the first errno met. */
int directory_empty(const char *path);
/** Removes the folder and everything inside. */
int directory_remove(const char *path);
/** Writes a file below `root`; `path` must be relative and must not leave it. Parents are made. Returns 0 or an errno. */
int directory_write_file(const char *root, const char *path, const char *bytes, size_t size);

#endif
