/* SPDX-License-Identifier: Apache-2.0 */
/* The older name of <melissa/api.h>. */
#include "melissa/api.h"
