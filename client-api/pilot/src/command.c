/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** 0 when `path` can be executed, else the system's reason. A folder is no command although it has the x bit. */
static int executable(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  return access(path, X_OK) < 0 ? errno : 0;
}

static void set_path(struct text *path, const char *folder, size_t folderLength, const char *word) {
  text_clear(path);
  text_append(path, folder, folderLength);
  if (folderLength > 0) text_append_string(path, "/");
  text_append_string(path, word);
}

bool command_resolve(const char *word, const char *manifestDirectory, const char *searchPath, struct text *path,
                     char *error, size_t errorSize) {
  if (word[0] == '\0') {
    snprintf(error, errorSize, "the command's first word is empty");
    return false;
  }
  if (strchr(word, '/') != NULL) {
    bool absolute = word[0] == '/';
    set_path(path, manifestDirectory, absolute ? 0 : strlen(manifestDirectory), word);
    int reason = executable(path->data);
    if (reason != 0) snprintf(error, errorSize, "cannot start \"%s\": %s: %s", word, path->data, strerror(reason));
    return reason == 0;
  }
  /* The first file of that name that cannot be executed explains more than "not found". */
  char refused[512] = "";
  struct text bin = {0};
  set_path(&bin, manifestDirectory, strlen(manifestDirectory), "bin");
  const char *folder = bin.data;
  size_t length = bin.size;
  const char *rest = searchPath;
  bool found = false;
  while (folder != NULL && !found) {
    set_path(path, length == 0 ? "." : folder, length == 0 ? 1 : length, word);
    int reason = executable(path->data);
    found = reason == 0;
    if (!found && reason != ENOENT && reason != ENOTDIR && refused[0] == '\0') {
      snprintf(refused, sizeof refused, " (%s: %s)", path->data, strerror(reason));
    }
    folder = rest;
    length = rest == NULL ? 0 : strcspn(rest, ":");
    rest = rest == NULL || rest[length] == '\0' ? NULL : rest + length + 1;
  }
  if (!found) {
    snprintf(error, errorSize, "cannot start \"%s\": %s%s; searched %s and then PATH (%s)", word,
             refused[0] == '\0' ? strerror(ENOENT) : "found, but not executable", refused, bin.data,
             searchPath == NULL ? "" : searchPath);
  }
  text_free(&bin);
  return found;
}
