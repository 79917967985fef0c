/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of a pod: keeps its namespaces, reaps its orphans, and leaves when it is told to. */
#include <signal.h>
#include <sys/wait.h>

int main(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, 0);
  for (;;) {
    int received = 0;
    if (sigwait(&signals, &received) == 0 && received != SIGCHLD) return 0;
    while (waitpid(-1, 0, WNOHANG) > 0) continue;
  }
}
