/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that the integration tests steer: client_program <cells> <steps> [option…]. Prints one line `<call> <status>` when a
 * call fails, and `done <status>` at the end. Options: f32, nan=<cell>, pause=<microseconds between steps>, resume, fork,
 * exit (without close), size=<count given to send>, unannounced.
 */
#include <math.h>
#include <melissa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *option(int argc, char **argv, const char *name) {
  size_t size = strlen(name);
  for (int i = 3; i < argc; i++)
    if (strncmp(argv[i], name, size) == 0 && (argv[i][size] == '=' || argv[i][size] == '\0')) return argv[i] + size + (argv[i][size] == '=');
  return NULL;
}

static int told(const char *call, melissa_status status, melissa_client *client) {
  printf("%s %d %s\n", call, (int)status, melissa_client_last_error(client));
  fflush(stdout);
  return (int)status;
}

int main(int argc, char **argv) {
  size_t cells = (size_t)atol(argv[1]);
  unsigned steps = (unsigned)atoi(argv[2]);
  melissa_client *client = NULL;
  melissa_status status = melissa_client_open(&client, NULL);
  if (status != MELISSA_OK) return told("open", status, NULL);
  status = melissa_client_field(client, "temperature", cells);
  if (status != MELISSA_OK) told("field", status, client);
  double *values = malloc((cells + 1) * sizeof *values);
  float *narrow = malloc((cells + 1) * sizeof *narrow);
  const char *nan_cell = option(argc, argv, "nan"), *pause = option(argc, argv, "pause"), *size = option(argc, argv, "size");
  unsigned first = option(argc, argv, "resume") != NULL ? melissa_client_resume_step(client) : 0;
  if (option(argc, argv, "fork") != NULL) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      melissa_status in_child = melissa_client_send(client, "temperature", 0, values, cells);
      exit(in_child == MELISSA_ERROR_FORKED && melissa_client_close(client) == MELISSA_ERROR_FORKED ? 0 : 1);
    }
    int child_status = 1;
    waitpid(child, &child_status, 0);
    printf("child %d\n", child_status);
  }
  double inside = 0;
  for (unsigned step = first; step < steps && status == MELISSA_OK; step++) {
    for (size_t i = 0; i < cells; i++) narrow[i] = (float)(values[i] = 1000.0 * step + (double)i);
    if (nan_cell != NULL && step == 1) values[atol(nan_cell)] = NAN;
    size_t count = size != NULL ? (size_t)atol(size) : cells;
    const char *field = option(argc, argv, "unannounced") != NULL ? "nothing" : "temperature";
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    status = option(argc, argv, "f32") != NULL ? melissa_client_send_f32(client, field, step, narrow, count) : melissa_client_send(client, field, step, values, count);
    clock_gettime(CLOCK_MONOTONIC, &after);
    inside += (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    if (status != MELISSA_OK) told("send", status, client);
    struct timespec wait = {0, pause != NULL ? atol(pause) * 1000 : 0};
    if (pause != NULL) nanosleep(&wait, NULL);
  }
  free(values);
  free(narrow);
  if (option(argc, argv, "exit") != NULL) {
    printf("exit\n");
    exit(0);
  }
  status = melissa_client_close(client);
  printf("seconds-inside %g\n", inside);
  return told("done", status, NULL);
}
