/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `melissa-pilot --send-outputs`: the client of a solver that has none. The pilot starts it in the attempt's environment
 * when the solver has exited with 0; it reads the solver's files and sends them through libmelissa like any one-rank
 * solver. A process of its own, because sending waits for the server and the pilot must not.
 */
#ifndef MELISSA_PILOT_SENDER_H
#define MELISSA_PILOT_SENDER_H

/** `words`: six for each output: field, kind (npy, raw), path, cells, dtype, steps. Says on stdout what is wrong. */
int sender_run(int count, char *const *words);

#endif
