/* SPDX-License-Identifier: Apache-2.0 */
/* Between compat.c and the MPI entries: what a call that returns nothing does with a status. */
#ifndef MELISSA_COMPAT_H
#define MELISSA_COMPAT_H

#include "melissa.h"

/** Remembers the status; tells an error on stderr once; aborts if MELISSA_ON_ERROR=abort. */
void mlc_report(const char *call, melissa_status status);

#endif
