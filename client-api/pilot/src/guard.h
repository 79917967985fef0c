/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard is the process that the backend starts; the pilot proper is its child. The guard does nothing but wait, pass
 * signals on, and, when the pilot was killed, end every process that is left: a killed pilot leaves no solver behind. When
 * the guard is killed, the pilot is told by its parent-death signal and does the same. As process 1 of a container the
 * guard reaps strays.
 */
#ifndef MELISSA_PILOT_GUARD_H
#define MELISSA_PILOT_GUARD_H

/** Returns in the pilot proper with -1; in the guard, when all is over, with the exit code. */
int guard_begin(void);

#endif
