/* SPDX-License-Identifier: Apache-2.0 */
/* See greeting.h. The greeting: ZMTP 3.0 (rfc.zeromq.org/spec/23), 64 bytes, the mechanism's name in bytes 12 to 31. */
#define _POSIX_C_SOURCE 200809L
#include "greeting.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 500
#define NAME_AT 12
#define NAME_END 32

static int milliseconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int)((now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* Waits for `what` until ANSWER_MS after `start`; 1 or 0. */
static int wait_for(int socket_fd, short what, const struct timespec *start) {
  struct pollfd one = {.fd = socket_fd, .events = what};
  int left_ms;
  while ((left_ms = ANSWER_MS - milliseconds_since(start)) > 0) {
    int ready = poll(&one, 1, left_ms);
    if (ready > 0) return 1;
    if (ready < 0 && errno != EINTR) return 0;
  }
  return 0;
}

static int connect_to(const char *endpoint, const struct timespec *start) {
  char host[256], port[8];
  if (sscanf(endpoint, "tcp://[%255[^]]]:%7[0-9]", host, port) != 2 && sscanf(endpoint, "tcp://%255[^:]:%7[0-9]", host, port) != 2) return -1;
  struct addrinfo wanted, *found = NULL;
  memset(&wanted, 0, sizeof wanted);
  wanted.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, port, &wanted, &found) != 0) return -1;
  int socket_fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol), problem = 0;
  socklen_t size = sizeof problem;
  int is_connected = socket_fd >= 0 && fcntl(socket_fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(socket_fd, F_SETFL, O_NONBLOCK) == 0 &&
                     (connect(socket_fd, found->ai_addr, found->ai_addrlen) == 0 ||
                      (errno == EINPROGRESS && wait_for(socket_fd, POLLOUT, start) &&
                       getsockopt(socket_fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0));
  freeaddrinfo(found);
  if (is_connected) return socket_fd;
  if (socket_fd >= 0) (void)close(socket_fd);
  return -1;
}

mlc_mechanism mlc_mechanism_of(const char *endpoint) {
  static const unsigned char half[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
  unsigned char greeting[NAME_END];
  size_t known = 0;
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  int socket_fd = connect_to(endpoint, &start);
  if (socket_fd < 0) return MLC_MECHANISM_UNKNOWN;
  if (send(socket_fd, half, sizeof half, MSG_NOSIGNAL) == (ssize_t)sizeof half) {
    while (known < sizeof greeting && wait_for(socket_fd, POLLIN, &start)) {
      ssize_t count = recv(socket_fd, greeting + known, sizeof greeting - known, 0);
      if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) break;
      if (count > 0) known += (size_t)count;
    }
  }
  (void)close(socket_fd);
  if (known < sizeof greeting || greeting[0] != 0xff || greeting[9] != 0x7f) return MLC_MECHANISM_UNKNOWN;
  if (memcmp(greeting + NAME_AT, "CURVE", 6) == 0) return MLC_MECHANISM_CURVE;
  return memcmp(greeting + NAME_AT, "NULL", 5) == 0 ? MLC_MECHANISM_NULL : MLC_MECHANISM_UNKNOWN;
}
