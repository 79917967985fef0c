/* SPDX-License-Identifier: Apache-2.0 */
/* What all attempts of the study have in common: the contents of PilotWelcome, copied out of its frame, and the pilot's own settings. */
#ifndef MELISSA_PILOT_STUDY_H
#define MELISSA_PILOT_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The command line, with every path made absolute before the pilot enters its work directory. */
struct settings {
  char *head;
  char *tokenFile;
  char *pilot;
  char *workDirectory;
  char *curveDirectory; /* NULL: no keys */
  char *logFile;        /* NULL: stderr */
  char *manifestDirectory;
  char *executable; /* this program, started again to send a solver's files */
  unsigned slots;
  unsigned long simulationsMax; /* attempts in this pilot's life; 0: as many as the plan has */
  bool verbose;
};

struct word_list {
  char **items;
  size_t count;
};

struct study_variable {
  char *name, *value;
};

struct study_file {
  char *path, *content;
  size_t contentSize;
};

enum output_kind { OUTPUT_NPY = 1, OUTPUT_RAW = 2, OUTPUT_STDOUT = 3 };
enum dtype { DTYPE_FLOAT32 = 1, DTYPE_FLOAT64 = 2 };

struct study_output {
  char *field, *path;
  unsigned kind, dtype;
  uint64_t cells;
  uint32_t steps;
};

enum keep { KEEP_NEVER = 0, KEEP_ON_FAILURE = 1, KEEP_ALWAYS = 2 };

struct study {
  unsigned users; /* slots that run an attempt with it; a study replaced by a later PilotWelcome is freed by the last */
  char *name;
  uint32_t heartbeatMs, silenceMs;
  struct word_list parameterNames, command, launcher, preprocessing;
  struct study_variable *variables;
  size_t variableCount;
  struct study_file *files;
  size_t fileCount;
  struct study_output *outputs;
  size_t outputCount;
  uint32_t ranks;
  bool ownDirectory; /* each attempt gets a work directory */
  enum keep keep;
  char *workRoot; /* empty: the pilot's own work directory */
  size_t outputBytesMax;
  double drainSeconds;
  uint64_t seed;
};

void study_free(struct study *study);

#endif
