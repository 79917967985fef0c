/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include <stdio.h>
#include <string.h>

static bool starts_name(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
static bool continues_name(char c) { return starts_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

/** Length of the name at `source`, if it is one and a closing brace follows; 0 otherwise. */
static size_t name_length(const char *source, size_t size) {
  if (size == 0 || !starts_name(source[0])) return 0;
  size_t length = 1;
  while (length < size && continues_name(source[length])) length++;
  return length < size && source[length] == '}' ? length : 0;
}

bool template_render(const char *source, size_t size, template_lookup lookup, void *context, struct text *out,
                     char *error, size_t errorSize) {
  size_t at = 0;
  bool fits = true;
  while (at < size && fits) {
    char c = source[at];
    if (c != '{' && c != '}') {
      size_t plain = at;
      while (plain < size && source[plain] != '{' && source[plain] != '}') plain++;
      fits = text_append(out, source + at, plain - at);
      at = plain;
    } else if (at + 1 < size && source[at + 1] == c) {
      fits = text_append(out, &c, 1);
      at += 2;
    } else {
      size_t length = c == '{' ? name_length(source + at + 1, size - at - 1) : 0;
      if (length == 0) {
        fits = text_append(out, &c, 1);
        at += 1;
        continue;
      }
      const char *value = lookup(context, source + at + 1, length);
      if (value == NULL) {
        snprintf(error, errorSize, "the template \"{%.*s}\" names no parameter that has a value here; write {{%.*s}} for the text itself",
                 (int)(length > 200 ? 200 : length), source + at + 1, (int)(length > 200 ? 200 : length), source + at + 1);
        return false;
      }
      fits = text_append_string(out, value);
      at += length + 2;
    }
  }
  if (!fits) snprintf(error, errorSize, "a rendered template is larger than the pilot allows");
  return fits;
}
