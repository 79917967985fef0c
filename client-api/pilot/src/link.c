/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include "../../src/greeting.h"
#include "limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* A head that is gone without a word (power cut) is noticed by the transport after 15 s, and reconnecting begins. */
enum { TRANSPORT_PING_MS = 5000, TRANSPORT_SILENCE_MS = 15000, RECONNECT_MS = 100, RECONNECT_MAX_MS = 2000, CONNECT_MS = 3000 };
enum { HANDSHAKE_FAILED = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL };

static bool read_key(const char *folder, const char *name, char key[41], char *error, size_t errorSize) {
  char path[4352];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "re");
  size_t size = file == NULL ? 0 : fread(key, 1, 40, file);
  if (file != NULL) fclose(file);
  key[size < 40 ? size : 40] = '\0';
  if (size != 40) snprintf(error, errorSize, "%.300s: %s", path, file == NULL ? strerror(errno) : "does not begin with a Z85 key of 40 characters");
  return size == 40;
}

static bool use_keys(struct link *link, const char *folder, char *error, size_t errorSize) {
  char server[41], ownPublic[41], ownSecret[41];
  if (!read_key(folder, "server.pub", server, error, errorSize) ||
      !read_key(folder, "client.pub", ownPublic, error, errorSize) ||
      !read_key(folder, "client.key", ownSecret, error, errorSize)) {
    return false;
  }
  bool ok = zmq_setsockopt(link->socket, ZMQ_CURVE_SERVERKEY, server, 41) == 0 &&
            zmq_setsockopt(link->socket, ZMQ_CURVE_PUBLICKEY, ownPublic, 41) == 0 &&
            zmq_setsockopt(link->socket, ZMQ_CURVE_SECRETKEY, ownSecret, 41) == 0;
  link->hasKeys = ok;
  if (!ok) snprintf(error, errorSize, "the keys in %.200s are not usable: %s", folder, zmq_strerror(errno));
  return ok;
}

static void set_int(void *socket, int option, int value) { zmq_setsockopt(socket, option, &value, sizeof value); }

static int descriptor_of(void *socket) {
  int descriptor = -1;
  size_t size = sizeof descriptor;
  zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size);
  return descriptor;
}

bool link_open(struct link *link, const struct settings *settings, char *error, size_t errorSize) {
  *link = (struct link){.context = zmq_ctx_new(), .endpoint = settings->head};
  link->socket = link->context == NULL ? NULL : zmq_socket(link->context, ZMQ_DEALER);
  if (link->socket == NULL) {
    snprintf(error, errorSize, "cannot make a socket: %s", zmq_strerror(errno));
    return false;
  }
  uint8_t routingId[16];
  if (getrandom(routingId, sizeof routingId, 0) != (ssize_t)sizeof routingId) {
    snprintf(error, errorSize, "no random numbers: %s", strerror(errno));
    return false;
  }
  routingId[0] |= 1; /* ids that begin with 0 belong to ZeroMQ */
  zmq_setsockopt(link->socket, ZMQ_ROUTING_ID, routingId, sizeof routingId);
  set_int(link->socket, ZMQ_IMMEDIATE, 1);
  set_int(link->socket, ZMQ_LINGER, LINGER_MS);
  set_int(link->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
  set_int(link->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
  /* The address of a pod that was replaced answers nothing: the name is to be looked up again, not after the kernel's two minutes. */
  set_int(link->socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS);
  set_int(link->socket, ZMQ_HEARTBEAT_IVL, TRANSPORT_PING_MS);
  set_int(link->socket, ZMQ_HEARTBEAT_TIMEOUT, TRANSPORT_SILENCE_MS);
  /* Room for every Ended that may be unconfirmed, and as much again for what passes beside them. */
  set_int(link->socket, ZMQ_SNDHWM, 2 * UNCONFIRMED_MAX);
  set_int(link->socket, ZMQ_RCVHWM, 2 * UNCONFIRMED_MAX);
  int64_t sizeMax = MLP_CONTROL_FRAME_BYTES_MAX;
  zmq_setsockopt(link->socket, ZMQ_MAXMSGSIZE, &sizeMax, sizeof sizeMax);
  if (settings->curveDirectory != NULL && !use_keys(link, settings->curveDirectory, error, errorSize)) return false;
  if (zmq_socket_monitor(link->socket, "inproc://pilot-monitor", ZMQ_EVENT_HANDSHAKE_SUCCEEDED | HANDSHAKE_FAILED) < 0 ||
      (link->monitor = zmq_socket(link->context, ZMQ_PAIR)) == NULL ||
      zmq_connect(link->monitor, "inproc://pilot-monitor") < 0) {
    snprintf(error, errorSize, "cannot watch the connection: %s", zmq_strerror(errno));
    return false;
  }
  set_int(link->monitor, ZMQ_LINGER, 0);
  if (zmq_connect(link->socket, settings->head) < 0) {
    snprintf(error, errorSize, "cannot use the address \"%.300s\": %s", settings->head, zmq_strerror(errno));
    return false;
  }
  link->descriptor = descriptor_of(link->socket);
  link->monitorDescriptor = descriptor_of(link->monitor);
  return true;
}

static void refused_for_mechanism(struct link *link) {
  link->refusal = link->hasKeys ? "does not use keys, but --curve-dir gives this pilot some; leave it out"
                                : "wants a key, and this pilot has none; give --curve-dir";
}

/** True when the event says that a connection has been made. */
static bool take_event(struct link *link, const uint8_t *bytes) {
  uint16_t event;
  uint32_t value;
  memcpy(&event, bytes, sizeof event);
  memcpy(&value, bytes + sizeof event, sizeof value);
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    link->refusal = NULL;
    link->failedHandshakes = 0;
    link->wasUp = true;
    return true;
  }
  link->failedHandshakes += 1;
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) link->refusal = "refuses this pilot's key; check --curve-dir";
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL && value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
    refused_for_mechanism(link);
  }
  /* Twice no reason was given: the head is asked, once, since one that dies in a handshake looks the same. */
  if (link->refusal == NULL && !link->wasUp && link->failedHandshakes == 2 &&
      mlc_mechanism_of(link->endpoint) == (link->hasKeys ? MLC_MECHANISM_NULL : MLC_MECHANISM_CURVE)) {
    refused_for_mechanism(link);
  }
  return false;
}

bool link_connected_again(struct link *link) {
  bool connected = false;
  /* Each event is two frames: its number and value, and an address that is of no use here. */
  for (bool isEvent = true;;) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, link->monitor, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&frame);
      return connected;
    }
    if (isEvent && zmq_msg_size(&frame) >= 6 && take_event(link, zmq_msg_data(&frame))) connected = true;
    isEvent = !zmq_msg_more(&frame);
    zmq_msg_close(&frame);
  }
}

uint64_t link_next_request(struct link *link) { return ++link->lastRequest; }

static bool send_bytes(struct link *link, const void *bytes, size_t size) {
  if (zmq_send(link->socket, bytes, size, ZMQ_DONTWAIT) >= 0) return true;
  /* A connection just made is known to the socket only after it has looked at its mailbox. */
  uint32_t events = 0;
  size_t eventsSize = sizeof events;
  zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &eventsSize);
  return zmq_send(link->socket, bytes, size, ZMQ_DONTWAIT) >= 0;
}

bool link_send(struct link *link, const mlp_shape *shape, const void *message, uint64_t request) {
  if (mlp_encode_control(&link->buffer, shape, message, link->epoch, request) != MLP_OK) return false;
  return send_bytes(link, link->buffer.data, link->buffer.size);
}

bool link_send_frame(struct link *link, uint8_t *frame, size_t size) {
  for (unsigned i = 0; i < 4; i++) frame[8 + i] = (uint8_t)(link->epoch >> (8 * i));
  return send_bytes(link, frame, size);
}

bool link_receive(struct link *link, zmq_msg_t *message) {
  for (;;) {
    zmq_msg_init(message);
    if (zmq_msg_recv(message, link->socket, ZMQ_DONTWAIT) >= 0) return true;
    int reason = errno;
    zmq_msg_close(message);
    if (reason != EINTR) return false;
  }
}

void link_close(struct link *link) {
  if (link->monitor != NULL) {
    zmq_socket_monitor(link->socket, NULL, 0);
    zmq_close(link->monitor);
  }
  if (link->socket != NULL) zmq_close(link->socket);
  if (link->context != NULL) zmq_ctx_term(link->context);
  mlp_buffer_free(&link->buffer);
}
