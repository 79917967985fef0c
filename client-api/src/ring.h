/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a ring (protocol/ring.h). melissa_send takes a place, fills it and commits it: the only copy that a step costs.
 * A place is a slab like any other, so that its frame can be sent again over the socket if the ring is given up; the memory stays mapped
 * until the last slab of it is dropped, also when the rank is long dead. Places are taken by the solver's thread, committed under the
 * handle's lock, dropped by any thread.
 */
#ifndef MELISSA_RING_H
#define MELISSA_RING_H

#include "pool.h"

typedef struct mlc_ring mlc_ring;

/** Maps what a rank offers in Opened, or NULL where the two do not share memory. */
mlc_ring *mlc_ring_attach(const char *offer);
/** Nothing more is committed; what the rank has not read yet it never will. The caller's ring is gone. NULL is allowed. */
void mlc_ring_abandon(mlc_ring *ring);
/** 1 if the rank does not read it any more. */
int mlc_ring_is_closed(const mlc_ring *ring);
/** 1 if frames of this size can go through it for ever. */
int mlc_ring_fits(const mlc_ring *ring, size_t frame_bytes);
/** A place for a frame, or NULL while there is none. */
mlc_slab *mlc_ring_take(mlc_ring *ring, size_t frame_bytes);

typedef enum mlc_commit { MLC_COMMITTED, MLC_COMMIT_LATER, MLC_COMMIT_NEVER } mlc_commit;
/** LATER: an earlier place is neither committed nor dropped. NEVER: the ring was given up, or this place was committed before: by the socket. */
mlc_commit mlc_ring_commit(mlc_slab *slab);

/** Called by the pool for the last holder of a place. */
void mlc_ring_drop(mlc_slab *slab);

#endif
