// SPDX-License-Identifier: Apache-2.0
/*
 * A block that was accepted: the overlap of one client rank with this rank, of one simulation at one field and step. The values
 * stay in the message they arrived in; `owner` keeps it alive, so that holding a block copies nothing. While a block waits for a
 * partner its bytes are counted in the held bytes.
 */
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace melissa {

using Owner = std::shared_ptr<const void>;

struct Block {
  uint32_t simulation = 0;
  uint16_t draw = 0;
  uint16_t field = 0;  // position in RankOptions::fields
  uint32_t stepIndex = 0;  // position in the field's kept steps
  uint64_t unit = 0;  // stepIndex * blocks a step + index of the block
  uint64_t begin = 0;  // cells of this rank's part, from 0
  uint64_t end = 0;
  uint64_t payloadHash = 0;
  uint64_t ownerBytes = 0;  // size of the message that the values are part of
  const std::byte* values = nullptr;
  uint64_t bytes = 0;
  Owner owner;
  uint64_t* heldBytes = nullptr;  // where it is counted while it is held

  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { release(); }

  void hold(uint64_t& counter) {
    if (heldBytes != nullptr) return;
    heldBytes = &counter;
    counter += bytes;
  }
  void release() {
    if (heldBytes == nullptr) return;
    *heldBytes -= bytes;
    heldBytes = nullptr;
  }
};

using BlockPtr = std::shared_ptr<Block>;

}  // namespace melissa
