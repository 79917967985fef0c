// SPDX-License-Identifier: Apache-2.0
#include "addon/convert.h"

#include <algorithm>
#include <cmath>

namespace melissa::addon {

void throwType(Napi::Env env, const std::string& message) { throw Napi::TypeError::New(env, message); }

void throwCoded(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  throw error;
}

void Properties::wrong(const char* key, const char* expected) const { throwType(object_.Env(), name_ + "." + key + " must be " + expected); }

Napi::Value Properties::value(const char* key) const {
  const Napi::Value v = object_.Get(key);
  if (v.IsUndefined()) wrong(key, "given");
  return v;
}

std::string Properties::string(const char* key) const {
  const Napi::Value v = value(key);
  if (!v.IsString()) wrong(key, "a string");
  return v.As<Napi::String>().Utf8Value();
}

bool Properties::boolean(const char* key) const {
  const Napi::Value v = value(key);
  if (!v.IsBoolean()) wrong(key, "a boolean");
  return v.As<Napi::Boolean>().Value();
}

double Properties::number(const char* key) const {
  const Napi::Value v = value(key);
  if (!v.IsNumber()) wrong(key, "a number");
  return v.As<Napi::Number>().DoubleValue();
}

uint64_t Properties::whole(const char* key, uint64_t max) const {
  const double n = number(key);
  if (!(n >= 0) || n > static_cast<double>(max) || n != std::floor(n)) wrong(key, ("a whole number of 0 to " + std::to_string(max)).c_str());
  return static_cast<uint64_t>(n);
}

Napi::Array Properties::array(const char* key) const {
  const Napi::Value v = value(key);
  if (!v.IsArray()) wrong(key, "an array");
  return v.As<Napi::Array>();
}

Properties Properties::object(const char* key) const {
  const Napi::Value v = value(key);
  if (!v.IsObject()) wrong(key, "an object");
  return {v.As<Napi::Object>(), name_ + "." + key};
}

std::vector<double> Properties::numbers(const char* key) const {
  const Napi::Array from = array(key);
  std::vector<double> to;
  for (uint32_t i = 0; i < from.Length(); ++i) {
    const Napi::Value v = from[i];
    if (!v.IsNumber()) wrong(key, "an array of numbers");
    to.push_back(v.As<Napi::Number>().DoubleValue());
  }
  return to;
}

std::vector<std::string> Properties::strings(const char* key) const {
  const Napi::Array from = array(key);
  std::vector<std::string> to;
  for (uint32_t i = 0; i < from.Length(); ++i) {
    const Napi::Value v = from[i];
    if (!v.IsString()) wrong(key, "an array of strings");
    to.push_back(v.As<Napi::String>().Utf8Value());
  }
  return to;
}

std::vector<uint32_t> Properties::uint32Array(const char* key) const {
  const Napi::Value v = value(key);
  if (!v.IsTypedArray() || v.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) wrong(key, "a Uint32Array");
  const Napi::Uint32Array from = v.As<Napi::Uint32Array>();
  return {from.Data(), from.Data() + from.ElementLength()};
}

namespace {

template <typename Enum>
Enum choice(const Properties& from, const char* key, const std::vector<std::pair<const char*, Enum>>& names, Napi::Env env) {
  const std::string name = from.string(key);
  for (const auto& [known, value] : names)
    if (name == known) return value;
  throwType(env, std::string(key) + ": \"" + name + "\" is unknown");
}

FieldOptions fieldOptions(const Properties& from) {
  FieldOptions field;
  field.index = static_cast<uint16_t>(from.whole("index", UINT16_MAX));
  field.name = from.string("name");
  field.keptCells = from.whole("keptCells");
  field.cellBegin = from.whole("cellBegin");
  field.cellEnd = from.whole("cellEnd");
  field.keptSteps = from.uint32Array("keptSteps");
  field.statistics = statisticsSpec(from.object("statistics"));
  return field;
}

// A message is one Data frame or a batch of them; the largest block plus a batch of small ones fits.
constexpr uint64_t MESSAGE_SLACK_BYTES = 8ull << 20;

uint64_t messageBytesMax(const RankOptions& rank) {
  uint64_t largest = 0;
  for (const FieldOptions& field : rank.fields) largest = std::max(largest, field.cells() * 8);
  // Open carries 8 bytes per client rank and field.
  return largest + MESSAGE_SLACK_BYTES * std::max<uint64_t>(1, rank.fields.size());
}

}  // namespace

StatisticsSpec statisticsSpec(const Properties& from) {
  const Napi::Env env = from.value("dtype").Env();
  StatisticsSpec spec;
  spec.dtype = choice<DType>(from, "dtype", {{"Float32", DType::Float32}, {"Float64", DType::Float64}}, env);
  spec.nonFinite = choice<NonFinite>(
      from, "nonFinite", {{"Reject", NonFinite::Reject}, {"Skip", NonFinite::Skip}, {"Propagate", NonFinite::Propagate}}, env);
  spec.moments = static_cast<int>(from.whole("moments", 4));
  spec.extrema = from.boolean("extrema");
  spec.thresholds = from.numbers("thresholds");
  spec.quantiles = from.numbers("quantiles");
  spec.robbinsMonro = from.boolean("robbinsMonro");
  spec.logSpacing = from.boolean("logSpacing");
  spec.histogram = from.boolean("histogram");
  spec.plannedSamples = from.whole("plannedSamples");
  spec.sobol = choice<Estimator>(from, "sobol",
                                 {{"None", Estimator::None}, {"Martinez", Estimator::Martinez}, {"Jansen", Estimator::Jansen}, {"Saltelli", Estimator::Saltelli}}, env);
  spec.interval = choice<Interval>(from, "interval",
                                   {{"None", Interval::None}, {"Fisher", Interval::Fisher}, {"Robust", Interval::Robust}, {"Jackknife", Interval::Jackknife}}, env);
  spec.secondOrder = from.boolean("secondOrder");
  spec.sobolParameters = static_cast<uint32_t>(from.whole("sobolParameters", 4096));
  spec.jackknifeBlocks = static_cast<uint32_t>(from.whole("jackknifeBlocks", 65536));
  spec.level = from.number("level");
  return spec;
}

EngineConfig engineConfig(const Properties& from) {
  EngineConfig config;
  RankOptions& rank = config.rank;
  rank.study = from.string("study");
  rank.fingerprint = from.string("fingerprint");
  rank.rank = static_cast<uint32_t>(from.whole("rank", UINT32_MAX));
  rank.ranks = static_cast<uint32_t>(from.whole("ranks", UINT32_MAX));
  rank.epoch = static_cast<uint32_t>(from.whole("epoch", UINT32_MAX));
  rank.token = from.string("token");
  rank.host = from.string("host");
  rank.simulations = static_cast<uint32_t>(from.whole("simulations", UINT32_MAX - 1));
  rank.groupSize = static_cast<uint32_t>(from.whole("groupSize", UINT32_MAX));
  rank.partialWhole = from.boolean("partialWhole");
  const Napi::Array fields = from.array("fields");
  for (uint32_t i = 0; i < fields.Length(); ++i) {
    const Napi::Value field = fields[i];
    if (!field.IsObject()) throwType(fields.Env(), "options.fields must be an array of objects");
    rank.fields.push_back(fieldOptions({field.As<Napi::Object>(), "options.fields[" + std::to_string(i) + "]"}));
  }
  const Napi::Array covariances = from.array("covariances");
  for (uint32_t i = 0; i < covariances.Length(); ++i) {
    const Napi::Value pair = covariances[i];
    if (!pair.IsObject()) throwType(covariances.Env(), "options.covariances must be an array of objects");
    const Properties p(pair.As<Napi::Object>(), "options.covariances[" + std::to_string(i) + "]");
    rank.covariances.push_back({static_cast<uint32_t>(p.whole("first", UINT32_MAX)), static_cast<uint32_t>(p.whole("second", UINT32_MAX))});
  }
  rank.heldBytesMax = from.whole("heldBytesMax");
  rank.receiveBudgetBytes = from.whole("receiveBudgetBytes");
  rank.sendWindowBytes = from.whole("sendWindowBytes");
  rank.keepRawAll = from.boolean("keepRawAll");
  rank.keepRawIds = from.uint32Array("keepRawIds");
  std::sort(rank.keepRawIds.begin(), rank.keepRawIds.end());
  config.router.listen = from.string("listen");
  config.router.secretKey = from.string("curveSecretKey");
  config.router.publicKey = from.string("curvePublicKey");
  config.router.allowedKeys = from.strings("curveAllowedKeys");
  config.router.connectionsMax = static_cast<uint32_t>(from.whole("connectionsMax", UINT32_MAX));
  config.router.messageBytesMax = messageBytesMax(rank);
  config.checkpointDirectory = from.string("checkpointDirectory");
  config.rawDirectory = from.string("rawDirectory");
  if (!rank.keepRawAll && rank.keepRawIds.empty()) config.rawDirectory.clear();
  return config;
}

uint64_t wholeArgument(const Napi::CallbackInfo& info, size_t index, uint64_t max) {
  const double n = numberArgument(info, index);
  if (!(n >= 0) || n > static_cast<double>(max) || n != std::floor(n))
    throwType(info.Env(), "argument " + std::to_string(index) + " must be a whole number of 0 to " + std::to_string(max));
  return static_cast<uint64_t>(n);
}

double numberArgument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsNumber()) throwType(info.Env(), "argument " + std::to_string(index) + " must be a number");
  return info[index].As<Napi::Number>().DoubleValue();
}

Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, size_t index) {
  const Napi::Value v = info[index];
  if (!v.IsTypedArray() || v.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throwType(info.Env(), "argument " + std::to_string(index) + " must be a Uint8Array");
  return v.As<Napi::Uint8Array>();
}

}  // namespace melissa::addon
