/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes on purpose, so that the test of the sanitizers knows that it would see them. Argument: leak, overrun or race. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void *add(void *unused) {
  (void)unused;
  for (int i = 0; i < 100000; i++) shared++;
  return NULL;
}

int main(int count, char **words) {
  if (count < 2) return 2;
  volatile char *bytes = malloc(100);
  if (bytes == NULL) return 2;
  if (strcmp(words[1], "overrun") == 0) bytes[strlen(words[1]) + 100] = 1;
  if (strcmp(words[1], "race") == 0) {
    pthread_t other;
    if (pthread_create(&other, NULL, add, NULL) != 0) return 2;
    add(NULL);
    pthread_join(other, NULL);
  }
  if (strcmp(words[1], "leak") != 0) free((void *)bytes);
  bytes = NULL;
  return 0;
}
