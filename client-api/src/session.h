/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One data session: the frames of one client rank to one server rank for one attempt. A state machine without sockets,
 * threads or clock: the I/O thread tells it what happened and asks what to do next. It promises that every appended frame is
 * sent, in sequence and within the credit, until it is acknowledged, whatever connections and server processes do meanwhile.
 */
#ifndef MELISSA_SESSION_H
#define MELISSA_SESSION_H

#include <stddef.h>
#include <stdint.h>

typedef struct mlc_frame {
  uint64_t payload_bytes;
  size_t frame_bytes;
  size_t offset; /* in the slab */
  void *slab;
} mlc_frame;

typedef enum mlc_session_state {
  MLC_SESSION_NEW,        /* must say Open before it sends */
  MLC_SESSION_OPENING,    /* Open was sent, Opened has not come */
  MLC_SESSION_OPEN,
  MLC_SESSION_WAIT_EPOCH, /* the rank wants another epoch: ClientHello first */
  MLC_SESSION_FAILED
} mlc_session_state;

typedef struct mlc_session_limits {
  uint32_t open_retry_ms; /* an unanswered Open is repeated after this */
  uint32_t probe_ms;      /* so long without a word while something is unacknowledged: Open again */
  uint32_t timeout_ms;    /* so long without progress while something is unacknowledged: the session fails */
} mlc_session_limits;

typedef struct mlc_session {
  mlc_session_limits limits;
  mlc_session_state state;
  int connected;
  int timed_out; /* why it FAILED: this, or the peer's refusal */

  mlc_frame *frames; /* ring of the unacknowledged ones, the oldest at `first` */
  size_t capacity;
  size_t first;
  uint64_t acknowledged; /* sequence numbers: acknowledged ≤ sent ≤ appended */
  uint64_t sent;
  uint64_t sent_ever;
  uint64_t appended;
  uint64_t unacknowledged_bytes; /* of whole frames */

  uint64_t instance;
  int has_instance;
  uint64_t payload_sent; /* since the last Opened, as the credit counts */
  uint64_t credit_limit;

  int reopen; /* say Open again without stopping */
  uint64_t open_marker; /* `sent` when the last Open went out */
  uint64_t open_ms;
  uint64_t not_before_ms;
  uint32_t backoff_ms;
  uint64_t progress_ms;
  uint64_t heard_ms;

  void (*release)(void *slab); /* called for each acknowledged frame */
} mlc_session;

typedef enum mlc_action_kind { MLC_NOTHING, MLC_SEND_OPEN, MLC_SEND_FRAMES, MLC_NEED_EPOCH, MLC_TIMED_OUT } mlc_action_kind;

typedef struct mlc_action {
  mlc_action_kind kind;
  uint64_t first; /* MLC_SEND_FRAMES: sequences first … last may be sent now */
  uint64_t last;
  uint64_t wake_ms; /* MLC_NOTHING: ask again at this time at the latest; UINT64_MAX: not before an event */
} mlc_action;

void mlc_session_init(mlc_session *session, mlc_session_limits limits, void (*release)(void *slab));
/** Releases what is unacknowledged. */
void mlc_session_free(mlc_session *session);

/** Adds a frame; returns its sequence number, or 0 when out of memory. */
uint64_t mlc_session_append(mlc_session *session, mlc_frame frame, uint64_t now_ms);
/** Frame of a sequence number in (acknowledged, appended]. */
mlc_frame *mlc_session_frame(mlc_session *session, uint64_t sequence);

/** What to do now. Carry it out, tell mlc_session_sent or mlc_session_sent_open, and ask again. */
mlc_action mlc_session_next(mlc_session *session, uint64_t now_ms);
void mlc_session_sent(mlc_session *session, uint64_t last, uint64_t now_ms);
void mlc_session_sent_open(mlc_session *session, uint64_t now_ms);

void mlc_session_connected(mlc_session *session, uint64_t now_ms);
void mlc_session_disconnected(mlc_session *session);
/** Returns 0 if the rank claims what it was never sent (the session has failed then), else 1. */
int mlc_session_opened(mlc_session *session, uint64_t instance, uint64_t held, uint64_t credit_limit, uint64_t now_ms);
int mlc_session_acknowledged(mlc_session *session, uint64_t held, uint64_t credit_limit, uint64_t now_ms);
/** `retry` as in DataRefused: 0 never, 1 after a new ClientHello, 2 after a new Open. */
void mlc_session_refused(mlc_session *session, unsigned retry, uint64_t now_ms);
void mlc_session_epoch_renewed(mlc_session *session);
/** Another field was announced: the rank must hear of it before its frames. */
void mlc_session_reopen(mlc_session *session);

static inline int mlc_session_is_idle(const mlc_session *session) { return session->acknowledged == session->appended; }

#endif
