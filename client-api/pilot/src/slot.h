/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot runs one attempt at a time: preprocessing, the solver, then (for solvers without instrumentation) the sender of
 * its files, then the end of all processes that these left behind. A state machine on events that pilot.c brings: a
 * process ended, a pipe has bytes, time has passed. It knows nothing of the head.
 *
 * Invariant: an attempt ends (PHASE_ENDED) only when no process of it is left, or after a named limit.
 */
#ifndef MELISSA_PILOT_SLOT_H
#define MELISSA_PILOT_SLOT_H

#include "capture.h"
#include "limits.h"
#include "numbers.h"
#include "process.h"
#include "render.h"
#include "study.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum phase { PHASE_FREE, PHASE_PREPROCESSING, PHASE_SOLVER, PHASE_SENDER, PHASE_CLEANUP, PHASE_ENDED };

/** The numbers of Ended.outcome. */
enum outcome {
  OUTCOME_NONE = 0,
  OUTCOME_EXITED = 1,
  OUTCOME_SIGNALLED = 2,
  OUTCOME_NOT_STARTED = 3,
  OUTCOME_PREPROCESSING_FAILED = 4,
  OUTCOME_RETURNED = 5,
  OUTCOME_DRAINED = 6,
  OUTCOME_STOPPED = 7,
  OUTCOME_OUTPUT_WRONG = 8
};

/** What outlived its solver, so that it is counted once. */
struct ended_process {
  pid_t id;
  unsigned long long startTicks;
};

struct slot {
  unsigned index;
  enum phase phase;
  struct lease lease;
  const struct settings *settings;
  struct study *study; /* counted in its `users` until the slot is released */

  pid_t leader; /* 0 when the phase's process has been reaped */
  pid_t sessions[3];
  unsigned sessionCount;
  int outputPipe, errorPipe, senderPipe; /* read ends, -1 when closed */
  int errorWriteEnd;                     /* kept open for the sender, -1 otherwise */
  struct capture output, errors;
  char said[REASON_BYTES_MAX]; /* the sender's stdout: its reason */
  size_t saidSize;
  struct numbers numbers;

  enum outcome outcome; /* as far as known */
  int exitCode;
  char reason[REASON_BYTES_MAX];
  bool ending; /* processes are being ended: on order, or because the solver is gone */
  int64_t killAtMs, giveUpAtMs, sweepAtMs;
  struct ended_process *ended; /* all that were told to end, the leaders among them */
  size_t endedCount, endedCapacity;
  uint32_t descendantsEnded; /* the same without the leaders */

  double startedSeconds, wallSeconds, cpuSeconds;
  uint64_t peakRssBytes;

  struct text directory; /* empty: the pilot's own */
  struct names names;
  struct strings words, environment;
  struct text scratch;
};

void slot_initialise(struct slot *slot, unsigned index, const struct settings *settings);
/** Takes the lease over and starts its first process. The slot may be PHASE_ENDED at once, when that is impossible. */
void slot_begin(struct slot *slot, struct study *study, struct lease lease);
/** Reads what the processes have written, at most PIPE_BYTES_PER_TURN a stream. */
void slot_read(struct slot *slot);
/** The slot's leader has been reaped. */
void slot_leader_ended(struct slot *slot, int status, const struct rusage *usage);
/** A descendant that had become the pilot's child has been reaped. */
void slot_add_usage(struct slot *slot, const struct rusage *usage);
/** Ends the attempt's processes; `graceMs` from SIGTERM to SIGKILL. The first outcome given stays. */
void slot_end(struct slot *slot, enum outcome outcome, const char *reason, int graceMs);
/** One round of ending: `table` holds the pilot's descendants, `owns` says which are this slot's. */
void slot_sweep(struct slot *slot, const struct process_table *table, bool (*owns)(void *, const struct process_entry *),
                void *context);
/** Nothing of the attempt is left. */
void slot_nothing_left(struct slot *slot);
/** After PHASE_ENDED was reported: empties the slot. */
void slot_release(struct slot *slot);
void slot_free(struct slot *slot);

#endif
