/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the I/O thread: requests.c (to the head), outgoing.c (frames to the ranks), incoming.c (what both say) and
 * io.c (the loop). All of it runs in the I/O thread with `lock` held.
 */
#ifndef MELISSA_IO_H
#define MELISSA_IO_H

#include "client.h"

/** Lowers `*wake_ms`, when the loop must come back at the latest, to `at_ms`. */
static inline void mlc_sooner(uint64_t *wake_ms, uint64_t at_ms) {
  if (at_ms < *wake_ms) *wake_ms = at_ms;
}

/** The attempt's session with a server rank, or NULL; `attempt` may be NULL. */
static inline mlc_session *mlc_session_at(const mlc_attempt *attempt, uint32_t rank) {
  return attempt == NULL || attempt->sessions == NULL ? NULL : attempt->sessions[rank];
}

/* requests.c */
/** Epoch, endpoints or the lease are in question: somebody says ClientHello again. */
void mlc_want_hello(melissa_client *client);
void mlc_hello_step(melissa_client *client, mlc_attempt *attempt, uint64_t now_ms, uint64_t *wake_ms);
void mlc_control_step(melissa_client *client, uint64_t now_ms, uint64_t *wake_ms);

/* outgoing.c */
/** The whole handle is of no use any more. */
void mlc_fail_handle(melissa_client *client, melissa_status status);
void mlc_fail_attempt(melissa_client *client, mlc_attempt *attempt, melissa_status status);
/** Takes the Open of that attempt off the list: 1. With none of it, the oldest if `or_oldest`: 1. Else 0. */
int mlc_answer_open(mlc_server_rank *server, mlc_open_sent *which, int or_oldest);
void mlc_send_close(melissa_client *client, const mlc_attempt *attempt);
void mlc_attempt_step(melissa_client *client, mlc_attempt *attempt, uint64_t now_ms, uint64_t *wake_ms);
void mlc_draining_step(melissa_client *client, uint64_t now_ms, uint64_t *wake_ms);
void mlc_ranks_step(melissa_client *client, uint64_t now_ms, uint64_t *wake_ms);

/* incoming.c */
/** Calls `visit` for every session with `rank`. */
void mlc_for_sessions(melissa_client *client, uint32_t rank, void (*visit)(mlc_session *, uint64_t), uint64_t now_ms);
void mlc_visit_disconnected(mlc_session *session, uint64_t now_ms);
void mlc_control_frame(melissa_client *client, const uint8_t *frame, size_t size, uint64_t now_ms);
void mlc_data_frame(melissa_client *client, uint32_t rank, const uint8_t *frame, size_t size, uint64_t now_ms);

#endif
