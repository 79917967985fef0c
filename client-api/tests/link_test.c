/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is opened again at once, as to a rank that came back at another address. */
#include "../src/transport_zmq.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "../src/settings.h"

enum { OPENINGS = 100 };

int main(void) {
  mlc_settings settings;
  mlc_link link;
  memset(&settings, 0, sizeof settings);
  memset(&link, 0, sizeof link);
  void *context = zmq_ctx_new();
  /* Nobody listens there, and nobody needs to. Each leaves two sockets that a thread of ZeroMQ closes when it comes to it. */
  for (int i = 0; i < OPENINGS; i++) {
    if (!mlc_link_open(&link, context, &settings, "tcp://127.0.0.1:9", "")) {
      fprintf(stderr, "FAIL opening %d: %s\n", i, zmq_strerror(zmq_errno()));
      return 1;
    }
    mlc_link_close(&link, 0);
  }
  zmq_ctx_term(context);
  printf("%d openings\n", OPENINGS);
  return 0;
}
