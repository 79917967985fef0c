/* SPDX-License-Identifier: Apache-2.0 */
#include "pilot.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

bool pilot_idle(const struct pilot *pilot) {
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    if (pilot->slots[i].phase != PHASE_FREE) return false;
  }
  return pilot->waiting.count == 0 && pilot->returning.count == 0;
}

void pilot_greet_again(struct pilot *pilot, int64_t nowMs) {
  pilot->welcomed = false;
  pilot->helloRequest = link_next_request(&pilot->link);
  pilot->helloAtMs = nowMs;
}

/** No more starts: what waits goes back; what runs may go on until `drainByMs`. */
void pilot_begin_drain(struct pilot *pilot, const char *reason, int64_t drainByMs) {
  if (drainByMs < pilot->drainByMs) pilot->drainByMs = drainByMs;
  struct lease lease;
  while (waiting_pop(&pilot->waiting, &lease)) {
    lease.returnedAs = OUTCOME_RETURNED;
    if (!waiting_push(&pilot->returning, lease)) free(lease.values);
  }
  if (pilot->draining) return;
  pilot->draining = true;
  log_write(LOG_INFO, "draining: %s", reason);
  if (pilot->welcomed) outgoing_draining(pilot, reason);
}

void pilot_end_all(struct pilot *pilot, enum outcome outcome, const char *reason, int graceMs) {
  for (unsigned i = 0; i < pilot->settings->slots; i++) slot_end(&pilot->slots[i], outcome, reason, graceMs);
}

/* ---- processes ---- */

static struct slot *slot_of_leader(struct pilot *pilot, pid_t id) {
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    if (pilot->slots[i].leader == id && id != 0) return &pilot->slots[i];
  }
  return NULL;
}

struct ownership {
  struct pilot *pilot;
  struct slot *slot;
};

/**
 * Whether a descendant of the pilot belongs to the slot: it descends from the slot's leader, or an ancestor that has lost
 * its parent is in the leader's session or carries the lease in its environment. With one slot all are its own.
 */
static bool owns(void *context, const struct process_entry *entry) {
  struct ownership *ownership = context;
  struct slot *slot = ownership->slot;
  if (ownership->pilot->settings->slots == 1) return true;
  if (slot_of_leader(ownership->pilot, entry->top) != NULL) return entry->top == slot->leader;
  for (unsigned i = 0; i < slot->sessionCount; i++) {
    if (entry->session == slot->sessions[i]) return true;
  }
  char lease[32], found[32];
  snprintf(lease, sizeof lease, "%" PRIu64, slot->lease.id);
  return process_variable(entry->top, "MELISSA_LEASE", found, sizeof found) && strcmp(found, lease) == 0;
}

/** True when the pilot has no child but leaders, so that nothing needs to be looked for in /proc. */
static bool only_leaders_left(struct pilot *pilot, bool noChildren) {
  if (noChildren) return true;
  char path[64], list[4096];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  ssize_t size = read(descriptor, list, sizeof list - 1);
  close(descriptor);
  if (size < 0 || size == (ssize_t)sizeof list - 1) return false;
  list[size] = '\0';
  char *rest = list;
  for (char *word = strtok_r(list, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    if (slot_of_leader(pilot, (pid_t)atoi(word)) == NULL) return false;
  }
  return true;
}

static void sweep(struct pilot *pilot, int64_t nowMs, bool noChildren) {
  bool read = false;
  int alone = -1; /* not asked yet */
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    struct slot *slot = &pilot->slots[i];
    if (!slot->ending || slot->phase == PHASE_FREE || slot->phase == PHASE_ENDED) continue;
    if (slot->phase == PHASE_CLEANUP && slot->leader == 0) {
      if (alone < 0) alone = only_leaders_left(pilot, noChildren) ? 1 : 0;
      if (alone == 1) {
        slot_nothing_left(slot);
        continue;
      }
    }
    if (nowMs < slot->sweepAtMs) continue;
    if (!read) process_table_read(&pilot->table, getpid());
    read = true;
    slot_sweep(slot, &pilot->table, owns, &(struct ownership){.pilot = pilot, .slot = slot});
  }
}

/** Reaps everything that has ended; true when no child is left at all. */
static bool reap(struct pilot *pilot) {
  for (;;) {
    int status;
    struct rusage usage;
    pid_t id = wait4(-1, &status, WNOHANG, &usage);
    if (id < 0 && errno == EINTR) continue;
    if (id < 0) return errno == ECHILD;
    if (id == 0) return false;
    struct slot *slot = slot_of_leader(pilot, id);
    if (slot != NULL) slot_leader_ended(slot, status, &usage);
    else if (pilot->settings->slots == 1 && pilot->slots[0].phase != PHASE_FREE) slot_add_usage(&pilot->slots[0], &usage);
  }
}

static bool has_had_its_share(const struct pilot *pilot) {
  unsigned long most = pilot->settings->simulationsMax;
  return most > 0 && pilot->started >= most;
}

/**
 * The plan ended before this pilot had its simulation. To exit 0 would say that it had one, so it waits until it is told to
 * end: whoever counts exits ends it soon.
 */
static bool is_left_over(const struct pilot *pilot) {
  return pilot->settings->simulationsMax > 0 && pilot->planFinished && !has_had_its_share(pilot) && pilot->signals == 0;
}

static void start_waiting(struct pilot *pilot) {
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    struct slot *slot = &pilot->slots[i];
    struct lease lease;
    if (slot->phase != PHASE_FREE) continue;
    if (reports_full(&pilot->reports) || !waiting_pop(&pilot->waiting, &lease)) return;
    pilot->started += 1;
    slot_begin(slot, pilot->study, lease);
    if (slot->leader != 0) outgoing_started(pilot, slot);
    if (has_had_its_share(pilot)) {
      pilot_begin_drain(pilot, "this pilot has had its number of simulations", INT64_MAX);
      return;
    }
  }
}

/* ---- signals and time ---- */

static void told_to_end(struct pilot *pilot, const char *signal) {
  int64_t now = clock_ms();
  pilot->signals += 1;
  if (pilot->signals == 1 && pilot->study != NULL) {
    double drainMs = pilot->study->drainSeconds * 1000;
    pilot_begin_drain(pilot, signal, now + (drainMs < 1e12 ? (int64_t)drainMs : (int64_t)1e12));
    return;
  }
  pilot_begin_drain(pilot, signal, now);
  pilot_end_all(pilot, OUTCOME_DRAINED, "the pilot was told twice to end", 0);
  pilot->leaveByMs = now + LEAVE_NOW_MS;
}

/** Returns true when some child has ended. */
static bool take_signals(struct pilot *pilot) {
  struct signalfd_siginfo information;
  bool child = false;
  while (read(pilot->signalDescriptor, &information, sizeof information) == (ssize_t)sizeof information) {
    switch (information.ssi_signo) {
      case SIGCHLD:
        child = true;
        break;
      case SIGUSR1:
        /* The guard has died: nobody will end what this process leaves behind, so it does that now. */
        log_write(LOG_ERROR, "the pilot's guard process was killed; ending everything");
        pilot->signals += 1;
        told_to_end(pilot, "the pilot was killed");
        break;
      default:
        told_to_end(pilot, information.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    }
  }
  return child;
}

static void lose_head(struct pilot *pilot, int64_t silentMs) {
  const char *why = pilot->link.hasKeys && pilot->link.failedHandshakes > 0 ? " (it breaks off the handshake: its key is not that in server.pub)" : "";
  log_write(LOG_ERROR, "nothing was heard of the head at %s for %" PRId64 " ms%s; ending", pilot->settings->head, silentMs, why);
  pilot->exitCode = EXIT_HEAD_LOST;
  pilot->welcomed = false;
  pilot_end_all(pilot, OUTCOME_STOPPED, "the head was lost", TERMINATE_GRACE_MS);
  pilot_begin_drain(pilot, "the head was lost", INT64_MAX);
}

/** Only a pilot that was never welcome leaves: for others the wrong process may sit at the port of a head that died. */
static void notice_refusal(struct pilot *pilot) {
  if (pilot->link.refusal == NULL || pilot->study != NULL || pilot->exitCode == EXIT_REFUSED) return;
  log_write(LOG_ERROR, "the head at %s %s", pilot->settings->head, pilot->link.refusal);
  pilot->exitCode = EXIT_REFUSED;
  pilot_begin_drain(pilot, "refused", INT64_MAX);
}

/**
 * A pilot that was stopped (SIGSTOP, a sleeping machine) has heard nothing because it did not listen: the head gets its
 * time anew, and a hello, since it may have given the leases to others meanwhile.
 */
static void notice_pause(struct pilot *pilot, int64_t now, int64_t silenceMs) {
  int64_t pause = now - pilot->turnedAtMs;
  pilot->turnedAtMs = now;
  if (pause < PAUSE_MS_MIN || pause < silenceMs / 2) return;
  log_write(LOG_WARN, "the pilot was stopped for %" PRId64 " ms", pause);
  pilot->heardAtMs = now;
  pilot_greet_again(pilot, now);
}

static void on_time(struct pilot *pilot, int64_t now) {
  int64_t silenceMs = pilot->study != NULL ? pilot->study->silenceMs : CONNECT_LIMIT_MS;
  notice_pause(pilot, now, silenceMs);
  /* A head that has finished owes a pilot without work no sign of life. */
  bool waits = is_left_over(pilot) && pilot_idle(pilot);
  if (now - pilot->heardAtMs >= silenceMs && pilot->exitCode != EXIT_HEAD_LOST && !waits) lose_head(pilot, now - pilot->heardAtMs);
  bool gone = pilot->exitCode == EXIT_HEAD_LOST || pilot->exitCode == EXIT_REFUSED;
  if (!pilot->welcomed && !gone && now >= pilot->helloAtMs) {
    pilot->helloAtMs = now + HELLO_REPEAT_MS;
    outgoing_hello(pilot);
  }
  if (pilot->welcomed && now - pilot->sentAtMs >= pilot->study->heartbeatMs) outgoing_heartbeat(pilot);
  if (pilot->welcomed && pilot->reports.count > 0) outgoing_repeat(pilot, now);
  if (now >= pilot->drainByMs) {
    pilot->drainByMs = INT64_MAX;
    pilot_end_all(pilot, OUTCOME_DRAINED, "the drain time is over", TERMINATE_GRACE_MS);
  }
}

/** When the loop has to turn next without any event. */
static int poll_timeout(const struct pilot *pilot, int64_t now) {
  int64_t next = now + TURN_MS_MAX;
  int64_t silenceMs = pilot->study != NULL ? pilot->study->silenceMs : CONNECT_LIMIT_MS;
  int64_t heartbeat = pilot->welcomed ? pilot->sentAtMs + pilot->study->heartbeatMs : pilot->helloAtMs;
  if (pilot->heardAtMs + silenceMs > now && pilot->heardAtMs + silenceMs < next) next = pilot->heardAtMs + silenceMs;
  if (heartbeat < next) next = heartbeat;
  if (pilot->drainByMs < next) next = pilot->drainByMs;
  if (pilot->leaveByMs < next) next = pilot->leaveByMs;
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    const struct slot *slot = &pilot->slots[i];
    bool sweeps = slot->ending && slot->phase != PHASE_FREE && slot->phase != PHASE_ENDED;
    if (sweeps && slot->sweepAtMs < next) next = slot->sweepAtMs;
  }
  return next <= now ? 0 : (int)(next - now);
}

/** True when nothing is left to do: all is confirmed, or waiting for that has had its time. */
static bool finished(struct pilot *pilot, int64_t now) {
  if (!pilot->draining || !pilot_idle(pilot)) return false;
  if (is_left_over(pilot)) return false;
  if (pilot->reports.count == 0 || pilot->exitCode == EXIT_HEAD_LOST || pilot->exitCode == EXIT_REFUSED) return true;
  if (pilot->leaveByMs == INT64_MAX) pilot->leaveByMs = now + LEAVE_CONFIRM_MS;
  if (now < pilot->leaveByMs) return false;
  log_write(LOG_WARN, "%zu reports were not confirmed by the head", pilot->reports.count);
  return true;
}

/* ---- the loop ---- */

static void wait_for_events(struct pilot *pilot, int timeoutMs) {
  size_t count = 0;
  pilot->polled[count++] = (struct pollfd){.fd = pilot->signalDescriptor, .events = POLLIN};
  pilot->polled[count++] = (struct pollfd){.fd = pilot->link.descriptor, .events = POLLIN};
  pilot->polled[count++] = (struct pollfd){.fd = pilot->link.monitorDescriptor, .events = POLLIN};
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    const struct slot *slot = &pilot->slots[i];
    const int pipes[3] = {slot->outputPipe, slot->errorPipe, slot->senderPipe};
    for (unsigned p = 0; p < 3; p++) {
      if (pipes[p] >= 0) pilot->polled[count++] = (struct pollfd){.fd = pipes[p], .events = POLLIN};
    }
  }
  if (poll(pilot->polled, count, timeoutMs) < 0 && errno != EINTR) {
    log_write(LOG_ERROR, "poll failed: %s", strerror(errno));
    abort();
  }
}

static void turn(struct pilot *pilot) {
  bool child = take_signals(pilot);
  bool noChildren = child && reap(pilot);
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    const struct slot *slot = &pilot->slots[i];
    if (slot->phase != PHASE_FREE && slot->phase != PHASE_ENDED) slot_read(&pilot->slots[i]);
  }
  int64_t now = clock_ms();
  sweep(pilot, now, noChildren);
  if (link_connected_again(&pilot->link)) {
    log_write(LOG_INFO, "connected to the head at %s", pilot->settings->head);
    pilot_greet_again(pilot, now);
  }
  notice_refusal(pilot);
  on_time(pilot, now);
  outgoing_reports(pilot);
  if (!pilot->draining && pilot->study != NULL) start_waiting(pilot);
  /* A start may have failed at once; its report should not wait for the next event. */
  outgoing_reports(pilot);
}

static int open_signals(void) {
  sigset_t signals;
  sigemptyset(&signals);
  const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) sigaddset(&signals, wanted[i]);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void release(struct pilot *pilot) {
  for (unsigned i = 0; i < pilot->settings->slots; i++) slot_free(&pilot->slots[i]);
  free(pilot->slots);
  waiting_free(&pilot->waiting);
  waiting_free(&pilot->returning);
  reports_free(&pilot->reports);
  mlp_arena_free(&pilot->arena);
  process_table_free(&pilot->table);
  if (pilot->study != NULL) study_free(pilot->study);
  free(pilot->study);
  for (unsigned i = 0; i < pilot->retiredCount; i++) {
    study_free(pilot->retired[i]);
    free(pilot->retired[i]);
  }
  link_close(&pilot->link);
  close(pilot->signalDescriptor);
  free(pilot->polled);
  free(pilot);
}

static bool open_pilot(struct pilot *pilot, const struct settings *settings) {
  char error[512];
  *pilot = (struct pilot){.settings = settings, .drainByMs = INT64_MAX, .leaveByMs = INT64_MAX,
                          .exitCode = EXIT_DISMISSED, .heardAtMs = clock_ms(), .turnedAtMs = clock_ms()};
  pilot->slots = memory_new(settings->slots * sizeof *pilot->slots);
  for (unsigned i = 0; i < settings->slots; i++) slot_initialise(&pilot->slots[i], i, settings);
  pilot->polled = memory_new((3 + 3 * settings->slots) * sizeof *pilot->polled);
  pilot->signalDescriptor = open_signals();
  bool ok = pilot->signalDescriptor >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
            getrandom(&pilot->instance, sizeof pilot->instance, 0) == (ssize_t)sizeof pilot->instance;
  if (!ok) log_write(LOG_ERROR, "the system refuses what a pilot needs: %s", strerror(errno));
  if (ok && !link_open(&pilot->link, settings, error, sizeof error)) {
    log_write(LOG_ERROR, "%s", error);
    ok = false;
  }
  if (ok) pilot->helloRequest = link_next_request(&pilot->link);
  return ok;
}

int pilot_run(const struct settings *settings) {
  struct pilot *pilot = memory_new(sizeof *pilot);
  if (!open_pilot(pilot, settings)) {
    release(pilot);
    return EXIT_FAILED;
  }
  /* The first hello goes out when the connection is there, which the monitor tells. */
  pilot->helloAtMs = clock_ms() + HELLO_REPEAT_MS;
  for (;;) {
    turn(pilot);
    /* After all sending, because a send may swallow the wake-up of a message that has just come. */
    bool any = incoming_take(pilot);
    int64_t now = clock_ms();
    if (finished(pilot, now)) break;
    wait_for_events(pilot, any ? 0 : poll_timeout(pilot, now));
  }
  bool done = pilot->planFinished || (has_had_its_share(pilot) && pilot->signals == 0);
  int code = done && pilot->exitCode == EXIT_DISMISSED ? EXIT_PLAN_FINISHED : (int)pilot->exitCode;
  log_write(LOG_INFO, "leaving with exit code %d", code);
  release(pilot);
  return code;
}
