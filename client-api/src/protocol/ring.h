/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring that a client rank and a server rank on one machine share: layout of the memory and of the records in it. The words are those of
 * PROTOCOL.md, "Shared memory on one host". Used by the C client (ring.c) and by the rank's engine (server/native/src/io/rings.cpp).
 */
#ifndef MELISSA_PROTOCOL_RING_H
#define MELISSA_PROTOCOL_RING_H

#include <stdint.h>
#include <stdio.h>
#ifdef __cplusplus
extern "C" {
#endif

#define MLP_RING_MAGIC 0x52534c4du /* 'MLSR' */
#define MLP_RING_VERSION 1u
/** The name of the memory, as /proc shows it: a client maps nothing else. */
#define MLP_RING_NAME "melissa-ring"
#define MLP_RING_LINK "/memfd:" MLP_RING_NAME
/** Data begins behind the header; records and their values are aligned to cache lines. */
#define MLP_RING_HEADER_BYTES 4096u
#define MLP_RING_RECORD_BYTES 64u
#define MLP_RING_TEXT_BYTES 160

typedef struct mlp_ring_header {
  uint32_t magic;
  uint32_t version;
  uint64_t cookie;
  uint64_t capacity; /* bytes of data, a multiple of 64 */
  uint8_t unused0[40];
  uint64_t head; /* the client's: all records before it are committed */
  uint8_t unused1[56];
  uint64_t tail; /* the rank's: all records before it are folded or held elsewhere, their place is free */
  uint8_t unused2[56];
  uint32_t waits;    /* the rank's: it sleeps and wants the bell; who rings takes it back */
  uint32_t attached; /* the client's: it has mapped the ring and holds the lock of the file */
  uint32_t closed;   /* either's: nothing that is not read yet will be */
  uint32_t unused3;
} mlp_ring_header;

typedef enum mlp_ring_kind { MLP_RING_FRAME = 1, MLP_RING_SKIP = 2 } mlp_ring_kind;

/** Before every frame; positions only grow, the place of a position is its remainder by the capacity. No record goes round the end. */
typedef struct mlp_ring_record {
  uint64_t span;  /* bytes to the next record */
  uint64_t bytes; /* of the frame, which begins 64 bytes after the record; 0 for SKIP */
  uint32_t kind;
  uint32_t unused;
} mlp_ring_record;

/** What Opened.ring says. */
typedef struct mlp_ring_offer {
  uint32_t process; /* of the rank, in its own process namespace */
  uint32_t memory;  /* file descriptors of that process */
  uint32_t bell;
  uint64_t capacity;
  uint64_t cookie;
} mlp_ring_offer;

static inline uint64_t mlp_ring_place(uint64_t frame_bytes) { return MLP_RING_RECORD_BYTES + ((frame_bytes + 63u) & ~(uint64_t)63u); }

static inline int mlp_ring_offer_print(char *text, const mlp_ring_offer *offer) {
  return snprintf(text, MLP_RING_TEXT_BYTES, "%u %u %u %u %llu %016llx", MLP_RING_VERSION, offer->process, offer->memory, offer->bell, (unsigned long long)offer->capacity,
                  (unsigned long long)offer->cookie);
}

/** 1, or 0 for another version or anything else. */
static inline int mlp_ring_offer_parse(const char *text, mlp_ring_offer *offer) {
  unsigned version = 0;
  unsigned long long capacity = 0, cookie = 0;
  if (sscanf(text, "%u %u %u %u %llu %llx", &version, &offer->process, &offer->memory, &offer->bell, &capacity, &cookie) != 6) return 0;
  offer->capacity = capacity;
  offer->cookie = cookie;
  return version == MLP_RING_VERSION && capacity % 64u == 0 && capacity > 0;
}

#ifdef __cplusplus
}
#endif
#endif
