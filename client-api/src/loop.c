/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Solvers that run many simulations in one process. Rank 0 leases them from the head ahead of need, as many as keep the solver
 * busy for a short while, and reports the finished ones with the next question; so a simulation of microseconds costs no
 * round trip, and one of minutes is not held back from other solvers.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"

/* Leased ahead: what the solver does in this time, at most so many. */
#define AHEAD_SECONDS 0.2
#define AHEAD_MAX 1024.0
/* Finished simulations are reported after this when no question goes out before. */
#define REPORT_MS 50u
#define CLOSE_MS 10000u
/* A question that the head keeps for lack of work is asked anew after this, in case that head is gone. */
#define PARKED_MS 10000u

static size_t ahead(const mlc_loop *loop) {
  double wall = loop->mean_wall_seconds;
  if (wall <= 0) return 1; /* the first ones: learn how long they take */
  double count = AHEAD_SECONDS / wall;
  return count > AHEAD_MAX ? (size_t)AHEAD_MAX : (size_t)count;
}

static int encode(melissa_client *c, mlc_request *request, uint16_t wanted) {
  mlp_next_simulations next;
  memset(&next, 0, sizeof next);
  next.token = mlp_text_of(c->settings.token);
  next.client = c->id;
  next.library = mlp_text_of(MLC_LIBRARY);
  next.host = mlp_text_of(c->settings.host);
  next.pilot = mlp_text_of(c->settings.pilot);
  next.loop_lease = c->settings.loop_lease;
  next.ranks = (uint32_t)c->collective.size;
  next.wanted = wanted;
  next.finished = c->loop.finished;
  next.finished_count = (uint32_t)c->loop.finished_count;
  return mlp_encode_next_simulations(&request->frame, &next, c->epoch, request->number) == MLP_OK;
}

static int ask(melissa_client *c, uint16_t wanted) {
  mlc_request *request = mlc_request_take(c, MLC_REQUEST_NEXT);
  if (request == NULL) return 0;
  if (!encode(c, request, wanted)) {
    mlc_request_free(request);
    return 0;
  }
  request->only_reports = wanted == 0;
  c->loop.finished_count = 0; /* from here on the request carries them, and repeats until it is answered */
  return 1;
}

/* The question that the head has not answered, or keeps until it has work; at most one. */
static mlc_request *question_of(melissa_client *c) {
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++)
    if (c->requests[i].kind == MLC_REQUEST_NEXT && !c->requests[i].only_reports) return &c->requests[i];
  return NULL;
}

void mlc_loop_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
  mlc_loop *loop = &c->loop;
  if (!c->settings.loops || c->collective.rank != 0) return;
  mlc_request *question = question_of(c);
  int report_is_due = loop->finished_count > 0 && now_ms >= loop->report_ms;
  if (loop->finished_count > 0 && !report_is_due && loop->report_ms < *wake_ms) *wake_ms = loop->report_ms;
  if (question != NULL) {
    if (question->parked_ms == 0) return; /* its answer comes first; a report after it would take it off the head's list */
    if (!report_is_due && now_ms < question->parked_ms + PARKED_MS) return;
    mlc_request_free(question); /* a new one takes its place, with the report */
  }
  size_t enough = ahead(loop);
  /* At half of what is wanted ahead, so that an answer comes while there is still something to do. */
  int is_low = loop->is_wanted ? loop->count == 0 : c->current != NULL && loop->count < enough && loop->count <= enough / 2;
  if ((is_low || question != NULL) && !loop->is_terminated && !loop->is_closing) {
    size_t wanted = enough > loop->count ? enough - loop->count : 1;
    (void)ask(c, (uint16_t)wanted);
  } else if (report_is_due) {
    (void)ask(c, 0);
  }
}

static char *copy_text(const char *data, size_t size) {
  char *copy = malloc(size + 1);
  if (copy == NULL) return NULL;
  if (size > 0) memcpy(copy, data, size);
  copy[size] = '\0';
  return copy;
}

static void remember_names(mlc_loop *loop, const mlp_next_simulations_reply *reply) {
  size_t size = 0;
  if (loop->names != NULL || reply->parameter_names_count == 0) return;
  for (uint32_t i = 0; i < reply->parameter_names_count; i++) size += reply->parameter_names[i].size + 1u;
  loop->names = malloc(size + 1);
  if (loop->names == NULL) return;
  char *at = loop->names;
  for (uint32_t i = 0; i < reply->parameter_names_count; i++) {
    if (i > 0) *at++ = '\x1f';
    if (reply->parameter_names[i].size > 0) memcpy(at, reply->parameter_names[i].data, reply->parameter_names[i].size);
    at += reply->parameter_names[i].size;
  }
  *at = '\0';
}

static int append(mlc_loop *loop, const mlp_next_simulations_reply_simulations *told) {
  if (loop->count == loop->capacity) {
    size_t capacity = loop->capacity == 0 ? 16 : 2 * loop->capacity;
    mlc_next_simulation *waiting = malloc(capacity * sizeof *waiting);
    if (waiting == NULL) return 0;
    for (size_t i = 0; i < loop->count; i++) waiting[i] = loop->waiting[(loop->first + i) % loop->capacity];
    free(loop->waiting);
    loop->waiting = waiting;
    loop->capacity = capacity;
    loop->first = 0;
  }
  mlc_next_simulation *next = &loop->waiting[(loop->first + loop->count) % loop->capacity];
  next->simulation = told->simulation;
  next->draw = told->draw;
  next->attempt = told->attempt;
  next->first_step = told->first_step;
  next->values = copy_text(told->values.data, told->values.size);
  if (next->values == NULL) return 0;
  loop->count++;
  return 1;
}

void mlc_loop_answer(melissa_client *c, const mlp_next_simulations_reply *reply) {
  mlc_loop *loop = &c->loop;
  remember_names(loop, reply);
  for (uint32_t i = 0; i < reply->simulations_count; i++) {
    if (append(loop, &reply->simulations[i])) continue;
    c->failure = mlc_error(c, MELISSA_ERROR_MEMORY, "no memory for the simulations that the head sent");
    break;
  }
  if (reply->terminated) loop->is_terminated = 1;
  pthread_cond_broadcast(&c->changed);
}

static int note_finished(melissa_client *c, const mlc_attempt *attempt, double wall_seconds, uint64_t now_ms) {
  mlc_loop *loop = &c->loop;
  if (loop->finished_count == loop->finished_capacity) {
    size_t capacity = loop->finished_capacity == 0 ? 64 : 2 * loop->finished_capacity;
    mlp_next_simulations_finished *grown = realloc(loop->finished, capacity * sizeof *grown);
    if (grown == NULL) return 0;
    loop->finished = grown;
    loop->finished_capacity = capacity;
  }
  if (loop->finished_count == 0) loop->report_ms = now_ms + REPORT_MS;
  mlp_next_simulations_finished *one = &loop->finished[loop->finished_count++];
  one->simulation = attempt->simulation;
  one->draw = attempt->draw;
  one->attempt = attempt->attempt;
  one->wall_seconds = wall_seconds;
  return 1;
}

/* With `lock` held: the current simulation is over for the solver; its last frames may still be on their way. */
static melissa_status end_current(melissa_client *c) {
  mlc_attempt *attempt = c->current;
  if (attempt == NULL) return MELISSA_OK;
  uint64_t now_ms = mlc_now_ms();
  double wall = (double)(now_ms - c->loop.begun_ms) / 1000.0;
  double measured = wall > 1e-5 ? wall : 1e-5;
  c->loop.mean_wall_seconds = c->loop.mean_wall_seconds == 0 ? measured : 0.8 * c->loop.mean_wall_seconds + 0.2 * measured;
  if (c->collective.rank == 0 && attempt->status == MELISSA_OK && !note_finished(c, attempt, wall, now_ms)) return MELISSA_ERROR_MEMORY;
  c->current = NULL;
  attempt->is_finished = 1;
  if (attempt->sessions == NULL || attempt->status != MELISSA_OK) {
    mlc_attempt_free(c, attempt);
  } else {
    attempt->next = c->draining;
    c->draining = attempt;
    c->draining_count++;
    mlc_io_wake(c);
  }
  while (c->draining_count >= MLC_DRAINING_MAX && c->failure == MELISSA_OK) mlc_wait(c, now_ms + 1000u); /* sessions have their own time limit */
  return c->failure;
}

/* Rank 0: waits for the next simulation, as long as the head gives signs of life. */
static melissa_status wait_for_next(melissa_client *c, mlc_next_simulation *next) {
  mlc_loop *loop = &c->loop;
  melissa_status status = MELISSA_OK;
  uint64_t begun_ms = mlc_now_ms();
  if (loop->count == 0) {
    loop->is_wanted = 1;
    mlc_io_wake(c);
  }
  while (loop->count == 0 && !loop->is_terminated && c->failure == MELISSA_OK) {
    uint64_t heard_ms = c->head_heard_ms > begun_ms ? c->head_heard_ms : begun_ms;
    if (mlc_now_ms() >= heard_ms + c->settings.timeout_ms) {
      status = mlc_error(c, MELISSA_ERROR_UNREACHABLE, "the head at %s was silent for %u ms", c->settings.head, c->settings.timeout_ms);
      break;
    }
    mlc_wait(c, heard_ms + c->settings.timeout_ms);
  }
  loop->is_wanted = 0;
  if (status != MELISSA_OK) return status;
  if (c->failure != MELISSA_OK) return c->failure;
  if (loop->count == 0) return MELISSA_FINISHED;
  *next = loop->waiting[loop->first];
  loop->first = (loop->first + 1) % loop->capacity;
  loop->count--;
  return MELISSA_OK;
}

/* What rank 0 tells the others: numbers, then names and values, each with its NUL. */
typedef struct told_next {
  uint32_t simulation;
  uint32_t first_step;
  uint16_t draw;
  uint16_t attempt;
  uint32_t names_size; /* 0: not known */
} told_next;

static uint8_t *pack(const mlc_next_simulation *next, const char *names, size_t *size) {
  told_next head = {next->simulation, next->first_step, next->draw, next->attempt, names == NULL ? 0 : (uint32_t)strlen(names) + 1u};
  size_t values_size = strlen(next->values) + 1;
  *size = sizeof head + head.names_size + values_size;
  uint8_t *bytes = malloc(*size);
  if (bytes == NULL) abort(); /* the other ranks already wait inside the collective call */
  memcpy(bytes, &head, sizeof head);
  if (head.names_size > 0) memcpy(bytes + sizeof head, names, head.names_size);
  memcpy(bytes + sizeof head + head.names_size, next->values, values_size);
  return bytes;
}

static melissa_status begin(melissa_client *c, const uint8_t *bytes, size_t size) {
  told_next head;
  memcpy(&head, bytes, sizeof head);
  const char *names = (const char *)bytes + sizeof head, *values = names + head.names_size;
  mlc_attempt *attempt = mlc_attempt_new(c, head.simulation, head.draw, head.attempt, head.first_step);
  if (attempt == NULL) return MELISSA_ERROR_MEMORY;
  pthread_mutex_lock(&c->lock);
  free(c->loop.values);
  c->loop.values = copy_text(values, size - sizeof head - head.names_size - 1);
  if (c->loop.names == NULL && head.names_size > 0) c->loop.names = copy_text(names, head.names_size - 1);
  for (size_t i = 0; i < c->field_count; i++) c->fields[i].next_step = 0;
  c->current = attempt;
  c->loop.begun_ms = mlc_now_ms();
  mlc_io_wake(c);
  pthread_mutex_unlock(&c->lock);
  return MELISSA_OK;
}

melissa_status mlc_loop_next(melissa_client *c) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  mlc_next_simulation next = {0};
  pthread_mutex_lock(&c->lock);
  melissa_status status = end_current(c);
  if (status == MELISSA_OK && c->collective.rank == 0) {
    status = wait_for_next(c, &next);
    if (status == MELISSA_OK) bytes = pack(&next, c->loop.names, &size);
    free(next.values);
  }
  pthread_mutex_unlock(&c->lock);
  status = mlc_share(c, status, &bytes, &size);
  if (status == MELISSA_OK) status = begin(c, bytes, size);
  free(bytes);
  if (status != MELISSA_OK || c->field_count == 0) return status;
  if (!c->is_welcome) status = mlc_hello(c);
  return status == MELISSA_OK ? mlc_lay_out_fields(c) : status;
}

melissa_status mlc_loop_close(melissa_client *c) {
  uint64_t deadline_ms = mlc_now_ms() + CLOSE_MS;
  pthread_mutex_lock(&c->lock);
  melissa_status status = end_current(c);
  c->loop.report_ms = 0;
  c->loop.is_closing = 1; /* a solver may leave the loop early: no more work for it */
  mlc_io_wake(c);
  for (;;) {
    int is_open = c->loop.finished_count > 0;
    for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) is_open |= c->requests[i].kind == MLC_REQUEST_NEXT && c->requests[i].only_reports;
    if (!is_open || c->failure != MELISSA_OK || mlc_now_ms() >= deadline_ms) break;
    mlc_wait(c, mlc_now_ms() + 20u);
  }
  pthread_mutex_unlock(&c->lock);
  return status;
}

void mlc_loop_free(melissa_client *c) {
  for (size_t i = 0; i < c->loop.count; i++) free(c->loop.waiting[(c->loop.first + i) % c->loop.capacity].values);
  free(c->loop.waiting);
  free(c->loop.finished);
  free(c->loop.names);
  free(c->loop.values);
}
