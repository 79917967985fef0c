// SPDX-License-Identifier: Apache-2.0
/* Statistics without an engine, for tests, benchmarks and the offline reference. */
#include "addon/functions.h"
#include "addon/handle.h"
#include "statistics/dispatch.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace melissa::addon {
namespace {

struct State {
  static const napi_type_tag TAG;
  static constexpr const char* KIND = "a state of statisticsCreate";

  FieldStatistics statistics;
  uint64_t cells;
  std::byte* bytes = nullptr;

  State(const StatisticsSpec& spec, uint64_t cellCount) : statistics(spec), cells(cellCount) {
    const size_t size = (statistics.bytes(cells) + 63) / 64 * 64;
    bytes = static_cast<std::byte*>(std::aligned_alloc(64, std::max<size_t>(64, size)));
    if (bytes == nullptr) throw std::bad_alloc();
    std::memset(bytes, 0, size);
  }
  ~State() { std::free(bytes); }
};
const napi_type_tag State::TAG = {0x6d656c6973736101ull, 0x7374617469737469ull};

StatisticsSpec specArgument(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throwType(info.Env(), "argument 0 must be an object");
  return statisticsSpec({info[0].As<Napi::Object>(), "spec"});
}

struct Range {
  uint64_t begin;
  uint64_t end;
};
Range rangeArguments(const Napi::CallbackInfo& info, size_t index, uint64_t cells) {
  const Range range{wholeArgument(info, index), wholeArgument(info, index + 1)};
  if (range.begin >= range.end || range.end > cells) throwType(info.Env(), "the range of cells is empty or lies outside the state");
  return range;
}

/* Pointers to `count` samples of the range, after the length was checked. */
std::vector<const void*> samples(const Napi::CallbackInfo& info, size_t index, const State& state, Range range, uint64_t count) {
  const Napi::Uint8Array values = bytesArgument(info, index);
  const uint64_t each = (range.end - range.begin) * (state.statistics.spec().dtype == DType::Float32 ? 4 : 8);
  if (count > UINT32_MAX || values.ByteLength() != each * count) throwType(info.Env(), "the values do not have the length of their samples");
  std::vector<const void*> pointers(count);
  for (uint64_t i = 0; i < count; ++i) pointers[i] = values.Data() + i * each;
  return pointers;
}

Napi::Value bytes(const Napi::CallbackInfo& info) {
  const FieldStatistics statistics(specArgument(info));
  return Napi::Number::New(info.Env(), static_cast<double>(statistics.bytes(wholeArgument(info, 1))));
}

Napi::Value create(const Napi::CallbackInfo& info) { return wrap(info.Env(), std::make_unique<State>(specArgument(info), wholeArgument(info, 1))); }

Napi::Value foldSamples(const Napi::CallbackInfo& info) {
  State& state = unwrap<State>(info);
  const Range range = rangeArguments(info, 1, state.cells);
  const uint64_t n = wholeArgument(info, 4);
  const std::vector<const void*> values = samples(info, 3, state, range, n);
  state.statistics.foldSamples(state.bytes, range.begin, range.end, values.data(), n);
  return info.Env().Undefined();
}

Napi::Value foldGroups(const Napi::CallbackInfo& info) {
  State& state = unwrap<State>(info);
  const Range range = rangeArguments(info, 1, state.cells);
  const uint64_t groups = wholeArgument(info, 4);
  const uint64_t first = wholeArgument(info, 5);
  const std::vector<const void*> members = samples(info, 3, state, range, groups * state.statistics.groupSize());
  if (state.statistics.groupSize() == 0) throwType(info.Env(), "the state has no Sobol' statistics");
  std::vector<uint64_t> index(groups);
  for (uint64_t g = 0; g < groups; ++g) index[g] = first + g;
  state.statistics.foldGroups(state.bytes, range.begin, range.end, members.data(), index.data(), groups);
  return info.Env().Undefined();
}

Napi::Value merge(const Napi::CallbackInfo& info) {
  State& into = unwrap<State>(info, 0);
  const State& from = unwrap<State>(info, 1);
  if (into.cells != from.cells || into.statistics.bytes(into.cells) != from.statistics.bytes(from.cells))
    throwType(info.Env(), "the two states are not of the same kind");
  return Napi::Boolean::New(info.Env(), into.statistics.merge(into.bytes, from.bytes, into.cells));
}

Napi::Value derive(const Napi::CallbackInfo& info) {
  const State& state = unwrap<State>(info);
  if (!info[1].IsString()) throwType(info.Env(), "argument 1 must be a string");
  const std::string name = info[1].As<Napi::String>().Utf8Value();
  const uint32_t argument = static_cast<uint32_t>(wholeArgument(info, 2, UINT32_MAX));
  const Range range = rangeArguments(info, 3, state.cells);
  Napi::Float64Array out = Napi::Float64Array::New(info.Env(), range.end - range.begin);
  if (!state.statistics.derive(state.bytes, range.begin, range.end, name, argument, out.Data()))
    throwCoded(info.Env(), "ESTATISTIC", "the state has no statistic \"" + name + "\" with argument " + std::to_string(argument));
  return out;
}

Napi::Value convergence(const Napi::CallbackInfo& info) {
  const State& state = unwrap<State>(info);
  const ConvergenceResult result = state.statistics.convergence(state.bytes, state.cells, numberArgument(info, 1));
  Napi::Object out = Napi::Object::New(info.Env());
  out["widest"] = result.widest;
  out["medianWidth"] = result.medianWidth;
  out["cells"] = static_cast<double>(result.cells);
  return out;
}

Napi::Value setInstructions(const Napi::CallbackInfo& info) {
  if (info[0].IsString()) {
    const std::string name = info[0].As<Napi::String>().Utf8Value();
    if (!forceInstructionSet(name)) throwCoded(info.Env(), "EINSTRUCTIONS", "this machine does not have the instruction set \"" + name + "\"");
  }
  return Napi::String::New(info.Env(), std::string(instructionSet()));
}

}  // namespace

void addStatistics(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports["statisticsBytes"] = Napi::Function::New(env, bytes);
  exports["statisticsCreate"] = Napi::Function::New(env, create);
  exports["statisticsFoldSamples"] = Napi::Function::New(env, foldSamples);
  exports["statisticsFoldGroups"] = Napi::Function::New(env, foldGroups);
  exports["statisticsMerge"] = Napi::Function::New(env, merge);
  exports["statisticsDerive"] = Napi::Function::New(env, derive);
  exports["statisticsConvergence"] = Napi::Function::New(env, convergence);
  exports["instructionSet"] = Napi::Function::New(env, setInstructions);
}

}  // namespace melissa::addon
