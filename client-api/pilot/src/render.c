/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "limits.h"
#include "template.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Variables that the pilot sets and therefore never passes on from its own environment. */
static const char *const own_variables[] = {
    "MELISSA_HEAD",      "MELISSA_TOKEN_FILE", "MELISSA_STUDY",  "MELISSA_SIMULATION", "MELISSA_DRAW",
    "MELISSA_ATTEMPT",   "MELISSA_GROUP",      "MELISSA_MEMBER", "MELISSA_RESUME_STEP", "MELISSA_PILOT",
    "MELISSA_LOOP_LEASE", "MELISSA_LEASE",     "MELISSA_SEED",   "MELISSA_SIMU_ID",    "MELISSA_SIM_ID",
    "MELISSA_SERVER_NODE_NAME", "MELISSA_CURVE_DIR"};

uint32_t simulation_seed(uint64_t studySeed, uint32_t simulation, uint16_t draw) {
  uint64_t z = studySeed * UINT64_C(0xd1342543de82ef95) + simulation * UINT64_C(0x2545f4914f6cdd1d) +
               draw * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (uint32_t)((z ^ (z >> 31)) >> 32);
}

bool names_set(struct names *names, const struct study *study, const struct lease *lease, char *error, size_t errorSize) {
  names->study = study;
  names->lease = lease;
  strings_clear(&names->values);
  snprintf(names->ranks, sizeof names->ranks, "%" PRIu32, study->ranks);
  snprintf(names->seed, sizeof names->seed, "%" PRIu32, simulation_seed(study->seed, lease->simulation, lease->draw));
  if (lease->simulation == LOOP_SIMULATION) return true;
  snprintf(names->simulation, sizeof names->simulation, "%" PRIu32, lease->simulation);
  snprintf(names->group, sizeof names->group, "%" PRIu32, lease->group);
  snprintf(names->member, sizeof names->member, "%u", (unsigned)lease->member);
  snprintf(names->draw, sizeof names->draw, "%u", (unsigned)lease->draw);
  snprintf(names->attempt, sizeof names->attempt, "%u", (unsigned)lease->attempt);
  const char *at = lease->values;
  size_t count = 0;
  while (study->parameterNames.count > 0 && at != NULL) {
    const char *end = strchr(at, '\x1f');
    strings_begin(&names->values);
    if (!text_append(&names->values.bytes, at, end == NULL ? strlen(at) : (size_t)(end - at))) break;
    strings_end(&names->values);
    count += 1;
    at = end == NULL ? NULL : end + 1;
  }
  if (count != study->parameterNames.count) {
    snprintf(error, errorSize, "the lease brought %zu values for %zu parameters", count, study->parameterNames.count);
    return false;
  }
  strings_pointers(&names->values);
  return true;
}

void names_free(struct names *names) { strings_free(&names->values); }

static bool is(const char *word, const char *name, size_t length) {
  return strlen(word) == length && memcmp(word, name, length) == 0;
}

static const char *look_up(void *context, const char *name, size_t length) {
  struct names *names = context;
  const struct study *study = names->study;
  if (names->lease->simulation != LOOP_SIMULATION) {
    for (size_t i = 0; i < study->parameterNames.count; i++) {
      if (is(study->parameterNames.items[i], name, length)) return names->values.pointers[i];
    }
    if (is("simulation", name, length)) return names->simulation;
    if (is("group", name, length)) return names->group;
    if (is("member", name, length)) return names->member;
    if (is("draw", name, length)) return names->draw;
    if (is("attempt", name, length)) return names->attempt;
  }
  if (is("seed", name, length)) return names->seed;
  if (is("study", name, length)) return study->name;
  if (is("ranks", name, length)) return names->ranks;
  return NULL;
}

bool render_text(struct names *names, const char *source, size_t size, struct text *out, char *error, size_t errorSize) {
  return template_render(source, size, look_up, names, out, error, errorSize);
}

bool render_words(struct names *names, const struct word_list *words, struct strings *out, char *error, size_t errorSize) {
  for (size_t i = 0; i < words->count; i++) {
    strings_begin(out);
    if (!render_text(names, words->items[i], strlen(words->items[i]), &out->bytes, error, errorSize)) return false;
    if (!strings_end(out)) return false;
  }
  return true;
}

static bool names_variable(const char *entry, const char *name) {
  size_t length = strlen(name);
  return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool replaced(const char *entry, const struct study *study) {
  if (strncmp(entry, "MELISSA_", 8) == 0) {
    for (size_t i = 0; i < sizeof own_variables / sizeof *own_variables; i++) {
      if (names_variable(entry, own_variables[i])) return true;
    }
  }
  for (size_t i = 0; i < study->variableCount; i++) {
    if (names_variable(entry, study->variables[i].name)) return true;
  }
  return false;
}

__attribute__((format(printf, 3, 4))) static bool add_variable(struct strings *out, const char *name, const char *format, ...) {
  char value[4600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(value, sizeof value, format, arguments);
  va_end(arguments);
  strings_begin(out);
  return text_append_string(&out->bytes, name) && text_append_string(&out->bytes, "=") &&
         text_append_string(&out->bytes, value) && strings_end(out);
}

/** Host of an endpoint like tcp://host:port, for solvers written for Melissa. */
static void add_server_host(struct strings *out, const char *endpoint) {
  const char *host = strstr(endpoint, "://");
  host = host == NULL ? endpoint : host + 3;
  const char *colon = strrchr(host, ':');
  add_variable(out, "MELISSA_SERVER_NODE_NAME", "%.*s", (int)(colon == NULL ? strlen(host) : (size_t)(colon - host)), host);
}

static void add_own_variables(const struct names *names, const struct settings *settings, struct strings *out) {
  const struct lease *lease = names->lease;
  add_variable(out, "MELISSA_HEAD", "%s", settings->head);
  add_variable(out, "MELISSA_TOKEN_FILE", "%s", settings->tokenFile);
  add_variable(out, "MELISSA_STUDY", "%s", names->study->name);
  add_variable(out, "MELISSA_PILOT", "%s", settings->pilot);
  add_variable(out, "MELISSA_LEASE", "%" PRIu64, lease->id);
  add_server_host(out, settings->head);
  if (settings->curveDirectory != NULL) add_variable(out, "MELISSA_CURVE_DIR", "%s", settings->curveDirectory);
  if (lease->simulation == LOOP_SIMULATION) {
    add_variable(out, "MELISSA_LOOP_LEASE", "%" PRIu64, lease->id);
    return;
  }
  add_variable(out, "MELISSA_SIMULATION", "%s", names->simulation);
  add_variable(out, "MELISSA_DRAW", "%s", names->draw);
  add_variable(out, "MELISSA_ATTEMPT", "%s", names->attempt);
  add_variable(out, "MELISSA_GROUP", "%s", names->group);
  add_variable(out, "MELISSA_MEMBER", "%s", names->member);
  add_variable(out, "MELISSA_RESUME_STEP", "%" PRIu32, lease->firstStep);
  add_variable(out, "MELISSA_SEED", "%s", names->seed);
  add_variable(out, "MELISSA_SIMU_ID", "%s", names->simulation);
  add_variable(out, "MELISSA_SIM_ID", "%s", names->simulation);
}

bool render_environment(struct names *names, const struct settings *settings, struct strings *out, char *error,
                        size_t errorSize) {
  const struct study *study = names->study;
  for (char **entry = environ; *entry != NULL; entry++) {
    if (!replaced(*entry, study) && !strings_add(out, *entry)) return false;
  }
  for (size_t i = 0; i < study->variableCount; i++) {
    const char *value = study->variables[i].value;
    strings_begin(out);
    if (!text_append_string(&out->bytes, study->variables[i].name) || !text_append_string(&out->bytes, "=") ||
        !render_text(names, value, strlen(value), &out->bytes, error, errorSize) || !strings_end(out)) {
      return false;
    }
  }
  add_own_variables(names, settings, out);
  return true;
}
