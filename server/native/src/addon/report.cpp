// SPDX-License-Identifier: Apache-2.0
#include "addon/report.h"

#include <algorithm>
#include <cstring>

namespace melissa::addon {
namespace {

template <typename T, typename Fill>
Napi::Array list(Napi::Env env, const std::vector<T>& items, Fill fill) {
  Napi::Array array = Napi::Array::New(env, items.size());
  for (uint32_t i = 0; i < items.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object["simulation"] = static_cast<double>(items[i].simulation);
    object["draw"] = static_cast<double>(items[i].draw);
    object["attempt"] = static_cast<double>(items[i].attempt);
    fill(object, items[i]);
    array.Set(i, object);
  }
  return array;
}

}  // namespace

Napi::Object toObject(Napi::Env env, const Report& report) {
  Napi::Object out = Napi::Object::New(env);
  const auto number = [&](const char* key, uint64_t value) { out[key] = static_cast<double>(value); };
  out["completed"] = list(env, report.completed, [](Napi::Object& o, const Completion& c) { o["state"] = static_cast<double>(c.state); });
  out["active"] = list(env, report.active, [](Napi::Object& o, const Activity& a) { o["firstStep"] = static_cast<double>(a.firstStep); });
  out["faults"] = list(env, report.faults, [](Napi::Object& o, const Fault& f) {
    o["code"] = f.code;
    o["message"] = f.message;
  });
  number("framesTotal", report.counters.framesTotal);
  number("bytesTotal", report.counters.bytesTotal);
  number("foldedUnitsTotal", report.counters.foldedUnitsTotal);
  number("duplicatesTotal", report.counters.duplicatesTotal);
  number("refusedTotal", report.counters.refusedTotal);
  number("heldBytes", report.heldBytes);
  number("connections", report.connections);
  number("groupsFolded", report.counters.groupsFolded);
  out["foldSeconds"] = static_cast<double>(report.counters.foldNanoseconds) * 1e-9;
  return out;
}

Napi::Array toArray(Napi::Env env, const std::vector<ConsumerDigest>& digests) {
  Napi::Array array = Napi::Array::New(env, digests.size());
  for (uint32_t i = 0; i < digests.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object["consumer"] = digests[i].consumer;
    object["digest"] = Napi::BigInt::New(env, digests[i].digest);
    object["units"] = static_cast<double>(digests[i].units);
    array.Set(i, object);
  }
  return array;
}

Napi::Float64Array toFloat64Array(Napi::Env env, const std::vector<double>& values) {
  Napi::Float64Array array = Napi::Float64Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Uint8Array toUint8Array(Napi::Env env, std::span<const std::byte> bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

}  // namespace melissa::addon
