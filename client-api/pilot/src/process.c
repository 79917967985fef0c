/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include "text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in the child of vfork: only system calls, and nothing of the parent's memory is changed but `failure`. */
static void become(const struct start_request *request, pid_t parent, volatile int *failure) {
  sigset_t none;
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  signal(SIGPIPE, SIG_DFL);
  sigemptyset(&none);
  if (dup2(request->input, 0) < 0 || dup2(request->output, 1) < 0 || dup2(request->errors, 2) < 0) goto failed;
  if (request->inherited >= 0 && fcntl(request->inherited, F_SETFD, 0) < 0) goto failed;
  if (request->directory != NULL && chdir(request->directory) < 0) goto failed;
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(request->path, request->words, request->environment);
failed:
  *failure = errno;
  _exit(127);
}

int process_start(const struct start_request *request, pid_t *processId) {
  volatile int failure = 0;
  pid_t parent = getpid();
  pid_t child = vfork();
  if (child < 0) return errno;
  if (child == 0) become(request, parent, &failure);
  if (failure != 0) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    return failure;
  }
  *processId = child;
  return 0;
}

/** Reads one process's line of /proc; false when it is gone or already dead. */
static bool read_entry(pid_t id, struct process_entry *entry) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)id);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  ssize_t size = read(descriptor, line, sizeof line - 1);
  close(descriptor);
  if (size <= 0) return false;
  line[size] = '\0';
  /* The command's name may contain anything, so the fields are counted from its last parenthesis. */
  const char *rest = strrchr(line, ')');
  char state;
  int parent, session;
  unsigned long long startTicks;
  if (rest == NULL || sscanf(rest + 1,
                             " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                             &parent, &session, &startTicks) != 4) {
    return false;
  }
  if (state == 'Z' || state == 'X') return false;
  *entry = (struct process_entry){.id = id, .parent = parent, .session = session, .startTicks = startTicks};
  return true;
}

static int by_id(const void *left, const void *right) {
  const struct process_entry *a = left, *b = right;
  return (a->id > b->id) - (a->id < b->id);
}

static pid_t top_of(const struct process_table *table, const struct process_entry *entry, pid_t root) {
  /* Bounded by the table's length: a chain of parents cannot be longer. */
  for (size_t step = 0; step <= table->count; step++) {
    if (entry->parent == root) return entry->id;
    struct process_entry key = {.id = entry->parent};
    entry = bsearch(&key, table->entries, table->count, sizeof key, by_id);
    if (entry == NULL) return 0;
  }
  return 0;
}

void process_table_read(struct process_table *table, pid_t root) {
  table->count = 0;
  DIR *directory = opendir("/proc");
  if (directory == NULL) return;
  for (struct dirent *item = readdir(directory); item != NULL; item = readdir(directory)) {
    if (!isdigit((unsigned char)item->d_name[0])) continue;
    if (table->count == table->capacity) {
      table->capacity = table->capacity == 0 ? 256 : table->capacity * 2;
      table->entries = memory_resize(table->entries, table->capacity * sizeof *table->entries);
    }
    if (read_entry((pid_t)atoi(item->d_name), &table->entries[table->count])) table->count++;
  }
  closedir(directory);
  qsort(table->entries, table->count, sizeof *table->entries, by_id);
  for (size_t i = 0; i < table->count; i++) table->entries[i].top = top_of(table, &table->entries[i], root);
  size_t kept = 0;
  for (size_t i = 0; i < table->count; i++) {
    if (table->entries[i].top != 0) table->entries[kept++] = table->entries[i];
  }
  table->count = kept;
}

void process_signal(const struct process_entry *entry, int signal) {
  int descriptor = (int)syscall(SYS_pidfd_open, entry->id, 0);
  if (descriptor < 0) {
    if (errno == ENOSYS || errno == EPERM) kill(entry->id, signal);
    return;
  }
  struct process_entry now;
  if (read_entry(entry->id, &now) && now.startTicks == entry->startTicks) {
    syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
  }
  close(descriptor);
}

bool process_variable(pid_t id, const char *name, char *value, size_t valueSize) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/environ", (int)id);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  char *entry = NULL;
  size_t capacity = 0, nameLength = strlen(name);
  bool found = false;
  while (!found && getdelim(&entry, &capacity, '\0', file) > 0) {
    if (strncmp(entry, name, nameLength) != 0 || entry[nameLength] != '=') continue;
    snprintf(value, valueSize, "%s", entry + nameLength + 1);
    found = true;
  }
  free(entry);
  fclose(file);
  return found;
}

void process_table_free(struct process_table *table) {
  free(table->entries);
  *table = (struct process_table){0};
}
