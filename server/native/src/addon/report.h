// SPDX-License-Identifier: Apache-2.0
/* From our reports and digests to JavaScript's. */
#pragma once
#include <napi.h>

#include "core/rank_core.h"

namespace melissa::addon {

Napi::Object toObject(Napi::Env env, const Report& report);
Napi::Array toArray(Napi::Env env, const std::vector<ConsumerDigest>& digests);
Napi::Float64Array toFloat64Array(Napi::Env env, const std::vector<double>& values);
Napi::Uint8Array toUint8Array(Napi::Env env, std::span<const std::byte> bytes);

}  // namespace melissa::addon
