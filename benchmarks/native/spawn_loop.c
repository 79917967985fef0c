/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound of running many small programs: posix_spawn of one program, so many times, so many at a time; nothing is captured or
 * written down. Prints runs a second as JSON. Usage: spawn_loop <runs> <at a time> <program>
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  long runs = atol(argv[1]), at_a_time = atol(argv[2]), started = 0, running = 0, ended = 0, failed = 0;
  char *words[] = {argv[3], NULL};
  double begun = now();
  while (ended < runs) {
    for (; running < at_a_time && started < runs; started++, running++) {
      pid_t pid;
      if (posix_spawn(&pid, argv[3], NULL, NULL, words, environ) != 0) return 1;
    }
    int status;
    if (wait(&status) < 0) return 1;
    failed += status != 0;
    running--;
    ended++;
  }
  printf("{\"perSecond\":%.3f,\"failed\":%ld}\n", (double)runs / (now() - begun), failed);
  return failed != 0;
}
