// SPDX-License-Identifier: Apache-2.0
/* XXH3-64 with seed 0, as in the Data header; also the checksum of a checkpoint's sections. */
#pragma once
#include <cstddef>
#include <cstdint>

#include "protocol/xxh3.h"

namespace melissa {

inline uint64_t payloadHash(const void* bytes, size_t size) { return mlp_xxh3_64(bytes, size); }

}  // namespace melissa
