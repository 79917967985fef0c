/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer: every file of the corpus as it is, then inputs made from them by a seed. Input i of
 * seed s is the same each time and on each machine:
 *
 *   TARGET [--seed S] [--first I] [--runs N] [FILE OR FOLDER]...
 *
 * A crash, and an input that takes longer than a minute, end with its number and the words that run it alone.
 */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CORPUS_MAX = 4096, INPUT_BYTES_MAX = 16384, INPUT_SECONDS_MAX = 60, MUTATIONS_MAX = 6 };

static struct {
  uint8_t *data;
  size_t size;
} corpus[CORPUS_MAX];
static size_t corpus_count;
static const char *program;
static unsigned long long seed = 1, now;
static int is_mutated;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t state;
static uint64_t next(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
static size_t below(size_t limit) { return limit == 0 ? 0 : (size_t)(next() % limit); }

static void tell(int number) {
  char text[256];
  int size = is_mutated ? snprintf(text, sizeof text, "\nsignal %d at input %llu; again with: %s --seed %llu --first %llu --runs 1 and the same corpus\n", number,
                                   now, program, seed, now)
                        : snprintf(text, sizeof text, "\nsignal %d at file %llu of the corpus\n", number, now);
  if (write(2, text, (size_t)size) < 0) _exit(3);
  _exit(2);
}

/* Sanitizers end by abort(), which is heard here. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "abort_on_error=1"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "abort_on_error=1:print_stacktrace=1"; }

static void read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || corpus_count == CORPUS_MAX) {
    fprintf(stderr, "cannot take %s\n", path);
    exit(2);
  }
  uint8_t *data = malloc(INPUT_BYTES_MAX);
  if (data == NULL) exit(2);
  corpus[corpus_count].size = fread(data, 1, INPUT_BYTES_MAX, file);
  corpus[corpus_count].data = data;
  corpus_count++;
  fclose(file);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void read_place(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) {
    read_file(path);
    return;
  }
  static char *names[CORPUS_MAX];
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < CORPUS_MAX;) {
    if (entry->d_name[0] == '.') continue;
    size_t size = strlen(path) + strlen(entry->d_name) + 2;
    names[count] = malloc(size);
    if (names[count] == NULL) exit(2);
    snprintf(names[count++], size, "%s/%s", path, entry->d_name);
  }
  closedir(folder);
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    read_file(names[i]);
    free(names[i]);
  }
}

/* Numbers that break arithmetic. */
static const uint64_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff};

static size_t mutate(uint8_t *input, size_t size) {
  size_t at = below(size), other = below(size);
  size_t width = (size_t)1 << below(4), low = at < other ? at : other, high = at < other ? other : at;
  uint64_t number = edges[below(sizeof edges / sizeof *edges)];
  switch (below(8)) {
    case 0:
      if (size > 0) input[at] ^= (uint8_t)(1u << below(8));
      return size;
    case 1:
      if (size > 0) input[at] = (uint8_t)next();
      return size;
    case 2:
      for (size_t i = 0; i < width && at + i < size; i++) input[at + i] = (uint8_t)(number >> (8 * i));
      return size;
    case 3:
      return at; /* cut */
    case 4: { /* longer */
      size_t more = below(64);
      if (more > INPUT_BYTES_MAX - size) more = INPUT_BYTES_MAX - size;
      for (size_t i = 0; i < more; i++) input[size + i] = (uint8_t)next();
      return size + more;
    }
    case 5: /* a part gone */
      memmove(input + low, input + high, size - high);
      return size - (high - low);
    case 6: { /* a part twice */
      size_t part = high - low;
      if (part > INPUT_BYTES_MAX - size) part = INPUT_BYTES_MAX - size;
      memmove(input + low + part, input + low, size - low);
      return size + part;
    }
    default: { /* the end of another */
      if (corpus_count == 0) return size;
      size_t which = below(corpus_count), from = below(corpus[which].size), part = corpus[which].size - from;
      if (part > INPUT_BYTES_MAX - at) part = INPUT_BYTES_MAX - at;
      memcpy(input + at, corpus[which].data + from, part);
      return at + part;
    }
  }
}

static size_t make(uint8_t *input) {
  state = (seed << 40) ^ (now * 0x9e3779b97f4a7c15ull);
  size_t size = 0;
  if (corpus_count > 0 && below(16) != 0) {
    size_t which = below(corpus_count);
    size = corpus[which].size;
    memcpy(input, corpus[which].data, size);
  } else {
    size = below(512);
    for (size_t i = 0; i < size; i++) input[i] = (uint8_t)next();
  }
  for (size_t count = below(MUTATIONS_MAX); count > 0; count--) size = mutate(input, size);
  return size;
}

static void run(const uint8_t *input, size_t size) {
  /* Memory of its own size, so that a sanitizer sees a read beyond the end. */
  uint8_t *copy = malloc(size > 0 ? size : 1);
  if (copy == NULL) exit(2);
  memcpy(copy, input, size);
  alarm(INPUT_SECONDS_MAX);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

int main(int count, char **words) {
  static uint8_t input[INPUT_BYTES_MAX];
  unsigned long long first = 0, runs = 100000;
  program = words[0];
  for (int i = 1; i < count; i++) {
    unsigned long long *number = strcmp(words[i], "--seed") == 0 ? &seed : strcmp(words[i], "--first") == 0 ? &first : strcmp(words[i], "--runs") == 0 ? &runs : NULL;
    if (number != NULL && i + 1 < count) *number = strtoull(words[++i], NULL, 10);
    else read_place(words[i]);
  }
  const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], tell);
  for (now = 0; now < corpus_count; now++) run(corpus[now].data, corpus[now].size);
  is_mutated = 1;
  for (now = first; now < first + runs; now++) run(input, make(input));
  printf("%zu files of the corpus and %llu inputs of seed %llu: nothing found\n", corpus_count, runs, seed);
  for (size_t i = 0; i < corpus_count; i++) free(corpus[i].data);
  return 0;
}
