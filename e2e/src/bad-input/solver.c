/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A solver that misbehaves where it is told to: in the first attempt of single simulations. All other attempts send the
 * field "u", whose values depend on the arguments alone, so that the study's result is that of a well-behaved solver.
 *
 *   solver X STEPS CELLS WHERE      WHERE: "3=crash,7=wrong-size": what simulation 3 and simulation 7 do;
 *                                   "poison=5": simulation 5 kills its pilot, in every attempt
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <melissa_api_no_mpi.h>

static const char *mode_of(const char *where) {
  static char mode[64];
  const char *simulation = getenv("MELISSA_SIMULATION"), *attempt = getenv("MELISSA_ATTEMPT");
  char wanted[32];
  if (simulation == NULL || attempt == NULL || strcmp(attempt, "1") != 0) return "";
  snprintf(wanted, sizeof wanted, "%s=", simulation);
  for (const char *at = where; at != NULL && *at != '\0'; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
    if (strncmp(at, wanted, strlen(wanted)) != 0) continue;
    at += strlen(wanted);
    snprintf(mode, sizeof mode, "%.*s", (int)strcspn(at, ","), at);
    return mode;
  }
  return "";
}

static void write_gigabyte(void) {
  static char block[1 << 20];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 1024; i++) {
    if (fwrite(block, 1, sizeof block, stdout) != sizeof block) exit(9);
  }
}

/* A grandchild in a session of its own, that nobody waits for and that ignores what it is asked. */
static void leave_child_behind(void) {
  if (fork() != 0) return;
  setsid();
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (fork() == 0) sleep(3600);
  _exit(0);
}

static void send_all(double x, int steps, int cells, const char *field, int stop_after) {
  double *u = malloc((size_t)(cells + 1) * sizeof(double));
  if (u == NULL) exit(1);
  melissa_init_no_mpi(field, cells);
  for (int step = 0; step < steps; step++) {
    if (step == stop_after) raise(SIGSEGV);
    for (int i = 0; i < cells; i++) u[i] = x * (i + 1) + step;
    melissa_send(field, u);
  }
  melissa_finalize();
  free(u);
}

int main(int count, char **words) {
  if (count < 5) {
    fprintf(stderr, "usage: solver X STEPS CELLS WHERE\n");
    return 2;
  }
  double x = strtod(words[1], NULL);
  int steps = atoi(words[2]), cells = atoi(words[3]);
  const char *mode = mode_of(words[4]);
  /* A poison simulation: it takes its pilot with it, in every attempt. */
  const char *simulation = getenv("MELISSA_SIMULATION"), *poison = strstr(words[4], "poison=");
  if (poison != NULL && simulation != NULL && atoi(poison + 7) == atoi(simulation)) {
    kill(getppid(), SIGKILL);
    sleep(3600);
  }
  if (strcmp(mode, "exit-0") == 0) return 0;
  if (strcmp(mode, "exit-7") == 0) {
    fprintf(stderr, "the mesh has a hole\n");
    return 7;
  }
  if (strcmp(mode, "unknown-field") == 0) send_all(x, steps, cells, "entropy", -1);
  else if (strcmp(mode, "wrong-size") == 0) send_all(x, steps, cells - 1, "u", -1);
  else if (strcmp(mode, "more-steps") == 0) send_all(x, steps + 2, cells, "u", -1);
  else if (strcmp(mode, "fewer-steps") == 0) send_all(x, steps - 2, cells, "u", -1);
  else if (strcmp(mode, "crash") == 0) send_all(x, steps, cells, "u", 2);
  else if (strcmp(mode, "two-clients") == 0) {
    /* The same simulation from two processes at once; the values of either are right, and only one may be heard. */
    pid_t other = fork();
    send_all(x, steps, cells, "u", -1);
    if (other == 0) _exit(0);
    waitpid(other, NULL, 0);
  } else {
    if (strcmp(mode, "gigabyte") == 0) write_gigabyte();
    if (strcmp(mode, "fork-and-leave") == 0) leave_child_behind();
    if (strcmp(mode, "non-finite") == 0) send_all(0.0 / (x - x), steps, cells, "u", -1);
    else send_all(x, steps, cells, "u", -1);
  }
  return 0;
}
