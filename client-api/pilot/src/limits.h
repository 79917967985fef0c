/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound of the pilot, with its reason. Nothing in the pilot waits or grows without one of these; what the head
 * decides per study (heartbeat, silence, drain, output bytes) comes with PilotWelcome and is clamped by them.
 */
#ifndef MELISSA_PILOT_LIMITS_H
#define MELISSA_PILOT_LIMITS_H

#define MELISSA_PILOT_VERSION "0.1.0"

enum {
  /* More than the cores of any node that exists; keeps all per-slot arrays static. */
  SLOTS_MAX = 256,
  /* Waiting leases; the head sends far fewer at a time. A lease beyond it is dropped: heartbeats show that it is not held. */
  WAITING_LEASES_MAX = 65536,
  /* Ended messages not yet confirmed; beyond it nothing new is started, so a deaf head cannot fill the memory. */
  UNCONFIRMED_MAX = 1024,
  UNCONFIRMED_BYTES_MAX = 64 << 20,
  /* Leases that ended and were confirmed, remembered so that a late copy of their Lease is not run again. */
  REMEMBERED_LEASES = 1024,
  /* Kept output of one stream of one attempt, whatever the study asks for. */
  OUTPUT_BYTES_CEILING = 16 << 20,
  /* Bytes read from one pipe per turn of the loop: a solver that writes without end cannot starve the head's messages. */
  PIPE_BYTES_PER_TURN = 1 << 20,
  /* A rendered command line, environment or file of one attempt. */
  RENDERED_BYTES_MAX = 64 << 20,
  REASON_BYTES_MAX = 1024,
  WORDS_MAX = 4096,

  /* First contact: a head may start after its pilots. */
  CONNECT_LIMIT_MS = 120000,
  /* Repetition of requests that got no answer. */
  HELLO_REPEAT_MS = 1000,
  ENDED_REPEAT_MS = 2000,
  /* A head that has forgotten this pilot does not confirm; after so many repetitions the pilot says hello again. */
  REPEATS_BEFORE_HELLO = 2,
  /* The loop turns at least this often; a much longer pause means that the pilot itself was stopped. */
  TURN_MS_MAX = 250,
  PAUSE_MS_MIN = 2 * TURN_MS_MAX,
  /* Before the first PilotWelcome names the study's own. */
  HEARTBEAT_DEFAULT_MS = 1000,
  SILENCE_DEFAULT_MS = 120000,
  /* From SIGTERM to SIGKILL for processes that are told to end. */
  TERMINATE_GRACE_MS = 5000,
  /* The same for descendants that outlived their solver: nobody waits for their result. */
  DESCENDANT_GRACE_MS = 2000,
  /* Between two looks at processes that are being ended. */
  SWEEP_PERIOD_MS = 20,
  /* A process in uninterruptible sleep does not die of SIGKILL; after this long the slot goes on without it. */
  UNKILLABLE_LIMIT_MS = 30000,
  /* How long a leaving pilot waits for the head to confirm what it reported. */
  LEAVE_CONFIRM_MS = 5000,
  /* The same when it has been told twice, or its guard is gone. */
  LEAVE_NOW_MS = 500,
  /* The socket's last bytes, once all that has to be confirmed is. */
  LINGER_MS = 1000,
};

#endif
