/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "pilot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The protocol has fields of these names, and a C library may define them as macros that are no plain names. */
#undef stdout
#undef stderr

enum { TOKEN_BYTES_MAX = 4096 };

/** Length of the UTF-8 sequence at `at`, 0 if it is none. */
static size_t utf8_length(const unsigned char *at) {
  size_t length = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 && at[0] >= 0xc2 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3
                  : (at[0] & 0xf8) == 0xf0 && at[0] <= 0xf4 ? 4 : 0;
  for (size_t i = 1; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  bool surrogateOrLong = (length == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0))) ||
                         (length == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90)));
  return surrogateOrLong ? 0 : length;
}

/** Reasons quote file names and solvers' words, which may be anything: what is not UTF-8 becomes '?'. */
static void make_utf8(char *text) {
  for (unsigned char *at = (unsigned char *)text; *at != 0;) {
    size_t length = utf8_length(at);
    if (length == 0) *at = '?';
    at += length == 0 ? 1 : length;
  }
}

/** Read anew for each hello, so that a token may be replaced while pilots run. */
static size_t read_token(const struct settings *settings, char *token, size_t capacity) {
  FILE *file = fopen(settings->tokenFile, "re");
  size_t size = file == NULL ? 0 : fread(token, 1, capacity - 1, file);
  if (file == NULL) log_write(LOG_ERROR, "the token file %s cannot be read", settings->tokenFile);
  else fclose(file);
  while (size > 0 && (token[size - 1] == '\n' || token[size - 1] == '\r' || token[size - 1] == ' ')) size--;
  token[size] = '\0';
  return size;
}

void outgoing_hello(struct pilot *pilot) {
  char token[TOKEN_BYTES_MAX], host[256] = "";
  read_token(pilot->settings, token, sizeof token);
  gethostname(host, sizeof host - 1);
  size_t capacity = pilot->settings->slots + pilot->waiting.count, count = 0;
  mlp_pilot_hello_running *running = memory_new(capacity * sizeof *running);
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    const struct slot *slot = &pilot->slots[i];
    if (slot->phase == PHASE_FREE) continue;
    running[count++] = (mlp_pilot_hello_running){.lease = slot->lease.id, .simulation = slot->lease.simulation,
                                                 .draw = slot->lease.draw, .attempt = slot->lease.attempt};
  }
  for (size_t i = 0; i < pilot->waiting.count; i++) {
    const struct lease *lease = waiting_at(&pilot->waiting, i);
    running[count++] = (mlp_pilot_hello_running){.lease = lease->id, .simulation = lease->simulation,
                                                 .draw = lease->draw, .attempt = lease->attempt};
  }
  mlp_pilot_hello hello = {
      .token = mlp_text_of(token),
      .pilot = mlp_text_of(pilot->settings->pilot),
      .instance = pilot->instance,
      .host = mlp_text_of(host),
      .process_id = (uint32_t)getppid(), /* the guard: what the backend started, and what ends with everything in it */
      .slots = (uint16_t)pilot->settings->slots,
      .running = running,
      .running_count = (uint32_t)count,
  };
  if (link_send(&pilot->link, &mlp_pilot_hello_shape, &hello, pilot->helloRequest)) pilot->sentAtMs = clock_ms();
  free(running);
}

void outgoing_heartbeat(struct pilot *pilot) {
  size_t runningCount = 0;
  uint64_t *running = memory_new(pilot->settings->slots * sizeof *running);
  uint64_t *waiting = memory_new(pilot->waiting.count * sizeof *waiting);
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    if (pilot->slots[i].phase != PHASE_FREE) running[runningCount++] = pilot->slots[i].lease.id;
  }
  for (size_t i = 0; i < pilot->waiting.count; i++) waiting[i] = waiting_at(&pilot->waiting, i)->id;
  mlp_pilot_heartbeat heartbeat = {.running = running, .running_count = (uint32_t)runningCount,
                                   .waiting = waiting, .waiting_count = (uint32_t)pilot->waiting.count};
  link_send(&pilot->link, &mlp_pilot_heartbeat_shape, &heartbeat, 0);
  /* Also when it could not be sent: the next try is due a heartbeat later. */
  pilot->sentAtMs = clock_ms();
  free(running);
  free(waiting);
}

void outgoing_draining(struct pilot *pilot, const char *reason) {
  mlp_draining draining = {.reason = mlp_text_of(reason)};
  link_send(&pilot->link, &mlp_draining_shape, &draining, link_next_request(&pilot->link));
}

void outgoing_started(struct pilot *pilot, const struct slot *slot) {
  mlp_started started = {.lease = slot->lease.id, .process_id = (uint32_t)slot->leader};
  if (link_send(&pilot->link, &mlp_started_shape, &started, link_next_request(&pilot->link))) pilot->sentAtMs = clock_ms();
}

static void report(struct pilot *pilot, const mlp_ended *ended) {
  uint64_t request = link_next_request(&pilot->link);
  bool sent = link_send(&pilot->link, &mlp_ended_shape, ended, request);
  if (pilot->link.buffer.size == 0) return;
  int64_t now = clock_ms();
  struct report *kept = reports_push(&pilot->reports, ended->lease, request, pilot->link.buffer.data, pilot->link.buffer.size);
  kept->sendAtMs = now + ENDED_REPEAT_MS;
  if (sent) pilot->sentAtMs = now;
}

static void report_slot(struct pilot *pilot, struct slot *slot) {
  static char *rendered[2];
  static size_t capacity;
  if (capacity < slot->output.capacity) {
    capacity = slot->output.capacity;
    for (unsigned i = 0; i < 2; i++) rendered[i] = memory_resize(rendered[i], capacity);
  }
  size_t outputSize = capture_render(&slot->output, rendered[0]);
  size_t errorSize = capture_render(&slot->errors, rendered[1]);
  make_utf8(slot->reason);
  mlp_ended ended = {
      .lease = slot->lease.id,
      .simulation = slot->lease.simulation,
      .draw = slot->lease.draw,
      .attempt = slot->lease.attempt,
      .outcome = (uint8_t)slot->outcome,
      .exit_code = slot->exitCode,
      .reason = mlp_text_of(slot->reason),
      .wall_seconds = slot->wallSeconds,
      .cpu_seconds = slot->cpuSeconds,
      .peak_rss_bytes = slot->peakRssBytes,
      .descendants_ended = slot->descendantsEnded,
      .output_bytes = slot->output.written + slot->errors.written,
      .stdout = {.data = (const uint8_t *)rendered[0], .size = (uint32_t)outputSize},
      .stderr = {.data = (const uint8_t *)rendered[1], .size = (uint32_t)errorSize},
  };
  report(pilot, &ended);
  log_write(LOG_DEBUG, "simulation %" PRIu32 " attempt %u ended: outcome %d, exit code %d, %.3f s. %s", slot->lease.simulation,
            (unsigned)slot->lease.attempt, (int)slot->outcome, slot->exitCode, slot->wallSeconds, slot->reason);
}

static void report_returned(struct pilot *pilot, const struct lease *lease) {
  mlp_ended ended = {.lease = lease->id, .simulation = lease->simulation, .draw = lease->draw, .attempt = lease->attempt,
                     .outcome = lease->returnedAs};
  report(pilot, &ended);
}

/** A study that a later PilotWelcome replaced goes with the last attempt that ran with it. */
static void forget_retired(struct pilot *pilot) {
  unsigned kept = 0;
  for (unsigned i = 0; i < pilot->retiredCount; i++) {
    struct study *study = pilot->retired[i];
    if (study->users > 0) {
      pilot->retired[kept++] = study;
      continue;
    }
    study_free(study);
    free(study);
  }
  pilot->retiredCount = kept;
}

void outgoing_reports(struct pilot *pilot) {
  for (unsigned i = 0; i < pilot->settings->slots && !reports_full(&pilot->reports); i++) {
    if (pilot->slots[i].phase != PHASE_ENDED) continue;
    report_slot(pilot, &pilot->slots[i]);
    slot_release(&pilot->slots[i]);
    if (pilot->retiredCount > 0) forget_retired(pilot);
  }
  struct lease lease;
  while (!reports_full(&pilot->reports) && waiting_pop(&pilot->returning, &lease)) {
    report_returned(pilot, &lease);
    free(lease.values);
  }
}

void outgoing_repeat(struct pilot *pilot, int64_t nowMs) {
  for (size_t i = 0; i < pilot->reports.count; i++) {
    struct report *kept = reports_at(&pilot->reports, i);
    if (kept->request == 0) continue;
    /* The oldest is due first, so the rest can wait with it. */
    if (kept->sendAtMs > nowMs) return;
    if (!link_send_frame(&pilot->link, kept->frame, kept->size)) return;
    kept->sendAtMs = nowMs + ENDED_REPEAT_MS;
    kept->repeats += 1;
    if (kept->repeats % (REPEATS_BEFORE_HELLO + 1) == REPEATS_BEFORE_HELLO) pilot_greet_again(pilot, nowMs);
  }
}
