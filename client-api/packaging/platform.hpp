/* SPDX-License-Identifier: Apache-2.0 */
/* What libzmq's configure script would find on any Linux with glibc 2.17 or musl: written down, so that nothing is probed. */
#ifndef MELISSA_ZMQ_PLATFORM_HPP
#define MELISSA_ZMQ_PLATFORM_HPP

#define ZMQ_USE_CV_IMPL_STL11
#define ZMQ_IOTHREAD_POLLER_USE_EPOLL
#define ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC
#define ZMQ_POLL_BASED_ON_POLL
#define ZMQ_CACHELINE_SIZE 64
#define ZMQ_HAVE_CURVE
#define ZMQ_USE_LIBSODIUM
#define SODIUM_STATIC
#define ZMQ_USE_BUILTIN_SHA1
#define ZMQ_HAVE_IPC
#define ZMQ_HAVE_STRUCT_SOCKADDR_UN
#define ZMQ_HAVE_UIO
#define ZMQ_HAVE_EVENTFD
#define ZMQ_HAVE_EVENTFD_CLOEXEC
#define ZMQ_HAVE_IFADDRS
#define ZMQ_HAVE_O_CLOEXEC
#define ZMQ_HAVE_SOCK_CLOEXEC
#define ZMQ_HAVE_SO_BINDTODEVICE
#define ZMQ_HAVE_SO_PEERCRED
#define ZMQ_HAVE_SO_KEEPALIVE
#define ZMQ_HAVE_SO_PRIORITY
#define ZMQ_HAVE_TCP_KEEPCNT
#define ZMQ_HAVE_TCP_KEEPIDLE
#define ZMQ_HAVE_TCP_KEEPINTVL
#define ZMQ_HAVE_PTHREAD_SETNAME_2
#define ZMQ_HAVE_PTHREAD_SET_AFFINITY
#define ZMQ_HAVE_NOEXCEPT
#define HAVE_ACCEPT4
#define HAVE_CLOCK_GETTIME
#define HAVE_FORK
#define HAVE_IF_NAMETOINDEX
#define HAVE_MKDTEMP
#define HAVE_POSIX_MEMALIGN 1
#define HAVE_STRNLEN
/* musl has strlcpy; glibc got it in 2.38, above our floor. */
#ifndef __GLIBC__
#include <features.h>
#endif
#ifndef __GLIBC__
#define ZMQ_HAVE_STRLCPY
#endif

#endif
