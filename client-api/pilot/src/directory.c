/* SPDX-License-Identifier: Apache-2.0 */
#include "directory.h"

#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree deeper than this is refused rather than followed until the descriptors run out. */
enum { DEPTH_MAX = 128 };

int directory_make(const char *path) {
  char *copy = memory_string(path, strlen(path));
  int reason = 0;
  for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(copy, 0777) < 0 && errno != EEXIST) {
      reason = errno;
      break;
    }
    *slash = '/';
  }
  if (reason == 0 && mkdir(copy, 0777) < 0 && errno != EEXIST) reason = errno;
  free(copy);
  return reason;
}

static int empty_opened(int descriptor, int depth) {
  DIR *directory = depth < DEPTH_MAX ? fdopendir(descriptor) : NULL;
  if (directory == NULL) {
    int reason = depth < DEPTH_MAX ? errno : ELOOP;
    close(descriptor);
    return reason;
  }
  int reason = 0;
  for (struct dirent *item = readdir(directory); item != NULL; item = readdir(directory)) {
    if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
    if (unlinkat(descriptor, item->d_name, 0) == 0) continue;
    if (errno != EISDIR && errno != EPERM) {
      reason = reason == 0 ? errno : reason;
      continue;
    }
    int inner = openat(descriptor, item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int failed = inner < 0 ? errno : empty_opened(inner, depth + 1);
    if (failed == 0 && unlinkat(descriptor, item->d_name, AT_REMOVEDIR) < 0) failed = errno;
    reason = reason == 0 ? failed : reason;
  }
  closedir(directory);
  return reason;
}

int directory_empty(const char *path) {
  int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return descriptor < 0 ? errno : empty_opened(descriptor, 0);
}

int directory_remove(const char *path) {
  int reason = directory_empty(path);
  if (reason != 0) return reason;
  return rmdir(path) < 0 ? errno : 0;
}

/** True when a component is "..", or the path is absolute or empty. */
static bool leaves_root(const char *path) {
  if (path[0] == '/' || path[0] == '\0') return true;
  for (const char *part = path; part != NULL; part = strchr(part, '/')) {
    if (*part == '/') part++;
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) return true;
  }
  return false;
}

int directory_write_file(const char *root, const char *path, const char *bytes, size_t size) {
  if (leaves_root(path)) return EINVAL;
  struct text full = {0};
  text_append_string(&full, root);
  text_append_string(&full, "/");
  text_append_string(&full, path);
  int reason = 0;
  char *slash = strrchr(full.data, '/');
  if (strchr(path, '/') != NULL) {
    *slash = '\0';
    reason = directory_make(full.data);
    *slash = '/';
  }
  int file = reason == 0 ? open(full.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666) : -1;
  if (reason == 0 && file < 0) reason = errno;
  for (size_t done = 0; reason == 0 && done < size;) {
    ssize_t part = write(file, bytes + done, size - done);
    if (part > 0) done += (size_t)part;
    if (part < 0 && errno != EINTR) reason = errno;
  }
  if (file >= 0 && close(file) < 0 && reason == 0) reason = errno;
  text_free(&full);
  return reason;
}
