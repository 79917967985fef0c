/* SPDX-License-Identifier: Apache-2.0 */
/* See transport_zmq.h. */
#include "transport_zmq.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "greeting.h"
#include "ring.h"

/* A dead connection (no FIN, no RST: a pulled cable) is noticed after two silent intervals. */
#define HEARTBEAT_INTERVAL_MS 5000
#define HEARTBEAT_TIMEOUT_MS 15000
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 2000
#define HANDSHAKE_MS 10000
/* The address of a pod that was replaced answers nothing: the name is to be looked up again, not after the kernel's two minutes. */
#define CONNECT_MS 3000
/* Above the largest control frame of the head. */
#define RECEIVE_BYTES_MAX ((int64_t)64 * 1024 * 1024)

static int set_int(void *socket, int option, int value) { return zmq_setsockopt(socket, option, &value, sizeof value) == 0; }

static int set_curve(void *socket, const mlc_settings *settings, const char *server_key) {
  if (!settings->has_curve) return 1;
  const char *key = server_key[0] != '\0' ? server_key : settings->curve_server;
  return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key, 41) == 0 && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, settings->curve_public, 41) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, settings->curve_secret, 41) == 0;
}

static int set_all(mlc_link *link, const mlc_settings *settings, const char *server_key) {
  int64_t receive_max = RECEIVE_BYTES_MAX;
  /* No high-water mark: what is queued is bounded by the send window, in bytes, and by the few control requests. */
  return set_int(link->socket, ZMQ_SNDHWM, 0) && set_int(link->socket, ZMQ_LINGER, 0) && set_int(link->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
         set_int(link->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) && set_int(link->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) && set_int(link->socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
         set_int(link->socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_INTERVAL_MS) && set_int(link->socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
         set_int(link->socket, ZMQ_IPV6, 1) && zmq_setsockopt(link->socket, ZMQ_MAXMSGSIZE, &receive_max, sizeof receive_max) == 0 &&
         zmq_setsockopt(link->socket, ZMQ_ROUTING_ID, link->routing_id, sizeof link->routing_id) == 0 && set_curve(link->socket, settings, server_key);
}

static int open_monitor(mlc_link *link) {
  /* A name is free again only when a thread of ZeroMQ has ended the monitor before: each has its own. */
  char address[80];
  snprintf(address, sizeof address, "inproc://melissa-monitor-%p-%" PRIu32, (void *)link, ++link->openings);
  int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  if (zmq_socket_monitor(link->socket, address, events) != 0) return 0;
  link->monitor = zmq_socket(link->context, ZMQ_PAIR);
  return link->monitor != NULL && set_int(link->monitor, ZMQ_LINGER, 0) && zmq_connect(link->monitor, address) == 0;
}

int mlc_link_open(mlc_link *link, void *context, const mlc_settings *settings, const char *endpoint, const char *server_key) {
  if (link->routing_id[0] == 0) {
    mlc_random(link->routing_id, sizeof link->routing_id);
    link->routing_id[0] |= 1; /* ids that begin with 0 belong to ZeroMQ */
  }
  link->context = context;
  link->connected = 0;
  link->monitor = NULL;
  link->socket = zmq_socket(context, ZMQ_DEALER);
  if (link->socket == NULL) return 0;
  if (set_all(link, settings, server_key) && open_monitor(link) && zmq_connect(link->socket, endpoint) == 0) return 1;
  mlc_link_close(link, 0);
  return 0;
}

void mlc_link_close(mlc_link *link, int linger_ms) {
  if (link->socket != NULL) {
    (void)zmq_socket_monitor(link->socket, NULL, 0);
    (void)set_int(link->socket, ZMQ_LINGER, linger_ms);
    (void)zmq_close(link->socket);
  }
  if (link->monitor != NULL) (void)zmq_close(link->monitor);
  link->socket = link->monitor = NULL;
  link->connected = 0;
}

int mlc_link_send_copy(mlc_link *link, const void *frame, size_t size) { return zmq_send(link->socket, frame, size, ZMQ_DONTWAIT) >= 0; }

static void release_slab(void *data, void *hint) {
  (void)data;
  mlc_slab_drop(hint);
}

int mlc_link_send_slab(mlc_link *link, mlc_slab *slab, size_t offset, size_t size) {
  zmq_msg_t message;
  if (slab->ring != NULL) {
    mlc_commit done = mlc_ring_commit(slab);
    if (done != MLC_COMMIT_NEVER) return done == MLC_COMMITTED;
  }
  mlc_slab_hold(slab);
  if (zmq_msg_init_data(&message, slab->data + offset, size, release_slab, slab) != 0) {
    mlc_slab_drop(slab);
    return 0;
  }
  if (zmq_msg_send(&message, link->socket, ZMQ_DONTWAIT) >= 0) return 1;
  (void)zmq_msg_close(&message); /* drops the slab */
  return 0;
}

/* One side speaks CURVE, the other does not. */
enum { REFUSED_KEY = 1, REFUSED_MECHANISM = 2 };

const char *mlc_link_refusal(const mlc_link *link, const mlc_settings *settings) {
  if (link->is_refused == REFUSED_KEY) return "refuses this client's key; check MELISSA_CURVE_DIR";
  return settings->has_curve ? "does not use keys, but MELISSA_CURVE_DIR gives this client some; unset it"
                             : "wants a key, and this client has none; set MELISSA_CURVE_DIR to the folder with client.key, client.pub and server.pub";
}

int mlc_link_ask_mechanism(mlc_link *link, const mlc_settings *settings, const char *endpoint) {
  if (link->is_asked) return link->is_refused;
  link->is_asked = 1;
  mlc_mechanism mechanism = mlc_mechanism_of(endpoint);
  if (mechanism == (settings->has_curve ? MLC_MECHANISM_NULL : MLC_MECHANISM_CURVE)) link->is_refused = REFUSED_MECHANISM;
  return link->is_refused;
}

mlc_link_event mlc_link_watch(mlc_link *link) {
  if (link->monitor == NULL) return MLC_LINK_NOTHING;
  zmq_msg_t message;
  zmq_msg_init(&message);
  if (zmq_msg_recv(&message, link->monitor, ZMQ_DONTWAIT) < 0) {
    zmq_msg_close(&message);
    return MLC_LINK_NOTHING;
  }
  uint16_t event = 0;
  uint32_t value = 0;
  if (zmq_msg_size(&message) >= 6) {
    memcpy(&event, zmq_msg_data(&message), 2);
    memcpy(&value, (const char *)zmq_msg_data(&message) + 2, 4);
  }
  while (zmq_msg_more(&message)) {
    zmq_msg_close(&message);
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, link->monitor, 0) < 0) break;
  }
  zmq_msg_close(&message);
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    link->connected = 1;
    link->failed_handshakes = 0;
    return MLC_LINK_UP;
  }
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) link->is_refused = REFUSED_KEY;
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL && value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) link->is_refused = REFUSED_MECHANISM;
  if (event != ZMQ_EVENT_DISCONNECTED) link->failed_handshakes += 1;
  link->connected = 0;
  return MLC_LINK_DOWN;
}

int mlc_link_receive(mlc_link *link, void *message) {
  for (;;) {
    if (zmq_msg_recv(message, link->socket, ZMQ_DONTWAIT) < 0) return 0;
    if (!zmq_msg_more(message)) return 1;
    do {
      if (zmq_msg_recv(message, link->socket, ZMQ_DONTWAIT) < 0) return 0;
    } while (zmq_msg_more(message));
  }
}
