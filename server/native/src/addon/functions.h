// SPDX-License-Identifier: Apache-2.0
/* What the addon exports, by concern; the names and their order are those of src/native.ts. */
#pragma once
#include <napi.h>

namespace melissa::addon {

void addStatistics(Napi::Object exports);
void addEngine(Napi::Object exports);
void addCore(Napi::Object exports);

}  // namespace melissa::addon
