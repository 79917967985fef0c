/* SPDX-License-Identifier: Apache-2.0 */
/* The session's state machine on an invented clock: no sockets, no waiting. */
#include "../src/session.h"

#include <stdio.h>
#include <stdlib.h>

static int failures, checks;
#define EXPECT(condition) (checks++, (condition) ? 0 : (failures++, fprintf(stderr, "FAIL %s:%d: %s\n", __func__, __LINE__, #condition)))

static const mlc_session_limits limits = {1000, 3000, 60000};
static int released;
static void release(void *slab) {
  (void)slab;
  released++;
}

static mlc_session made(int frames) {
  mlc_session s;
  released = 0;
  mlc_session_init(&s, limits, release);
  for (int i = 0; i < frames; i++) {
    mlc_frame frame = {1000, 1096, 0, &s};
    EXPECT(mlc_session_append(&s, frame, 0) == (uint64_t)i + 1);
  }
  return s;
}

/* Carries out what the session wants until it wants nothing; returns the highest sequence sent. */
static uint64_t settle(mlc_session *s, uint64_t now_ms, int *opens) {
  uint64_t highest = 0;
  for (int i = 0; i < 1000; i++) {
    mlc_action action = mlc_session_next(s, now_ms);
    if (action.kind == MLC_SEND_OPEN) {
      if (opens != NULL) (*opens)++;
      mlc_session_sent_open(s, now_ms);
    } else if (action.kind == MLC_SEND_FRAMES) {
      EXPECT(action.first == s->sent + 1 && action.last >= action.first);
      mlc_session_sent(s, action.last, now_ms);
      highest = action.last;
    } else {
      return highest;
    }
  }
  EXPECT(!"the session settles");
  return highest;
}

static void nothing_is_sent_before_opened(void) {
  mlc_session s = made(3);
  int opens = 0;
  EXPECT(settle(&s, 0, &opens) == 0 && opens == 0);
  mlc_session_connected(&s, 0);
  EXPECT(settle(&s, 0, &opens) == 0 && opens == 1);
  EXPECT(mlc_session_next(&s, 0).wake_ms == limits.open_retry_ms);
  EXPECT(settle(&s, 1000, &opens) == 0 && opens == 2);
  EXPECT(mlc_session_opened(&s, 7, 0, 10000, 1001));
  EXPECT(settle(&s, 1001, &opens) == 3 && opens == 2);
  EXPECT(mlc_session_acknowledged(&s, 2, 10000, 1002) && released == 2);
  EXPECT(s.unacknowledged_bytes == 1096);
  EXPECT(mlc_session_acknowledged(&s, 3, 10000, 1003) && mlc_session_is_idle(&s) && released == 3);
  EXPECT(mlc_session_next(&s, 1e9).kind == MLC_NOTHING);
  mlc_session_free(&s);
}

static void credit_holds_back(void) {
  mlc_session s = made(10);
  mlc_session_connected(&s, 0);
  settle(&s, 0, NULL);
  mlc_session_opened(&s, 7, 0, 3500, 1);
  EXPECT(settle(&s, 1, NULL) == 3);
  EXPECT(mlc_session_next(&s, 1).kind == MLC_NOTHING);
  mlc_session_acknowledged(&s, 3, 5000, 2);
  EXPECT(settle(&s, 2, NULL) == 5);
  mlc_session_acknowledged(&s, 3, 4000, 3); /* a limit is never taken back */
  mlc_session_acknowledged(&s, 5, 10000, 3);
  EXPECT(settle(&s, 3, NULL) == 10);
  mlc_session_free(&s);
}

static void a_rank_whose_credit_is_below_a_frame_gets_one_frame(void) {
  mlc_session s = made(2);
  int opens = 0;
  mlc_session_connected(&s, 0);
  settle(&s, 0, &opens);
  mlc_session_opened(&s, 7, 0, 10, 1);
  EXPECT(settle(&s, 1, &opens) == 0 && opens == 1);
  EXPECT(settle(&s, 3001, &opens) == 0 && opens == 2); /* first the question whether a grant was lost */
  mlc_session_opened(&s, 7, 0, 10, 3002);
  EXPECT(settle(&s, 3003, &opens) == 0 && opens == 2);
  EXPECT(settle(&s, 6003, &opens) == 1 && opens == 2);
  mlc_session_acknowledged(&s, 1, 10, 6004);
  EXPECT(s.acknowledged == 1);
  mlc_session_free(&s);
}

static void a_cut_connection_loses_nothing(void) {
  mlc_session s = made(6);
  int opens = 0;
  mlc_session_connected(&s, 0);
  settle(&s, 0, &opens);
  mlc_session_opened(&s, 7, 0, 100000, 1);
  EXPECT(settle(&s, 1, &opens) == 6);
  mlc_session_acknowledged(&s, 2, 100000, 2);
  mlc_session_disconnected(&s);
  EXPECT(settle(&s, 3, &opens) == 0 && opens == 1);
  mlc_session_connected(&s, 100);
  EXPECT(settle(&s, 100, &opens) == 0 && opens == 2);
  mlc_session_acknowledged(&s, 6, 100000, 101); /* of the old connection: not before Opened */
  EXPECT(s.acknowledged == 2);
  EXPECT(mlc_session_opened(&s, 7, 4, 100000, 102) && s.acknowledged == 4);
  mlc_action action = mlc_session_next(&s, 102);
  EXPECT(action.kind == MLC_SEND_FRAMES && action.first == 5 && action.last == 6);
  mlc_session_free(&s);
}

static void another_instance_gets_everything_unacknowledged(void) {
  mlc_session s = made(6);
  mlc_session_connected(&s, 0);
  settle(&s, 0, NULL);
  mlc_session_opened(&s, 7, 0, 6000, 1);
  EXPECT(settle(&s, 1, NULL) == 6);
  mlc_session_acknowledged(&s, 3, 6000, 2);
  mlc_session_disconnected(&s);
  mlc_session_connected(&s, 10);
  settle(&s, 10, NULL);
  mlc_session_opened(&s, 8, 3, 2000, 11); /* its credit counts from here */
  mlc_action action = mlc_session_next(&s, 11);
  EXPECT(action.kind == MLC_SEND_FRAMES && action.first == 4 && action.last == 5);
  mlc_session_free(&s);
}

static void an_instance_that_forgot_everything_is_no_reason_to_resend_what_is_gone(void) {
  mlc_session s = made(3);
  mlc_session_connected(&s, 0);
  settle(&s, 0, NULL);
  mlc_session_opened(&s, 7, 0, 6000, 1);
  settle(&s, 1, NULL);
  mlc_session_acknowledged(&s, 2, 6000, 2);
  mlc_session_connected(&s, 3);
  settle(&s, 3, NULL);
  EXPECT(mlc_session_opened(&s, 8, 0, 6000, 4));
  EXPECT(mlc_session_next(&s, 4).first == 3);
  mlc_session_free(&s);
}

static void reopening_for_a_field_does_not_stop(void) {
  mlc_session s = made(3);
  int opens = 0;
  mlc_session_connected(&s, 0);
  settle(&s, 0, &opens);
  mlc_session_opened(&s, 7, 0, 3000, 1);
  EXPECT(settle(&s, 1, &opens) == 3);
  mlc_frame frame = {1000, 1096, 0, &s};
  mlc_session_reopen(&s);
  mlc_session_append(&s, frame, 2);
  mlc_action action = mlc_session_next(&s, 2);
  EXPECT(action.kind == MLC_SEND_OPEN);
  EXPECT(settle(&s, 2, &opens) == 0); /* no credit left */
  mlc_session_acknowledged(&s, 1, 4000, 3);
  EXPECT(settle(&s, 3, &opens) == 4 && opens == 2);
  EXPECT(mlc_session_opened(&s, 7, 3, 2000, 4)); /* answers the second Open: 1 … 3 went before it */
  EXPECT(s.sent == 4 && s.payload_sent == 1000);
  mlc_session_free(&s);
}

static void what_a_probe_shows_lost_is_sent_again(void) {
  mlc_session s = made(5);
  int opens = 0;
  mlc_session_connected(&s, 0);
  settle(&s, 0, &opens);
  mlc_session_opened(&s, 7, 0, 100000, 1);
  EXPECT(settle(&s, 1, &opens) == 5);
  EXPECT(mlc_session_next(&s, 1).wake_ms == 3001);
  EXPECT(settle(&s, 3001, &opens) == 0 && opens == 2);
  EXPECT(mlc_session_opened(&s, 7, 2, 100000, 3002));
  mlc_action action = mlc_session_next(&s, 3002);
  EXPECT(action.kind == MLC_SEND_FRAMES && action.first == 3 && action.last == 5);
  mlc_session_free(&s);
}

static void refusals(void) {
  mlc_session s = made(3);
  int opens = 0;
  mlc_session_connected(&s, 0);
  settle(&s, 0, &opens);
  mlc_session_opened(&s, 7, 0, 100000, 1);
  settle(&s, 1, &opens);
  mlc_session_refused(&s, 2, 2);
  EXPECT(mlc_session_next(&s, 2).wake_ms == 22);
  mlc_session_refused(&s, 2, 3); /* the others of the same batch */
  EXPECT(settle(&s, 22, &opens) == 0 && opens == 2);
  mlc_session_refused(&s, 2, 23); /* still of the batch */
  EXPECT(s.state == MLC_SESSION_OPENING);
  mlc_session_opened(&s, 7, 1, 100000, 24);
  EXPECT(settle(&s, 24, &opens) == 3);
  mlc_session_refused(&s, 1, 25);
  EXPECT(mlc_session_next(&s, 25).kind == MLC_NEED_EPOCH);
  mlc_session_opened(&s, 7, 3, 100000, 26); /* cannot help */
  EXPECT(mlc_session_next(&s, 26).kind == MLC_NEED_EPOCH);
  mlc_session_epoch_renewed(&s);
  EXPECT(mlc_session_next(&s, 27).kind == MLC_SEND_OPEN);
  mlc_session_refused(&s, 0, 28);
  EXPECT(s.state == MLC_SESSION_FAILED && !s.timed_out && mlc_session_next(&s, 29).kind == MLC_NOTHING);
  mlc_session_free(&s);
  EXPECT(released == 3);
}

static void silence_ends_and_progress_extends(void) {
  mlc_session s = made(2);
  mlc_session_connected(&s, 0);
  settle(&s, 0, NULL);
  mlc_session_opened(&s, 7, 0, 100000, 1);
  settle(&s, 1, NULL);
  mlc_session_acknowledged(&s, 1, 100000, 50000);
  EXPECT(mlc_session_next(&s, 60001).kind != MLC_TIMED_OUT);
  mlc_session_disconnected(&s);
  EXPECT(mlc_session_next(&s, 100000).wake_ms == 110000);
  EXPECT(mlc_session_next(&s, 110000).kind == MLC_TIMED_OUT && s.timed_out);
  EXPECT(mlc_session_next(&s, 110001).kind == MLC_NOTHING);
  mlc_session_free(&s);
}

static void a_rank_that_claims_too_much_is_refused(void) {
  mlc_session s = made(2);
  mlc_session_connected(&s, 0);
  settle(&s, 0, NULL);
  mlc_session_opened(&s, 7, 0, 1000, 1);
  EXPECT(settle(&s, 1, NULL) == 1);
  EXPECT(!mlc_session_acknowledged(&s, 2, 1000, 2) && s.state == MLC_SESSION_FAILED);
  mlc_session_free(&s);
}

/* Random events; whatever happens, the rank (simulated beside it) gets every frame once and in order. */
static void random_lives(unsigned seed) {
  mlc_session s = made(0);
  uint64_t now = 0, rank_held = 0, rank_credit = 0, rank_seen = 0, rank_instance = 1, appended = 0;
  unsigned long long state = seed * 2654435761ull + 1;
  int up = 0, open_pending = 0;
  for (int i = 0; i < 4000; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    unsigned event = (unsigned)(state >> 40) % 100;
    now += (state >> 33) % 50;
    if (event < 25 && appended < 500) {
      mlc_frame frame = {1000, 1096, 0, &s};
      mlc_session_append(&s, frame, now);
      appended++;
    } else if (event < 30) {
      up ? mlc_session_disconnected(&s) : mlc_session_connected(&s, now);
      up = !up;
      open_pending = 0;
    } else if (event < 32) {
      rank_instance++; /* the rank restarts: it forgets the session, and its connection is cut */
      mlc_session_disconnected(&s);
      up = open_pending = 0;
    } else if (event < 34 && s.state == MLC_SESSION_OPEN) {
      mlc_session_refused(&s, 1 + (event & 1), now);
    } else if (event < 38) {
      mlc_session_epoch_renewed(&s);
    } else if (event < 70 && up) {
      mlc_action action = mlc_session_next(&s, now);
      if (action.kind == MLC_SEND_OPEN) {
        mlc_session_sent_open(&s, now);
        open_pending = 1;
        if (rank_held < s.acknowledged) rank_held = s.acknowledged;
      } else if (action.kind == MLC_SEND_FRAMES) {
        EXPECT(!open_pending || s.state == MLC_SESSION_OPEN);
        uint64_t last = action.first + (state >> 50) % (action.last - action.first + 1);
        for (uint64_t sequence = action.first; sequence <= last; sequence++)
          if (sequence == rank_held + 1) rank_held++, rank_seen += 1000;
        mlc_session_sent(&s, last, now);
        EXPECT(last <= appended);
      }
    } else if (event < 85 && up && open_pending) {
      open_pending = 0;
      rank_seen = 0;
      rank_credit = 3000 + (state >> 44) % 5000;
      EXPECT(mlc_session_opened(&s, rank_instance, rank_held, rank_credit, now));
    } else if (up) {
      rank_credit = rank_credit > rank_seen + 4000 ? rank_credit : rank_seen + 4000;
      EXPECT(mlc_session_acknowledged(&s, rank_held, rank_credit, now));
    }
    EXPECT(s.acknowledged <= s.sent && s.sent <= s.appended && s.acknowledged <= rank_held);
  }
  for (int i = 0; i < 3000 && !mlc_session_is_idle(&s); i++) { /* in peace, all arrives */
    now += 10;
    mlc_session_epoch_renewed(&s);
    if (!up) mlc_session_connected(&s, now);
    up = 1;
    int opens = 0;
    uint64_t first = s.sent + 1, last = settle(&s, now, &opens);
    for (uint64_t sequence = first; sequence <= last; sequence++)
      if (sequence == rank_held + 1) rank_held++;
    if (opens > 0) mlc_session_opened(&s, rank_instance, rank_held, 8000, now);
    else mlc_session_acknowledged(&s, rank_held, UINT64_MAX / 2, now);
  }
  EXPECT(mlc_session_is_idle(&s) && rank_held == appended && released == (int)appended);
  mlc_session_free(&s);
}

int main(void) {
  nothing_is_sent_before_opened();
  credit_holds_back();
  a_rank_whose_credit_is_below_a_frame_gets_one_frame();
  a_cut_connection_loses_nothing();
  another_instance_gets_everything_unacknowledged();
  an_instance_that_forgot_everything_is_no_reason_to_resend_what_is_gone();
  reopening_for_a_field_does_not_stop();
  what_a_probe_shows_lost_is_sent_again();
  refusals();
  silence_ends_and_progress_extends();
  a_rank_that_claims_too_much_is_refused();
  for (unsigned seed = 0; seed < 200; seed++) random_lives(seed);
  printf("session: %d checks, %d failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
