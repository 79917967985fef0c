/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MELISSA_GREETING_H
#define MELISSA_GREETING_H

/** How a ZeroMQ server lets peers in, as its greeting says. */
typedef enum mlc_mechanism { MLC_MECHANISM_UNKNOWN, MLC_MECHANISM_NULL, MLC_MECHANISM_CURVE } mlc_mechanism;

/**
 * Asks the server at "tcp://host:port" which mechanism it wants. ZeroMQ's own sockets often close before the other side has
 * read that, so that neither knows why they part; one who greets only by half is answered for certain.
 *
 * Waits 500 ms at most, and as long as the look-up of a host name takes: getaddrinfo has no limit but the resolver's own (by default
 * 5 s × 2 tries for each name server, `options` in resolv.conf). It is asked only when ZeroMQ has just looked up the same name and connected
 * twice, and by callers that have nothing else to do: no head has ever answered them.
 */
mlc_mechanism mlc_mechanism_of(const char *endpoint);

#endif
