/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

#include "command.h"
#include "directory.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_pipe(int *descriptor) {
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
}

void slot_initialise(struct slot *slot, unsigned index, const struct settings *settings) {
  *slot = (struct slot){.index = index, .settings = settings, .outputPipe = -1, .errorPipe = -1, .senderPipe = -1,
                        .errorWriteEnd = -1, .numbers = {.descriptor = -1}};
}

__attribute__((format(printf, 3, 4))) static void set_outcome(struct slot *slot, enum outcome outcome, const char *format, ...) {
  slot->outcome = outcome;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(slot->reason, sizeof slot->reason, format, arguments);
  va_end(arguments);
}

/* ---- starting ---- */

static bool write_files(struct slot *slot) {
  const struct study *study = slot->study;
  const char *root = slot->directory.size > 0 ? slot->directory.data : slot->settings->workDirectory;
  for (size_t i = 0; i < study->fileCount; i++) {
    const struct study_file *file = &study->files[i];
    char error[REASON_BYTES_MAX - 64];
    text_clear(&slot->scratch);
    if (!render_text(&slot->names, file->content, file->contentSize, &slot->scratch, error, sizeof error)) {
      set_outcome(slot, OUTCOME_NOT_STARTED, "file \"%.200s\": %.600s", file->path, error);
      return false;
    }
    int failed = directory_write_file(root, file->path, slot->scratch.data, slot->scratch.size);
    if (failed != 0) {
      set_outcome(slot, OUTCOME_NOT_STARTED, "cannot write \"%.200s\" in %.400s: %s", file->path, root, strerror(failed));
      return false;
    }
  }
  return true;
}

/** One folder a slot that is emptied between attempts when nothing is kept, else one an attempt. */
static bool make_directory(struct slot *slot) {
  const struct study *study = slot->study;
  text_clear(&slot->directory);
  if (!study->ownDirectory) return true;
  const char *root = study->workRoot[0] != '\0' ? study->workRoot : slot->settings->workDirectory;
  const struct lease *lease = &slot->lease;
  char name[256];
  if (study->keep == KEEP_NEVER) {
    snprintf(name, sizeof name, "/%.200s-%u", slot->settings->pilot, slot->index);
  } else if (lease->simulation == LOOP_SIMULATION) {
    snprintf(name, sizeof name, "/loop-%" PRIu64, lease->id);
  } else {
    snprintf(name, sizeof name, "/simulation-%06" PRIu32 "-draw-%u-attempt-%u", lease->simulation, (unsigned)lease->draw,
             (unsigned)lease->attempt);
  }
  text_append_string(&slot->directory, root);
  text_append_string(&slot->directory, name);
  int failed = directory_make(slot->directory.data);
  if (failed == 0) failed = directory_empty(slot->directory.data);
  if (failed != 0) {
    set_outcome(slot, OUTCOME_NOT_STARTED, "cannot make the work directory %.600s: %s", slot->directory.data, strerror(failed));
  }
  return failed == 0;
}

static int open_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return errno;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return 0;
}

/** Starts `path` with the words of the slot; the pipes of the phase are made here. Returns 0 or an errno. */
static int launch(struct slot *slot, const char *path, int inherited) {
  bool sender = slot->phase == PHASE_SENDER;
  static int nothing = -1; /* solvers read end-of-file from stdin */
  if (nothing < 0) nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int out[2], err[2] = {-1, slot->errorWriteEnd};
  int failed = open_pipe(out);
  if (failed != 0) return failed;
  if (err[1] < 0 && (failed = open_pipe(err)) != 0) {
    close(out[0]);
    close(out[1]);
    return failed;
  }
  if (err[0] >= 0) {
    close_pipe(&slot->errorPipe);
    slot->errorPipe = err[0];
  }
  int *readEnd = sender ? &slot->senderPipe : &slot->outputPipe;
  close_pipe(readEnd);
  *readEnd = out[0];
  struct start_request request = {
      .path = path,
      .words = strings_pointers(&slot->words),
      .environment = strings_pointers(&slot->environment),
      .directory = slot->directory.size > 0 ? slot->directory.data : NULL,
      .input = nothing,
      .output = out[1],
      .errors = err[1],
      .inherited = inherited,
  };
  failed = process_start(&request, &slot->leader);
  close(out[1]);
  /* The sender's complaints belong into the same stderr, so its end stays open until the sender has it. */
  slot->errorWriteEnd = -1;
  if (!sender && slot->study->outputCount > 0) slot->errorWriteEnd = err[1];
  else close(err[1]);
  if (failed == 0) slot->sessions[slot->sessionCount++] = slot->leader;
  return failed;
}

/** Resolves with the PATH that the process itself will see. */
static bool resolve(struct slot *slot, const char *word, char *error, size_t errorSize) {
  const char *searchPath = NULL;
  for (char **entry = strings_pointers(&slot->environment); *entry != NULL; entry++) {
    if (strncmp(*entry, "PATH=", 5) == 0) searchPath = *entry + 5;
  }
  return command_resolve(word, slot->settings->manifestDirectory, searchPath, &slot->scratch, error, errorSize);
}

/** Renders and starts one command. `prefix` (the launcher) may be empty. */
static bool start_command(struct slot *slot, const struct word_list *prefix, const struct word_list *command, const char *what) {
  char error[REASON_BYTES_MAX - 64] = "it is larger than the pilot allows";
  struct strings rendered = {0};
  strings_clear(&slot->words);
  bool ok = command->count > 0 && render_words(&slot->names, prefix, &slot->words, error, sizeof error) &&
            render_words(&slot->names, command, &rendered, error, sizeof error);
  if (command->count == 0) snprintf(error, sizeof error, "the study names no command");
  char **own = ok ? strings_pointers(&rendered) : NULL;
  /* Behind a launcher the command may live where only the launcher can see it (a container), so it need not be found. */
  bool found = ok && resolve(slot, own[0], error, sizeof error);
  if (ok && prefix->count == 0) ok = found;
  for (size_t i = 0; ok && i < rendered.count; i++) {
    bool useful = i == 0 && found && (prefix->count > 0 || strchr(own[0], '/') != NULL);
    ok = strings_add(&slot->words, useful ? slot->scratch.data : own[i]);
  }
  if (ok && prefix->count > 0) ok = resolve(slot, strings_pointers(&slot->words)[0], error, sizeof error);
  strings_free(&rendered);
  if (!ok) {
    set_outcome(slot, OUTCOME_NOT_STARTED, "%s: %.900s", what, error);
    return false;
  }
  int failed = launch(slot, slot->scratch.data, -1);
  if (failed != 0) {
    const char *hint = failed == ENOEXEC ? " (a script needs a first line like #!/bin/sh)" : "";
    set_outcome(slot, OUTCOME_NOT_STARTED, "%s: cannot start %.600s: %s%s", what, slot->scratch.data, strerror(failed), hint);
  }
  return failed == 0;
}

static void begin_cleanup(struct slot *slot);

static void start_solver(struct slot *slot) {
  slot->phase = PHASE_SOLVER;
  for (size_t i = 0; i < slot->study->outputCount; i++) {
    const struct study_output *output = &slot->study->outputs[i];
    if (output->kind != OUTPUT_STDOUT) continue;
    int failed = numbers_begin(&slot->numbers, output->cells * (output->steps == 0 ? 1 : output->steps), output->dtype == DTYPE_FLOAT32);
    if (failed != 0) {
      set_outcome(slot, OUTCOME_NOT_STARTED, "cannot keep the numbers on stdout: %s", strerror(failed));
      begin_cleanup(slot);
      return;
    }
  }
  if (!start_command(slot, &slot->study->launcher, &slot->study->command, "solver")) begin_cleanup(slot);
}

void slot_begin(struct slot *slot, struct study *study, struct lease lease) {
  static const struct word_list none = {0};
  slot->lease = lease;
  slot->study = study;
  study->users += 1;
  slot->outcome = OUTCOME_NONE;
  slot->exitCode = 0;
  slot->reason[0] = '\0';
  slot->ending = false;
  slot->leader = 0;
  slot->sessionCount = 0;
  slot->endedCount = 0;
  slot->descendantsEnded = 0;
  slot->saidSize = 0;
  slot->cpuSeconds = 0;
  slot->peakRssBytes = 0;
  slot->startedSeconds = clock_seconds();
  capture_reset(&slot->output, study->outputBytesMax);
  capture_reset(&slot->errors, study->outputBytesMax);
  strings_clear(&slot->environment);
  slot->phase = PHASE_PREPROCESSING;
  char error[REASON_BYTES_MAX] = "the environment is larger than the pilot allows";
  if (!names_set(&slot->names, study, &slot->lease, error, sizeof error) ||
      !render_environment(&slot->names, slot->settings, &slot->environment, error, sizeof error)) {
    set_outcome(slot, OUTCOME_NOT_STARTED, "%s", error);
    begin_cleanup(slot);
    return;
  }
  if (!make_directory(slot) || !write_files(slot)) {
    begin_cleanup(slot);
    return;
  }
  if (study->preprocessing.count == 0) {
    start_solver(slot);
  } else if (!start_command(slot, &none, &study->preprocessing, "preprocessing")) {
    slot->outcome = OUTCOME_PREPROCESSING_FAILED;
    begin_cleanup(slot);
  }
}

/* ---- the sender of a solver's files ---- */

static void sender_words(struct slot *slot) {
  strings_clear(&slot->words);
  strings_add(&slot->words, slot->settings->executable);
  strings_add(&slot->words, "--send-outputs");
  for (size_t i = 0; i < slot->study->outputCount; i++) {
    const struct study_output *output = &slot->study->outputs[i];
    char number[32];
    strings_add(&slot->words, output->field);
    strings_add(&slot->words, output->kind == OUTPUT_NPY ? "npy" : "raw");
    if (output->kind == OUTPUT_STDOUT) snprintf(number, sizeof number, "/proc/self/fd/%d", slot->numbers.descriptor);
    strings_add(&slot->words, output->kind == OUTPUT_STDOUT ? number : output->path);
    snprintf(number, sizeof number, "%" PRIu64, output->cells);
    strings_add(&slot->words, number);
    strings_add(&slot->words, output->dtype == DTYPE_FLOAT32 ? "float32" : "float64");
    snprintf(number, sizeof number, "%" PRIu32, output->steps == 0 ? 1 : output->steps);
    strings_add(&slot->words, number);
  }
}

static void start_sender(struct slot *slot) {
  slot->phase = PHASE_SENDER;
  if (slot->numbers.descriptor >= 0 && !numbers_finish(&slot->numbers)) {
    set_outcome(slot, OUTCOME_OUTPUT_WRONG, "%s", slot->numbers.problem);
  } else {
    sender_words(slot);
    int failed = launch(slot, slot->settings->executable, slot->numbers.descriptor);
    if (failed == 0) return;
    set_outcome(slot, OUTCOME_OUTPUT_WRONG, "cannot start the sender of the output files: %s", strerror(failed));
  }
  begin_cleanup(slot);
}

/* ---- running ---- */

static void read_pipe(struct slot *slot, int *descriptor) {
  static char bytes[65536];
  for (size_t total = 0; *descriptor >= 0 && total < PIPE_BYTES_PER_TURN;) {
    ssize_t size = read(*descriptor, bytes, sizeof bytes);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
      close_pipe(descriptor);
      return;
    }
    total += (size_t)size;
    if (descriptor == &slot->senderPipe) {
      size_t room = sizeof slot->said - 1 - slot->saidSize;
      size_t part = (size_t)size < room ? (size_t)size : room;
      memcpy(slot->said + slot->saidSize, bytes, part);
      slot->saidSize += part;
      continue;
    }
    capture_add(descriptor == &slot->outputPipe ? &slot->output : &slot->errors, bytes, (size_t)size);
    if (descriptor == &slot->outputPipe && slot->numbers.descriptor >= 0 && slot->phase != PHASE_PREPROCESSING) {
      numbers_add(&slot->numbers, bytes, (size_t)size);
    }
  }
}

void slot_read(struct slot *slot) {
  read_pipe(slot, &slot->outputPipe);
  read_pipe(slot, &slot->errorPipe);
  read_pipe(slot, &slot->senderPipe);
}

void slot_add_usage(struct slot *slot, const struct rusage *usage) {
  slot->cpuSeconds += (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
                      1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
  uint64_t peak = (uint64_t)usage->ru_maxrss * 1024;
  if (peak > slot->peakRssBytes) slot->peakRssBytes = peak;
}

/** What the solver's own end means; called when nobody had ordered it. */
static void judge(struct slot *slot, int status, const char *what) {
  if (WIFSIGNALED(status)) {
    slot->exitCode = WTERMSIG(status);
    set_outcome(slot, OUTCOME_SIGNALLED, "%s was ended by signal %d (%s)%s", what, WTERMSIG(status), strsignal(WTERMSIG(status)),
                WTERMSIG(status) == SIGKILL ? "; perhaps it ran out of memory" : "");
    return;
  }
  slot->exitCode = WEXITSTATUS(status);
  set_outcome(slot, OUTCOME_EXITED, "%s", "");
  if (slot->exitCode != 0) snprintf(slot->reason, sizeof slot->reason, "%s exited with %d", what, slot->exitCode);
}

static void judge_sender(struct slot *slot, int status) {
  read_pipe(slot, &slot->senderPipe);
  while (slot->saidSize > 0 && slot->said[slot->saidSize - 1] == '\n') slot->saidSize--;
  slot->said[slot->saidSize] = '\0';
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (slot->saidSize > 0) set_outcome(slot, OUTCOME_OUTPUT_WRONG, "%s", slot->said);
  else if (WIFSIGNALED(status)) set_outcome(slot, OUTCOME_OUTPUT_WRONG, "the sender of the output files was ended by signal %d", WTERMSIG(status));
  else set_outcome(slot, OUTCOME_OUTPUT_WRONG, "the sender of the output files exited with %d", WEXITSTATUS(status));
}

void slot_leader_ended(struct slot *slot, int status, const struct rusage *usage) {
  slot->leader = 0;
  slot_add_usage(slot, usage);
  bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (slot->ending) {
    /* The order's outcome stays; the exit code still says how the solver took it. */
    slot->exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    begin_cleanup(slot);
    return;
  }
  if (slot->phase == PHASE_PREPROCESSING) {
    slot_read(slot);
    if (clean) {
      start_solver(slot);
      return;
    }
    judge(slot, status, "preprocessing");
    slot->outcome = OUTCOME_PREPROCESSING_FAILED;
  } else if (slot->phase == PHASE_SOLVER) {
    slot_read(slot);
    judge(slot, status, "the solver");
    if (clean && slot->study->outputCount > 0) {
      start_sender(slot);
      return;
    }
  } else if (slot->phase == PHASE_SENDER) {
    judge_sender(slot, status);
  }
  begin_cleanup(slot);
}

/* ---- ending ---- */

static void begin_cleanup(struct slot *slot) {
  slot->phase = PHASE_CLEANUP;
  slot->wallSeconds = clock_seconds() - slot->startedSeconds;
  int64_t now = clock_ms();
  if (!slot->ending) {
    slot->killAtMs = now + DESCENDANT_GRACE_MS;
    slot->giveUpAtMs = slot->killAtMs + UNKILLABLE_LIMIT_MS;
  }
  slot->ending = true;
  slot->sweepAtMs = now;
}

void slot_end(struct slot *slot, enum outcome outcome, const char *reason, int graceMs) {
  if (slot->phase == PHASE_FREE || slot->phase == PHASE_ENDED) return;
  int64_t now = clock_ms();
  int64_t killAt = now + graceMs;
  if (!slot->ending) {
    set_outcome(slot, outcome, "%s", reason);
    slot->killAtMs = killAt;
  } else if (killAt < slot->killAtMs) {
    slot->killAtMs = killAt;
  }
  slot->ending = true;
  slot->giveUpAtMs = slot->killAtMs + UNKILLABLE_LIMIT_MS;
  slot->sweepAtMs = now;
}

/** True the first time a process is met. */
static bool remember(struct slot *slot, const struct process_entry *entry) {
  for (size_t i = 0; i < slot->endedCount; i++) {
    if (slot->ended[i].id == entry->id && slot->ended[i].startTicks == entry->startTicks) return false;
  }
  if (slot->endedCount == slot->endedCapacity) {
    slot->endedCapacity = slot->endedCapacity == 0 ? 16 : slot->endedCapacity * 2;
    slot->ended = memory_resize(slot->ended, slot->endedCapacity * sizeof *slot->ended);
  }
  slot->ended[slot->endedCount++] = (struct ended_process){.id = entry->id, .startTicks = entry->startTicks};
  bool leads = false;
  for (unsigned i = 0; i < slot->sessionCount; i++) leads = leads || slot->sessions[i] == entry->id;
  slot->descendantsEnded += leads ? 0 : 1;
  return true;
}

void slot_sweep(struct slot *slot, const struct process_table *table, bool (*owns)(void *, const struct process_entry *),
                void *context) {
  int64_t now = clock_ms();
  bool kill = now >= slot->killAtMs;
  size_t left = 0;
  for (size_t i = 0; i < table->count; i++) {
    const struct process_entry *entry = &table->entries[i];
    if (!owns(context, entry)) continue;
    left += 1;
    bool first = remember(slot, entry);
    if (kill) {
      process_signal(entry, SIGKILL);
    } else if (first) {
      process_signal(entry, SIGTERM);
      process_signal(entry, SIGCONT); /* a stopped process cannot act on SIGTERM */
    }
  }
  slot->sweepAtMs = now + SWEEP_PERIOD_MS;
  if (slot->leader != 0 && now < slot->giveUpAtMs) return;
  if (left > 0 && now >= slot->giveUpAtMs) {
    log_write(LOG_ERROR, "simulation %" PRIu32 ": %zu processes did not end of SIGKILL; the slot goes on without them",
              slot->lease.simulation, left);
    left = 0;
  }
  if (left == 0) slot_nothing_left(slot);
}

/** Whether the attempt's folder goes: kept when the study says so, or when there is something to look at in it. */
static void leave_directory(struct slot *slot) {
  if (slot->directory.size == 0) return;
  enum keep keep = slot->study->keep;
  bool failed = slot->outcome != OUTCOME_DRAINED && !(slot->outcome == OUTCOME_EXITED && slot->exitCode == 0);
  int problem = 0;
  if (keep == KEEP_NEVER) problem = directory_empty(slot->directory.data);
  else if (keep == KEEP_ON_FAILURE && !failed) problem = directory_remove(slot->directory.data);
  if (problem != 0 && problem != ENOENT) {
    log_write(LOG_WARN, "work directory %s could not be emptied: %s", slot->directory.data, strerror(problem));
  }
}

void slot_nothing_left(struct slot *slot) {
  slot->leader = 0;
  slot_read(slot);
  close_pipe(&slot->outputPipe);
  close_pipe(&slot->errorPipe);
  close_pipe(&slot->senderPipe);
  close_pipe(&slot->errorWriteEnd);
  numbers_end(&slot->numbers);
  leave_directory(slot);
  slot->phase = PHASE_ENDED;
}

void slot_release(struct slot *slot) {
  free(slot->lease.values);
  slot->lease = (struct lease){0};
  slot->phase = PHASE_FREE;
  slot->study->users -= 1;
  slot->study = NULL;
}

void slot_free(struct slot *slot) {
  free(slot->lease.values);
  free(slot->ended);
  capture_free(&slot->output);
  capture_free(&slot->errors);
  names_free(&slot->names);
  strings_free(&slot->words);
  strings_free(&slot->environment);
  text_free(&slot->directory);
  text_free(&slot->scratch);
}
