/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include "limits.h"
#include "log.h"
#include "process.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void end_the_rest(void) {
  struct process_table table = {0};
  int64_t giveUpAt = clock_ms() + UNKILLABLE_LIMIT_MS;
  for (;;) {
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    process_table_read(&table, getpid());
    if (table.count == 0 || clock_ms() >= giveUpAt) break;
    for (size_t i = 0; i < table.count; i++) process_signal(&table.entries[i], SIGKILL);
    struct timespec pause = {.tv_nsec = SWEEP_PERIOD_MS * 1000000L};
    nanosleep(&pause, NULL);
  }
  process_table_free(&table);
}

/** Waits for the pilot, reaping strays and passing signals on; returns its status. */
static int wait_for_pilot(pid_t pilot, const sigset_t *signals) {
  for (;;) {
    int signal = sigwaitinfo(signals, NULL);
    if (signal == SIGCHLD) {
      int status;
      for (pid_t id = waitpid(-1, &status, WNOHANG); id > 0; id = waitpid(-1, &status, WNOHANG)) {
        if (id == pilot) return status;
      }
    } else if (signal > 0) {
      kill(pilot, signal == SIGINT ? SIGINT : SIGTERM);
    }
  }
}

int guard_begin(void) {
  sigset_t signals;
  sigemptyset(&signals);
  const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) sigaddset(&signals, wanted[i]);
  /* Blocked before the fork: a signal in between is kept for whoever it was sent to. SIGUSR1 is the pilot's. */
  sigset_t blocked = signals;
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t guard = getpid();
  pid_t pilot = fork();
  if (pilot < 0) {
    log_write(LOG_ERROR, "cannot start the pilot's own process: %s", strerror(errno));
    return 1;
  }
  if (pilot == 0) {
    /* A group of its own: a signal to the guard's group (a terminal's ^C) comes once, through the guard. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    if (getppid() != guard) raise(SIGUSR1);
    return -1;
  }
  int status = wait_for_pilot(pilot, &signals);
  end_the_rest();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
