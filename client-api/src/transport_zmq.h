/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets: one DEALER to a ROUTER, with a monitor that tells when the connection comes and goes. Everything here belongs to
 * one I/O thread. Another transport would offer the same calls.
 */
#ifndef MELISSA_TRANSPORT_ZMQ_H
#define MELISSA_TRANSPORT_ZMQ_H

#include <stddef.h>
#include <stdint.h>

#include "pool.h"
#include "settings.h"

typedef struct mlc_link {
  void *context;
  void *socket; /* NULL: closed */
  void *monitor;
  int connected;
  int is_refused; /* the peer does not take our key, or wants one, or takes none */
  int is_asked;   /* for its mechanism; once in the life of a link */
  uint32_t failed_handshakes; /* since the last that succeeded */
  uint32_t openings;
  uint8_t routing_id[16];
} mlc_link;

/** Connects. `server_key` (Z85) may be empty; then the key of the settings is used if there is one. 1 or 0. */
int mlc_link_open(mlc_link *link, void *context, const mlc_settings *settings, const char *endpoint, const char *server_key);
/** Drops what is queued, or gives it `linger_ms` to leave. */
void mlc_link_close(mlc_link *link, int linger_ms);
/** Copies a small frame into the queue; 1, or 0 if it cannot be taken now. */
int mlc_link_send_copy(mlc_link *link, const void *frame, size_t size);
/** Sends part of a slab without a copy; holds the slab until it has left. A place in a ring is committed instead, the first time. */
int mlc_link_send_slab(mlc_link *link, mlc_slab *slab, size_t offset, size_t size);

typedef enum mlc_link_event { MLC_LINK_NOTHING, MLC_LINK_UP, MLC_LINK_DOWN } mlc_link_event;
/** Why the keys of the settings do not fit the peer, in one sentence without a subject. For `is_refused`. */
const char *mlc_link_refusal(const mlc_link *link, const mlc_settings *settings);
/** After handshakes that failed without a reason: asks the peer, once, whether it wants what the settings offer. 1: it does not. For how long: greeting.h. */
int mlc_link_ask_mechanism(mlc_link *link, const mlc_settings *settings, const char *endpoint);
/** The next change of the connection. */
mlc_link_event mlc_link_watch(mlc_link *link);
/** Receives one frame into `message` (a zmq_msg_t that the caller initialised); 1 or 0. Frames of several parts are dropped. */
int mlc_link_receive(mlc_link *link, void *message);

#endif
