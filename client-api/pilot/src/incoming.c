/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "pilot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(mlp_text text) { return memory_string(text.data, text.size); }

static struct word_list copy_words(const mlp_text *words, uint32_t count) {
  struct word_list list = {.items = memory_new(count * sizeof *list.items), .count = count};
  for (uint32_t i = 0; i < count; i++) list.items[i] = copy_text(words[i]);
  return list;
}

static struct study *copy_study(const mlp_pilot_welcome *welcome) {
  struct study *study = memory_new(sizeof *study);
  *study = (struct study){
      .name = copy_text(welcome->study),
      .heartbeatMs = welcome->heartbeat_ms < 10 ? HEARTBEAT_DEFAULT_MS : welcome->heartbeat_ms,
      .silenceMs = welcome->silence_ms == 0 ? SILENCE_DEFAULT_MS : welcome->silence_ms,
      .parameterNames = copy_words(welcome->parameter_names, welcome->parameter_names_count),
      .command = copy_words(welcome->command, welcome->command_count),
      .launcher = copy_words(welcome->launcher, welcome->launcher_count),
      .preprocessing = copy_words(welcome->preprocessing, welcome->preprocessing_count),
      .variables = memory_new(welcome->environment_count * sizeof(struct study_variable)),
      .variableCount = welcome->environment_count,
      .files = memory_new(welcome->files_count * sizeof(struct study_file)),
      .fileCount = welcome->files_count,
      .outputs = memory_new(welcome->outputs_count * sizeof(struct study_output)),
      .outputCount = welcome->outputs_count,
      .ranks = welcome->ranks,
      .ownDirectory = welcome->work_directory != 0,
      .keep = (enum keep)welcome->keep_work_directory,
      .workRoot = copy_text(welcome->work_root),
      .outputBytesMax = welcome->output_bytes_max > OUTPUT_BYTES_CEILING ? OUTPUT_BYTES_CEILING : welcome->output_bytes_max,
      .drainSeconds = welcome->drain_seconds >= 0 ? welcome->drain_seconds : 0,
      .seed = welcome->seed,
  };
  for (uint32_t i = 0; i < welcome->environment_count; i++) {
    study->variables[i] = (struct study_variable){.name = copy_text(welcome->environment[i].name),
                                                  .value = copy_text(welcome->environment[i].value)};
  }
  for (uint32_t i = 0; i < welcome->files_count; i++) {
    const mlp_pilot_welcome_files *file = &welcome->files[i];
    study->files[i] = (struct study_file){.path = copy_text(file->path), .contentSize = file->content.size,
                                          .content = memory_string((const char *)file->content.data, file->content.size)};
  }
  for (uint32_t i = 0; i < welcome->outputs_count; i++) {
    const mlp_pilot_welcome_outputs *output = &welcome->outputs[i];
    study->outputs[i] = (struct study_output){.field = copy_text(output->field), .path = copy_text(output->path),
                                              .kind = output->kind, .dtype = output->dtype, .cells = output->cells,
                                              .steps = output->steps};
  }
  return study;
}

static void take_welcome(struct pilot *pilot, const mlp_pilot_welcome *welcome) {
  struct study *old = pilot->study;
  if (old != NULL && old->users > 0) {
    /* More heads than this within one attempt: the study is the same one, so the oldest copy is kept in use. */
    if (pilot->retiredCount < sizeof pilot->retired / sizeof *pilot->retired) pilot->retired[pilot->retiredCount++] = old;
    else old = NULL;
  } else if (old != NULL) {
    study_free(old);
    free(old);
  }
  if (pilot->study == NULL || old != NULL) pilot->study = copy_study(welcome);
  pilot->welcomed = true;
  log_write(LOG_INFO, "welcomed to study \"%s\" in epoch %" PRIu32, pilot->study->name, pilot->link.epoch);
  /* A new head, or a connection that may have lost what was under way: everything unconfirmed goes again at once. */
  for (size_t i = 0; i < pilot->reports.count; i++) reports_at(&pilot->reports, i)->sendAtMs = 0;
  if (pilot->draining) outgoing_draining(pilot, "the pilot is draining");
}

static bool held(struct pilot *pilot, uint64_t id) {
  for (unsigned i = 0; i < pilot->settings->slots; i++) {
    if (pilot->slots[i].phase != PHASE_FREE && pilot->slots[i].lease.id == id) return true;
  }
  for (size_t i = 0; i < pilot->waiting.count; i++) {
    if (waiting_at(&pilot->waiting, i)->id == id) return true;
  }
  for (size_t i = 0; i < pilot->returning.count; i++) {
    if (waiting_at(&pilot->returning, i)->id == id) return true;
  }
  return reports_know(&pilot->reports, id);
}

static void take_leases(struct pilot *pilot, const mlp_lease *message) {
  for (uint32_t i = 0; i < message->leases_count; i++) {
    const mlp_lease_leases *item = &message->leases[i];
    if (held(pilot, item->lease)) continue; /* a repeated message has no second effect */
    struct lease lease = {.id = item->lease, .simulation = item->simulation, .draw = item->draw, .attempt = item->attempt,
                          .group = item->group, .member = item->member, .firstStep = item->first_step,
                          .timeoutMs = item->timeout_ms, .values = copy_text(item->values),
                          .returnedAs = OUTCOME_RETURNED};
    if (!waiting_push(pilot->draining ? &pilot->returning : &pilot->waiting, lease)) {
      log_write(LOG_ERROR, "lease %" PRIu64 " was dropped: %d leases wait already", lease.id, WAITING_LEASES_MAX);
      free(lease.values);
    }
  }
}

static void stop_leases(struct pilot *pilot, const mlp_stop_leases *message) {
  char reason[REASON_BYTES_MAX];
  mlp_text_copy(message->reason, reason, sizeof reason);
  for (uint32_t i = 0; i < message->leases_count; i++) {
    uint64_t id = message->leases[i];
    struct lease lease;
    if (waiting_take(&pilot->waiting, id, &lease)) {
      lease.returnedAs = OUTCOME_STOPPED;
      if (!waiting_push(&pilot->returning, lease)) free(lease.values);
      continue;
    }
    for (unsigned slot = 0; slot < pilot->settings->slots; slot++) {
      if (pilot->slots[slot].lease.id == id) slot_end(&pilot->slots[slot], OUTCOME_STOPPED, reason, TERMINATE_GRACE_MS);
    }
  }
}

static void take_dismiss(struct pilot *pilot, const mlp_dismiss *message, uint64_t request) {
  char reason[REASON_BYTES_MAX];
  mlp_text_copy(message->reason, reason, sizeof reason);
  pilot->planFinished = pilot->planFinished || message->plan_finished != 0;
  mlp_ok ok = {0};
  if (request != 0) link_send(&pilot->link, &mlp_ok_shape, &ok, request);
  log_write(LOG_INFO, "dismissed%s: %s", message->plan_finished != 0 ? ", the plan is finished" : "", reason);
  if (message->drain == 0) pilot_end_all(pilot, OUTCOME_STOPPED, reason, TERMINATE_GRACE_MS);
  pilot_begin_drain(pilot, reason, INT64_MAX);
}

static void take_refused(struct pilot *pilot, const mlp_refused *message, uint64_t request) {
  char code[64], text[512], remedy[512];
  mlp_text_copy(message->code, code, sizeof code);
  mlp_text_copy(message->message, text, sizeof text);
  mlp_text_copy(message->remedy, remedy, sizeof remedy);
  log_write(LOG_WARN, "the head refused: %s: %s (%s)", code, text, remedy);
  if (request == pilot->helloRequest || strcmp(code, "EVERSION") == 0) {
    if (message->retry_after_ms > 0) {
      pilot->helloAtMs = clock_ms() + message->retry_after_ms;
      return;
    }
    pilot->exitCode = EXIT_REFUSED;
    pilot_end_all(pilot, OUTCOME_STOPPED, "the head refused the pilot", TERMINATE_GRACE_MS);
    pilot_begin_drain(pilot, "refused", INT64_MAX);
    /* Who refuses the pilot will not confirm anything either. */
    pilot->welcomed = false;
    return;
  }
  /* A report that will never be accepted is as good as confirmed; others are repeated as usual. */
  if (message->retry_after_ms == 0) reports_confirm(&pilot->reports, request);
}

/** Returns false when the message is not for a pilot or cannot be decoded. */
static bool act(struct pilot *pilot, const uint8_t *frame, size_t size, const mlp_envelope *envelope) {
  mlp_envelope ignored;
  union {
    mlp_pilot_welcome welcome;
    mlp_lease lease;
    mlp_stop_leases stop;
    mlp_dismiss dismiss;
    mlp_head_heartbeat heartbeat;
    mlp_refused refused;
  } body;
  switch (envelope->code) {
    case MLP_CODE_PILOT_WELCOME:
      if (mlp_decode_pilot_welcome(frame, size, &pilot->arena, &ignored, &body.welcome) != MLP_OK) return false;
      take_welcome(pilot, &body.welcome);
      return true;
    case MLP_CODE_LEASE:
      if (mlp_decode_lease(frame, size, &pilot->arena, &ignored, &body.lease) != MLP_OK) return false;
      /* Without the study's command there is nothing to start; the head leases again after its welcome. */
      if (pilot->study != NULL) take_leases(pilot, &body.lease);
      return true;
    case MLP_CODE_STOP_LEASES:
      if (mlp_decode_stop_leases(frame, size, &pilot->arena, &ignored, &body.stop) != MLP_OK) return false;
      stop_leases(pilot, &body.stop);
      return true;
    case MLP_CODE_DISMISS:
      if (mlp_decode_dismiss(frame, size, &pilot->arena, &ignored, &body.dismiss) != MLP_OK) return false;
      take_dismiss(pilot, &body.dismiss, envelope->request);
      return true;
    case MLP_CODE_HEAD_HEARTBEAT:
      if (mlp_decode_head_heartbeat(frame, size, &pilot->arena, &ignored, &body.heartbeat) != MLP_OK) return false;
      /* Says the same as a Dismiss that was lost. */
      if (body.heartbeat.plan_finished != 0 && !pilot->planFinished) {
        pilot->planFinished = true;
        pilot_begin_drain(pilot, "the plan is finished", INT64_MAX);
      }
      return true;
    case MLP_CODE_OK:
      reports_confirm(&pilot->reports, envelope->request);
      return true;
    case MLP_CODE_REFUSED:
      if (mlp_decode_refused(frame, size, &pilot->arena, &ignored, &body.refused) != MLP_OK) return false;
      take_refused(pilot, &body.refused, envelope->request);
      return true;
    default:
      return false;
  }
}

static void refuse_version(struct pilot *pilot) {
  mlp_refused refused = {.code = mlp_text_of("EVERSION"),
                         .message = mlp_text_of("the pilot speaks protocol version 1 and was sent another"),
                         .remedy = mlp_text_of("Use a pilot and a server of the same release.")};
  link_send(&pilot->link, &mlp_refused_shape, &refused, 0);
  log_write(LOG_ERROR, "the head speaks another protocol version; this pilot speaks version 1: use a pilot and a server of the same release");
}

/** Says hello when the epoch rose; false for a message of an older head, which must have no effect. */
static bool follow_epoch(struct pilot *pilot, const mlp_envelope *envelope) {
  if (envelope->epoch < pilot->link.epoch) {
    log_write(LOG_WARN, "a message of an older head was ignored (epoch %" PRIu32 ", now %" PRIu32 ")", envelope->epoch, pilot->link.epoch);
    return false;
  }
  if (envelope->epoch > pilot->link.epoch) {
    pilot->link.epoch = envelope->epoch;
    if (envelope->code != MLP_CODE_PILOT_WELCOME && envelope->code != MLP_CODE_REFUSED) {
      pilot_greet_again(pilot, clock_ms());
    }
  }
  return true;
}

bool incoming_take(struct pilot *pilot) {
  zmq_msg_t message;
  bool any = false;
  while (link_receive(&pilot->link, &message)) {
    const uint8_t *frame = zmq_msg_data(&message);
    size_t size = zmq_msg_size(&message);
    mlp_envelope envelope;
    mlp_status status = mlp_peek_control(frame, size, &envelope);
    any = true;
    if (status == MLP_EVERSION) {
      refuse_version(pilot);
    } else if (status != MLP_OK) {
      log_write(LOG_WARN, "a message was dropped: %s", mlp_status_name(status));
    } else if (follow_epoch(pilot, &envelope)) {
      pilot->heardAtMs = clock_ms();
      mlp_arena_reset(&pilot->arena);
      if (!act(pilot, frame, size, &envelope)) log_write(LOG_WARN, "a message %s was dropped", mlp_code_name(envelope.code));
    }
    zmq_msg_close(&message);
  }
  return any;
}
