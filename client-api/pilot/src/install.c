/* SPDX-License-Identifier: Apache-2.0 */
#include "install.h"

#include "pilot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Returns 0 or the errno of what failed. */
static int copy(int from, int to) {
  static char buffer[1 << 16];
  for (;;) {
    ssize_t got = read(from, buffer, sizeof buffer);
    if (got == 0) return 0;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    for (ssize_t done = 0; done < got;) {
      ssize_t written = write(to, buffer + done, (size_t)(got - done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      done += written;
    }
  }
}

static int failed(const char *what, const char *path, int reason) {
  fprintf(stderr, "melissa-pilot: cannot %s %s: %s\n", what, path, strerror(reason));
  return EXIT_FAILED;
}

int install_run(int count, char **words) {
  char path[PATH_MAX], beside[PATH_MAX];
  if (count != 1 || snprintf(path, sizeof path, "%s/melissa-pilot", words[0]) >= (int)sizeof path ||
      snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
    fputs("melissa-pilot: --install takes one folder\n", stderr);
    return EXIT_USAGE;
  }
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (from < 0) return failed("read", "/proc/self/exe", errno);
  /* Beside its place first: an init container that is killed and started again leaves no half of a program. */
  int to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (to < 0) {
    int reason = errno;
    close(from);
    return failed("write", beside, reason);
  }
  int reason = copy(from, to);
  if (reason == 0 && fchmod(to, 0755) < 0) reason = errno;
  if (close(to) < 0 && reason == 0) reason = errno;
  close(from);
  if (reason == 0 && rename(beside, path) < 0) reason = errno;
  if (reason != 0) unlink(beside);
  return reason == 0 ? EXIT_PLAN_FINISHED : failed("write", path, reason);
}
