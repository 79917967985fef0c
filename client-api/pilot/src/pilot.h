/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pilot: leases come from the head, attempts run in slots, reports go back until they are confirmed. One thread, one
 * loop (pilot.c); incoming.c acts on the head's messages, outgoing.c tells the head.
 */
#ifndef MELISSA_PILOT_PILOT_H
#define MELISSA_PILOT_PILOT_H

#include "leases.h"
#include "link.h"
#include "slot.h"
#include "study.h"

#include <poll.h>

/** Exit codes; the command line's help documents them. */
enum exit_code {
  EXIT_PLAN_FINISHED = 0,
  EXIT_FAILED = 1,
  EXIT_USAGE = 2,
  EXIT_DISMISSED = 3,
  EXIT_HEAD_LOST = 4,
  EXIT_REFUSED = 5
};

struct pilot {
  const struct settings *settings;
  struct study *study; /* NULL before the first PilotWelcome */
  struct study *retired[8]; /* replaced while slots still ran with them */
  unsigned retiredCount;
  struct slot *slots;
  struct waiting waiting;   /* to be started */
  struct waiting returning; /* to be given back, with their outcome */
  struct reports reports;
  struct link link;
  mlp_arena arena;
  struct process_table table;
  uint64_t instance;

  bool welcomed; /* on this connection, in this epoch */
  uint64_t helloRequest;
  int64_t helloAtMs, heardAtMs, sentAtMs, turnedAtMs;

  unsigned long started; /* attempts so far */
  bool draining;         /* nothing new is started */
  unsigned signals;   /* SIGTERM and SIGINT so far */
  int64_t drainByMs;  /* when running attempts are ended; INT64_MAX: they may finish */
  int64_t leaveByMs;  /* unconfirmed reports are given up then; INT64_MAX while something runs */
  bool planFinished;
  enum exit_code exitCode;

  int signalDescriptor;
  struct pollfd *polled;
};

/** Runs until dismissed, told to end, refused, or the head is lost. Returns the exit code. */
int pilot_run(const struct settings *settings);

/* incoming.c */
/** Acts on all messages that have come; true when there was one. */
bool incoming_take(struct pilot *pilot);

/* outgoing.c */
void outgoing_hello(struct pilot *pilot);
void outgoing_heartbeat(struct pilot *pilot);
void outgoing_draining(struct pilot *pilot, const char *reason);
void outgoing_started(struct pilot *pilot, const struct slot *slot);
/** Reports ended attempts and returned leases, as far as the bound on unconfirmed reports allows. */
void outgoing_reports(struct pilot *pilot);
/** Sends again what was not confirmed in time. */
void outgoing_repeat(struct pilot *pilot, int64_t nowMs);

/* pilot.c */
/** The head may not know this pilot any more: what it is told from now on begins with a hello. */
void pilot_greet_again(struct pilot *pilot, int64_t nowMs);
void pilot_begin_drain(struct pilot *pilot, const char *reason, int64_t drainByMs);
void pilot_end_all(struct pilot *pilot, enum outcome outcome, const char *reason, int graceMs);
bool pilot_idle(const struct pilot *pilot);

#endif
