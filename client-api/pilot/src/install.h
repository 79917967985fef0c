/* SPDX-License-Identifier: Apache-2.0 */
/* `melissa-pilot --install DIR`: an init container copies the pilot to a volume that the solver's container mounts. */
#ifndef MELISSA_PILOT_INSTALL_H
#define MELISSA_PILOT_INSTALL_H

/** Copies this program to DIR/melissa-pilot, mode 0755. `words` holds DIR alone. Returns the exit code. */
int install_run(int count, char **words);

#endif
