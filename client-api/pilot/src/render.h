/* SPDX-License-Identifier: Apache-2.0 */
/* From the study's templates and one lease's values to the words, variables and files of one attempt. */
#ifndef MELISSA_PILOT_RENDER_H
#define MELISSA_PILOT_RENDER_H

#include "study.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A lease with this simulation starts a solver that leases its simulations itself. */
#define LOOP_SIMULATION 0xffffffffu

struct lease {
  uint64_t id;
  uint32_t simulation, group, firstStep, timeoutMs;
  uint16_t draw, attempt, member;
  uint8_t returnedAs; /* outcome with which a lease that was never started goes back */
  char *values; /* joined by U+001F, owned */
};

/** Values of one lease as templates see them. */
struct names {
  const struct study *study;
  const struct lease *lease;
  struct strings values; /* in the order of study->parameterNames */
  char simulation[12], group[12], member[8], draw[8], attempt[8], seed[12], ranks[12];
};

/** Splits the lease's values. False with a sentence when they do not match the study's parameters. */
bool names_set(struct names *names, const struct study *study, const struct lease *lease, char *error, size_t errorSize);
void names_free(struct names *names);

/** 32 bits from the study's seed, the simulation and its draw: the upper half of SplitMix64 of their mix. */
uint32_t simulation_seed(uint64_t studySeed, uint32_t simulation, uint16_t draw);

bool render_text(struct names *names, const char *source, size_t size, struct text *out, char *error, size_t errorSize);
bool render_words(struct names *names, const struct word_list *words, struct strings *out, char *error, size_t errorSize);
/** The inherited environment, then the study's variables, then ours; a later one replaces an earlier. */
bool render_environment(struct names *names, const struct settings *settings, struct strings *out, char *error,
                        size_t errorSize);

#endif
