// SPDX-License-Identifier: Apache-2.0
/*
 * Opaque handles: a JavaScript external that owns one C++ object, with a type tag, so that a handle of another kind (or of
 * another addon) is a TypeError and never a crash.
 */
#pragma once
#include <napi.h>

#include <memory>
#include <string>

#include "addon/convert.h"

namespace melissa::addon {

/* T has `static const napi_type_tag TAG` and `static constexpr const char* KIND`. */
template <typename T>
Napi::Value wrap(Napi::Env env, std::unique_ptr<T> object) {
  Napi::External<T> external = Napi::External<T>::New(env, object.get(), [](Napi::Env, T* owned) { delete owned; });
  object.release();
  external.TypeTag(&T::TAG);
  return external;
}

template <typename T>
T& unwrap(const Napi::CallbackInfo& info, size_t index = 0) {
  const Napi::Value v = info[index];
  if (!v.IsExternal() || !v.As<Napi::External<T>>().CheckTypeTag(&T::TAG))
    throwType(info.Env(), "argument " + std::to_string(index) + " must be " + T::KIND);
  return *v.As<Napi::External<T>>().Data();
}

}  // namespace melissa::addon
