/* SPDX-License-Identifier: Apache-2.0 */
#include "study.h"

#include <stdlib.h>

static void free_words(struct word_list *words) {
  for (size_t i = 0; i < words->count; i++) free(words->items[i]);
  free(words->items);
}

void study_free(struct study *study) {
  free(study->name);
  free(study->workRoot);
  free_words(&study->parameterNames);
  free_words(&study->command);
  free_words(&study->launcher);
  free_words(&study->preprocessing);
  for (size_t i = 0; i < study->variableCount; i++) {
    free(study->variables[i].name);
    free(study->variables[i].value);
  }
  free(study->variables);
  for (size_t i = 0; i < study->fileCount; i++) {
    free(study->files[i].path);
    free(study->files[i].content);
  }
  free(study->files);
  for (size_t i = 0; i < study->outputCount; i++) {
    free(study->outputs[i].field);
    free(study->outputs[i].path);
  }
  free(study->outputs);
  *study = (struct study){0};
}
