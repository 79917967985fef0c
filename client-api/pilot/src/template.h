/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of command, arguments, environment, files and preprocessing: `{name}` becomes the value of that name,
 * `{{` and `}}` become single braces. A brace that does not enclose a name stays as it is, so that most input files need
 * no escapes; a name that nobody knows is an error, so that a misspelt parameter never reaches a solver.
 */
#ifndef MELISSA_PILOT_TEMPLATE_H
#define MELISSA_PILOT_TEMPLATE_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>

/** Returns the value of `name`, or NULL when there is none. The string lives at least until the rendering is done. */
typedef const char *(*template_lookup)(void *context, const char *name, size_t nameLength);

/** Appends `source` rendered to `out`. On failure writes one sentence to `error` and returns false. */
bool template_render(const char *source, size_t size, template_lookup lookup, void *context, struct text *out,
                     char *error, size_t errorSize);

#endif
