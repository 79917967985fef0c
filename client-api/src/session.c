/* SPDX-License-Identifier: Apache-2.0 */
/* See session.h. The words are those of PROTOCOL.md, "Life of a client". */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 20u
#define BACKOFF_MAX_MS 2000u

void mlc_session_init(mlc_session *s, mlc_session_limits limits, void (*release)(void *slab)) {
  memset(s, 0, sizeof *s);
  s->limits = limits;
  s->release = release;
  s->backoff_ms = BACKOFF_FIRST_MS;
}

void mlc_session_free(mlc_session *s) {
  for (uint64_t sequence = s->acknowledged + 1; sequence <= s->appended; sequence++) s->release(mlc_session_frame(s, sequence)->slab);
  free(s->frames);
  s->frames = NULL;
  s->capacity = 0;
  s->acknowledged = s->sent = s->appended;
  s->unacknowledged_bytes = 0;
}

mlc_frame *mlc_session_frame(mlc_session *s, uint64_t sequence) {
  return &s->frames[(s->first + (size_t)(sequence - s->acknowledged - 1)) % s->capacity];
}

/* Doubles the ring, oldest first in the new one. */
static int grow(mlc_session *s, size_t count) {
  size_t capacity = s->capacity == 0 ? 16 : 2 * s->capacity;
  mlc_frame *frames = malloc(capacity * sizeof *frames);
  if (frames == NULL) return 0;
  for (size_t i = 0; i < count; i++) frames[i] = s->frames[(s->first + i) % s->capacity];
  free(s->frames);
  s->frames = frames;
  s->capacity = capacity;
  s->first = 0;
  return 1;
}

uint64_t mlc_session_append(mlc_session *s, mlc_frame frame, uint64_t now_ms) {
  size_t count = (size_t)(s->appended - s->acknowledged);
  if (count == s->capacity && !grow(s, count)) return 0;
  if (count == 0) s->progress_ms = s->heard_ms = now_ms; /* time starts to count when there is something to wait for */
  s->frames[(s->first + count) % s->capacity] = frame;
  s->unacknowledged_bytes += frame.frame_bytes;
  return ++s->appended;
}

static void rewind_to_acknowledged(mlc_session *s) {
  s->sent = s->acknowledged;
  s->payload_sent = 0; /* nothing is sent again before an Opened, which starts the count anew */
}

static void acknowledge(mlc_session *s, uint64_t held, uint64_t now_ms) {
  if (held <= s->acknowledged) return;
  while (s->acknowledged < held) {
    mlc_frame *frame = &s->frames[s->first];
    s->unacknowledged_bytes -= frame->frame_bytes;
    s->release(frame->slab);
    s->first = (s->first + 1) % s->capacity;
    s->acknowledged++;
  }
  if (s->sent < s->acknowledged) s->sent = s->acknowledged; /* of an older connection, and here all the same */
  s->progress_ms = now_ms;
  s->backoff_ms = BACKOFF_FIRST_MS;
}

static mlc_action nothing_until(uint64_t wake_ms) {
  mlc_action action = {MLC_NOTHING, 0, 0, wake_ms};
  return action;
}
static mlc_action just(mlc_action_kind kind) {
  mlc_action action = {kind, 0, 0, 0};
  return action;
}
static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The frames that credit allows now. */
static mlc_action next_frames(mlc_session *s, uint64_t now_ms, uint64_t fails_ms) {
  uint64_t payload = s->payload_sent;
  uint64_t last = s->sent;
  while (last < s->appended && payload + mlc_session_frame(s, last + 1)->payload_bytes <= s->credit_limit) {
    payload += mlc_session_frame(s, ++last)->payload_bytes;
  }
  if (last > s->sent) {
    mlc_action action = {MLC_SEND_FRAMES, s->sent + 1, last, 0};
    return action;
  }
  uint64_t probe_ms = (s->heard_ms > s->open_ms ? s->heard_ms : s->open_ms) + s->limits.probe_ms;
  if (now_ms < probe_ms) return nothing_until(earlier(probe_ms, fails_ms));
  /* Nothing is on its way and no credit came: one frame is always allowed, or a rank whose grants are smaller than a frame
     would never get it. */
  if (s->sent == s->acknowledged && s->open_marker == s->sent && s->open_ms > s->progress_ms) {
    mlc_action action = {MLC_SEND_FRAMES, s->sent + 1, s->sent + 1, 0};
    return action;
  }
  return just(MLC_SEND_OPEN);
}

mlc_action mlc_session_next(mlc_session *s, uint64_t now_ms) {
  if (s->state == MLC_SESSION_FAILED || mlc_session_is_idle(s)) return nothing_until(UINT64_MAX);
  uint64_t fails_ms = s->progress_ms + s->limits.timeout_ms;
  if (now_ms >= fails_ms) {
    s->state = MLC_SESSION_FAILED;
    s->timed_out = 1;
    return just(MLC_TIMED_OUT);
  }
  if (s->state == MLC_SESSION_WAIT_EPOCH) return just(MLC_NEED_EPOCH);
  if (!s->connected) return nothing_until(fails_ms);
  if (s->state == MLC_SESSION_NEW) return now_ms < s->not_before_ms ? nothing_until(earlier(s->not_before_ms, fails_ms)) : just(MLC_SEND_OPEN);
  if (s->state == MLC_SESSION_OPENING) {
    uint64_t again_ms = s->open_ms + s->limits.open_retry_ms;
    return now_ms < again_ms ? nothing_until(earlier(again_ms, fails_ms)) : just(MLC_SEND_OPEN);
  }
  if (s->reopen) return just(MLC_SEND_OPEN);
  return next_frames(s, now_ms, fails_ms);
}

void mlc_session_sent(mlc_session *s, uint64_t last, uint64_t now_ms) {
  while (s->sent < last) s->payload_sent += mlc_session_frame(s, ++s->sent)->payload_bytes;
  if (s->sent > s->sent_ever) s->sent_ever = s->sent;
  if (s->payload_sent > s->credit_limit) s->heard_ms = now_ms; /* sent without credit: wait a while before the next probe */
}

void mlc_session_sent_open(mlc_session *s, uint64_t now_ms) {
  if (s->state == MLC_SESSION_NEW) s->state = MLC_SESSION_OPENING;
  s->reopen = 0;
  s->open_ms = now_ms;
  s->open_marker = s->sent;
}

void mlc_session_connected(mlc_session *s, uint64_t now_ms) {
  mlc_session_disconnected(s);
  s->connected = 1;
  s->heard_ms = now_ms;
  s->not_before_ms = 0;
}

void mlc_session_disconnected(mlc_session *s) {
  s->connected = 0;
  if (s->state == MLC_SESSION_OPEN || s->state == MLC_SESSION_OPENING) s->state = MLC_SESSION_NEW;
  rewind_to_acknowledged(s);
}

int mlc_session_opened(mlc_session *s, uint64_t instance, uint64_t held, uint64_t credit_limit, uint64_t now_ms) {
  if (s->state == MLC_SESSION_FAILED || s->state == MLC_SESSION_WAIT_EPOCH) return 1;
  if (held > s->sent_ever) {
    s->state = MLC_SESSION_FAILED;
    return 0;
  }
  acknowledge(s, held, now_ms);
  s->heard_ms = now_ms;
  int is_new = !s->has_instance || instance != s->instance;
  if (is_new) {
    s->has_instance = 1;
    s->instance = instance;
    s->progress_ms = now_ms; /* a server process that came back is progress, or its start-up would count as silence */
  }
  /* What went out before that Open and is not held was lost on the way. */
  if (is_new || s->state != MLC_SESSION_OPEN || held < s->open_marker) rewind_to_acknowledged(s);
  s->payload_sent = 0;
  for (uint64_t sequence = s->acknowledged > s->open_marker ? s->acknowledged : s->open_marker; sequence < s->sent;)
    s->payload_sent += mlc_session_frame(s, ++sequence)->payload_bytes;
  s->credit_limit = credit_limit;
  if (s->state == MLC_SESSION_OPENING) s->state = MLC_SESSION_OPEN;
  s->open_marker = s->sent;
  return 1;
}

int mlc_session_acknowledged(mlc_session *s, uint64_t held, uint64_t credit_limit, uint64_t now_ms) {
  if (s->state != MLC_SESSION_OPEN) return 1; /* of an older connection; the next Opened says it again */
  if (held > s->sent_ever) {
    s->state = MLC_SESSION_FAILED;
    return 0;
  }
  acknowledge(s, held, now_ms);
  s->heard_ms = now_ms;
  if (credit_limit > s->credit_limit) {
    s->credit_limit = credit_limit;
    s->progress_ms = now_ms;
  }
  return 1;
}

void mlc_session_refused(mlc_session *s, unsigned retry, uint64_t now_ms) {
  if (s->state == MLC_SESSION_FAILED) return;
  if (retry == 2 && s->state != MLC_SESSION_OPEN) return; /* of a frame before the Open that is already on its way */
  rewind_to_acknowledged(s);
  if (retry == 1) {
    s->state = MLC_SESSION_WAIT_EPOCH;
  } else if (retry == 2) {
    s->state = MLC_SESSION_NEW;
    s->not_before_ms = now_ms + s->backoff_ms;
    s->backoff_ms = 2 * s->backoff_ms < BACKOFF_MAX_MS ? 2 * s->backoff_ms : BACKOFF_MAX_MS;
  } else {
    s->state = MLC_SESSION_FAILED;
  }
}

void mlc_session_epoch_renewed(mlc_session *s) {
  if (s->state == MLC_SESSION_WAIT_EPOCH) s->state = MLC_SESSION_NEW;
}

void mlc_session_reopen(mlc_session *s) { s->reopen = 1; }
