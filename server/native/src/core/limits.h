// SPDX-License-Identifier: Apache-2.0
/* Every bound of the engine, by name, with its reason. */
#pragma once
#include <cstddef>
#include <cstdint>

namespace melissa {

// A field's position is stored in 16 bits of a held block's key.
inline constexpr size_t FIELDS_MAX = 4096;
// Studies have one layout a field, a few after a restart with another communicator; a client that invents more is refused.
inline constexpr size_t LAYOUTS_MAX = 4096;
// Sessions are small (about 200 B); a client has one per (rank, simulation in flight).
inline constexpr size_t SESSIONS_MAX = 65'536;
// Client ranks of one communicator: the largest machines have this order of cores.
inline constexpr uint32_t CLIENT_RANKS_MAX = 1u << 20;
// Payload bytes queued for folding before the queue is folded even though more messages wait: enough for four 8 MB fields.
inline constexpr uint64_t FOLD_QUEUE_BYTES_MAX = 48ull << 20;
// Queued units before they are folded: bounds the delay of acknowledgements of small frames.
inline constexpr size_t FOLD_QUEUE_UNITS_MAX = 4096;
// A checkpoint's unit of saving, checking and waiting: small enough to copy in a few ms, large enough for a disk.
inline constexpr size_t PIECE_BYTES_MAX = 16ull << 20;
// Copies of pieces that folds saved ahead of the checkpoint's writer; with the writer's own piece below 64 MiB in all.
inline constexpr size_t PIECE_COPIES_BYTES_MAX = 48ull << 20;
// Faults kept between two reports: the first ones say what is wrong.
inline constexpr size_t FAULTS_PENDING_MAX = 1024;

}  // namespace melissa
