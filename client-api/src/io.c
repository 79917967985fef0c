/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O thread of a handle: looks after connections, lets outgoing.c and requests.c send, hands what arrives to
 * incoming.c, and sleeps otherwise. All decisions about frames are the sessions'.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "io.h"

/* At close: what the pipes still hold (Close, ClientBye's repetition) may take this long to leave. */
#define LINGER_MS 500
#define IDLE_MS 1000u
/* Between the end of a connection and the next try; doubled while no handshake succeeds. */
#define REOPEN_MS 20u
#define REOPEN_MAX_MS 1000u
/* Frames received from one socket before the others get a turn. */
#define RECEIVE_TURN 256

uint64_t mlc_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void mlc_io_wake(melissa_client *c) {
  if (!c->polls) return;
  c->polls = 0;
  while (write(c->wake[1], "w", 1) < 0 && errno == EINTR) continue;
}

static void watch_rank(melissa_client *c, uint32_t rank, uint64_t now_ms) {
  mlc_server_rank *server = &c->server_ranks[rank];
  for (mlc_link_event event; (event = mlc_link_watch(&server->link)) != MLC_LINK_NOTHING;) {
    if (event == MLC_LINK_UP) {
      server->down_ms = 0;
      server->reopen_delay_ms = 0;
      mlc_for_sessions(c, rank, mlc_session_connected, now_ms);
      continue;
    }
    if (server->link.is_refused) {
      mlc_error(c, MELISSA_ERROR_REFUSED, "server rank %u %s", rank, mlc_link_refusal(&server->link, &c->settings));
      mlc_fail_handle(c, MELISSA_ERROR_REFUSED);
    }
    /* A fresh socket: what the old one still has queued must not reach the rank before the next Open. */
    mlc_leave_ring(server);
    mlc_link_close(&server->link, 0);
    server->open_count = 0;
    server->reopen_delay_ms = server->reopen_delay_ms == 0 ? REOPEN_MS : 2 * server->reopen_delay_ms > REOPEN_MAX_MS ? REOPEN_MAX_MS : 2 * server->reopen_delay_ms;
    server->reopen_ms = now_ms + server->reopen_delay_ms;
    if (server->down_ms == 0) server->down_ms = now_ms;
    mlc_for_sessions(c, rank, mlc_visit_disconnected, now_ms);
    return;
  }
}

/* A head that was never reached broke off a second time: then it is asked why. One that dies in a handshake looks the same. */
static int is_shut_out(const melissa_client *c) { return !c->control_was_up && c->control.failed_handshakes >= 2; }

static void watch_control(melissa_client *c, uint64_t now_ms) {
  for (mlc_link_event event; (event = mlc_link_watch(&c->control)) != MLC_LINK_NOTHING;) {
    if (event == MLC_LINK_UP) {
      for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) c->requests[i].send_ms = 0;
      if (c->control_was_up && c->is_welcome) mlc_want_hello(c); /* it may be another head, which does not know us */
      c->control_was_up = 1;
    } else if (c->control.is_refused || (is_shut_out(c) && mlc_link_ask_mechanism(&c->control, &c->settings, c->settings.head))) {
      mlc_error(c, MELISSA_ERROR_REFUSED, "the head %s", mlc_link_refusal(&c->control, &c->settings));
      mlc_fail_handle(c, MELISSA_ERROR_REFUSED);
    }
    (void)now_ms;
  }
}

static void receive_all(melissa_client *c, uint64_t now_ms) {
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (int turn = 0; turn < RECEIVE_TURN && c->control.socket != NULL && mlc_link_receive(&c->control, &message); turn++) {
    mlp_arena_reset(&c->arena);
    mlc_control_frame(c, zmq_msg_data(&message), zmq_msg_size(&message), now_ms);
  }
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) {
    for (int turn = 0; turn < RECEIVE_TURN && c->server_ranks[rank].link.socket != NULL && mlc_link_receive(&c->server_ranks[rank].link, &message); turn++) {
      mlp_arena_reset(&c->arena);
      mlc_data_frame(c, rank, zmq_msg_data(&message), zmq_msg_size(&message), now_ms);
    }
  }
  zmq_msg_close(&message);
}

static size_t poll_items(melissa_client *c, zmq_pollitem_t *items) {
  size_t count = 0;
  zmq_pollitem_t wake = {NULL, c->wake[0], ZMQ_POLLIN, 0};
  items[count++] = wake;
  for (uint32_t i = 0; i <= c->server_rank_count; i++) {
    const mlc_link *link = i == 0 ? &c->control : &c->server_ranks[i - 1].link;
    if (link->socket == NULL) continue;
    zmq_pollitem_t socket = {link->socket, 0, ZMQ_POLLIN, 0}, monitor = {link->monitor, 0, ZMQ_POLLIN, 0};
    items[count++] = socket;
    items[count++] = monitor;
  }
  return count;
}

/* With `lock` held: everything that can be done now. Returns when to come back. */
static uint64_t step(melissa_client *c) {
  uint64_t now_ms = mlc_now_ms(), wake_ms = now_ms + IDLE_MS;
  watch_control(c, now_ms);
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) watch_rank(c, rank, now_ms);
  uint64_t before = c->unacknowledged_bytes;
  receive_all(c, now_ms);
  mlc_draining_step(c, now_ms, &wake_ms); /* the older first: a ring takes frames in the order in which they were made */
  if (c->current != NULL) mlc_attempt_step(c, c->current, now_ms, &wake_ms);
  mlc_ranks_step(c, now_ms, &wake_ms);
  mlc_loop_step(c, now_ms, &wake_ms);
  mlc_control_step(c, now_ms, &wake_ms);
  if (c->unacknowledged_bytes < before) pthread_cond_broadcast(&c->changed);
  return wake_ms;
}

static void prepare_slabs(melissa_client *c) {
  size_t size = c->prepare_size, count = c->prepare_count;
  c->prepare_count = 0;
  if (count == 0) return;
  pthread_mutex_unlock(&c->lock);
  mlc_pool_prepare(&c->pool, size, count);
  pthread_mutex_lock(&c->lock);
}

static void close_all(melissa_client *c) {
  mlc_link_close(&c->control, LINGER_MS);
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) mlc_link_close(&c->server_ranks[rank].link, LINGER_MS);
}

static void *run(void *argument) {
  melissa_client *c = argument;
  zmq_pollitem_t *items = NULL;
  size_t capacity = 0;
  pthread_mutex_lock(&c->lock);
  while (!c->stops) {
    uint64_t wake_ms = step(c);
    prepare_slabs(c);
    size_t need = 2u * (c->server_rank_count + 1u) + 1u;
    if (need > capacity) {
      zmq_pollitem_t *grown = realloc(items, need * sizeof *items);
      if (grown == NULL) {
        mlc_fail_handle(c, MELISSA_ERROR_MEMORY);
        break;
      }
      items = grown;
      capacity = need;
    }
    size_t count = poll_items(c, items);
    uint64_t now_ms = mlc_now_ms();
    c->polls = 1;
    pthread_mutex_unlock(&c->lock);
    (void)zmq_poll(items, (int)count, wake_ms > now_ms ? (long)(wake_ms - now_ms) : 0);
    char drained[64];
    while (read(c->wake[0], drained, sizeof drained) == (ssize_t)sizeof drained) continue;
    pthread_mutex_lock(&c->lock);
    c->polls = 0;
  }
  if (c->current != NULL) mlc_send_close(c, c->current);
  close_all(c);
  pthread_mutex_unlock(&c->lock);
  free(items);
  return NULL;
}

static int open_pipe(int *ends) {
  if (pipe(ends) != 0) return 0;
  for (int i = 0; i < 2; i++) {
    (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  return 1;
}

int mlc_io_start(melissa_client *c) {
  if (!open_pipe(c->wake)) return 0;
  c->context = zmq_ctx_new();
  if (c->context == NULL) return 0;
  /* Signals are the solver's business: neither this thread nor ZeroMQ's may be chosen to handle them. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  c->io_runs = pthread_create(&c->io_thread, NULL, run, c) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return c->io_runs;
}

void mlc_io_stop(melissa_client *c) {
  if (c->io_runs) {
    pthread_mutex_lock(&c->lock);
    c->stops = 1;
    c->polls = 1;
    mlc_io_wake(c);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->io_thread, NULL);
    c->io_runs = 0;
  }
  if (c->context != NULL) zmq_ctx_term(c->context); /* ends within LINGER_MS: every socket is closed */
  c->context = NULL;
  for (int i = 0; i < 2; i++)
    if (c->wake[i] >= 0) close(c->wake[i]);
  c->wake[0] = c->wake[1] = -1;
  mlp_arena_free(&c->arena);
  mlp_buffer_free(&c->out);
}
