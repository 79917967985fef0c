// SPDX-License-Identifier: Apache-2.0
/* From JavaScript's transfer types (src/native.ts) to ours. A missing or wrong property is a TypeError that names it. */
#pragma once
#include <napi.h>

#include <string>

#include "io/engine.h"

namespace melissa::addon {

/* Reads the properties of one object. */
class Properties {
 public:
  Properties(Napi::Object object, std::string name) : object_(object), name_(std::move(name)) {}

  Napi::Value value(const char* key) const;
  std::string string(const char* key) const;
  bool boolean(const char* key) const;
  double number(const char* key) const;
  /* A whole number of 0…max. */
  uint64_t whole(const char* key, uint64_t max = (1ull << 53) - 1) const;
  Napi::Array array(const char* key) const;
  Properties object(const char* key) const;
  std::vector<double> numbers(const char* key) const;
  std::vector<std::string> strings(const char* key) const;
  std::vector<uint32_t> uint32Array(const char* key) const;

 private:
  [[noreturn]] void wrong(const char* key, const char* expected) const;
  Napi::Object object_;
  std::string name_;
};

StatisticsSpec statisticsSpec(const Properties& from);
EngineConfig engineConfig(const Properties& from);

/* Arguments. */
uint64_t wholeArgument(const Napi::CallbackInfo& info, size_t index, uint64_t max = (1ull << 53) - 1);
double numberArgument(const Napi::CallbackInfo& info, size_t index);
Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, size_t index);

[[noreturn]] void throwType(Napi::Env env, const std::string& message);
[[noreturn]] void throwCoded(Napi::Env env, const char* code, const std::string& message);

}  // namespace melissa::addon
