/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting processes and ending all that they leave behind. Each solver leads a session of its own and dies with the
 * pilot (parent-death signal). The pilot is a child subreaper, so a process that a solver forks away becomes the
 * pilot's own child: descendants are found by parenthood in /proc, never by name.
 */
#ifndef MELISSA_PILOT_PROCESS_H
#define MELISSA_PILOT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct start_request {
  const char *path; /* of the executable */
  char *const *words;
  char *const *environment;
  const char *directory; /* NULL: the pilot's own */
  int input, output, errors;
  int inherited; /* one more descriptor the process gets under the same number; -1 for none */
};

/**
 * Starts a process with vfork, which copies no page tables: the cost does not depend on the pilot's size. Returns 0, or the
 * errno of the call that failed (of chdir or exec in the child as well).
 */
int process_start(const struct start_request *request, pid_t *processId);

struct process_entry {
  pid_t id, parent, session;
  pid_t top; /* the child of the pilot that it descends from, or itself; 0 for a stranger */
  unsigned long long startTicks; /* tells a process from a later one with the same id */
};

struct process_table {
  struct process_entry *entries;
  size_t count, capacity;
};

/** Reads the descendants of `root` from /proc, zombies left out. Reuses the table's memory. */
void process_table_read(struct process_table *table, pid_t root);
/** Sends a signal to that very process: a process id used again by a stranger is never hit. */
void process_signal(const struct process_entry *entry, int signal);
/** Reads variable `name` out of the process's initial environment; false when it is not there or may not be read. */
bool process_variable(pid_t id, const char *name, char *value, size_t valueSize);
void process_table_free(struct process_table *table);

#endif
