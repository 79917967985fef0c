/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pilot's DEALER to the head: one routing id for the life of the process, reconnecting by itself. A monitor tells
 * when a connection has been made, because every new connection begins with PilotHello. Messages are sent only while
 * connected: what must arrive is repeated by the layer above, so nothing stale is delivered late.
 */
#ifndef MELISSA_PILOT_LINK_H
#define MELISSA_PILOT_LINK_H

#include "study.h"

#include "../../src/generated/messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

struct link {
  void *context, *socket, *monitor;
  int descriptor, monitorDescriptor;
  /* The connection was refused for its key: why, as a sentence without a subject; NULL while it was not. */
  const char *refusal;
  bool hasKeys;
  const char *endpoint;
  bool wasUp;
  unsigned failedHandshakes; /* since the last that succeeded */
  uint32_t epoch; /* the newest that the head has shown */
  uint64_t lastRequest;
  mlp_buffer buffer;
};

/** False with one sentence in `error`. */
bool link_open(struct link *link, const struct settings *settings, char *error, size_t errorSize);
/** Drains the monitor; true when a connection has been made since the last call. Notes refusals in `link`. */
bool link_connected_again(struct link *link);
uint64_t link_next_request(struct link *link);
/** Encodes and sends; false when not connected. The frame stays in link->buffer until the next call. */
bool link_send(struct link *link, const mlp_shape *shape, const void *message, uint64_t request);
/** Sends an already encoded frame, after writing the present epoch into its envelope. */
bool link_send_frame(struct link *link, uint8_t *frame, size_t size);
/** Takes one message if there is one. The caller closes it. */
bool link_receive(struct link *link, zmq_msg_t *message);
void link_close(struct link *link);

#endif
