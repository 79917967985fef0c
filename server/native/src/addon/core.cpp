// SPDX-License-Identifier: Apache-2.0
/*
 * The core without socket, thread or file, for the deterministic simulation of whole studies: messages in, replies out, on the main
 * thread. It is the same class that the engine runs.
 */
#include <algorithm>
#include <cstring>

#include "addon/functions.h"
#include "addon/handle.h"
#include "addon/report.h"
#include "core/books.h"
#include "core/questions.h"

namespace melissa::addon {
namespace {

struct Replies : ReplySink {
  std::vector<std::pair<std::string, std::vector<std::byte>>> list;
  void reply(std::string_view peer, Bytes message) override {
    list.emplace_back(std::string(peer), std::vector<std::byte>(message.begin(), message.end()));
  }
};

struct CoreHandle {
  static const napi_type_tag TAG;
  static constexpr const char* KIND = "a core of coreCreate";

  RankCore core;
  explicit CoreHandle(RankOptions options) : core(std::move(options), [] { return uint64_t{0}; }, nullptr) {}
};
const napi_type_tag CoreHandle::TAG = {0x6d656c6973736103ull, 0x636f726500000000ull};

RankCore& core(const Napi::CallbackInfo& info) { return unwrap<CoreHandle>(info).core; }

Napi::Value toArray(Napi::Env env, const Replies& replies) {
  Napi::Array array = Napi::Array::New(env, replies.list.size());
  for (uint32_t i = 0; i < replies.list.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object["peer"] = replies.list[i].first;
    object["message"] = toUint8Array(env, replies.list[i].second);
    array.Set(i, object);
  }
  return array;
}

Napi::Value create(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throwType(info.Env(), "argument 0 must be an object");
  EngineConfig config = engineConfig({info[0].As<Napi::Object>(), "options"});
  // The caller's, so that one seed replays one world.
  config.rank.instance = wholeArgument(info, 1);
  if (const std::string why = contradiction(config.rank); !why.empty()) throwCoded(info.Env(), "EOPTIONS", why);
  auto handle = std::make_unique<CoreHandle>(std::move(config.rank));
  if (!handle->core.arena().ok()) throwCoded(info.Env(), "EMEMORY", "the machine does not map the memory that the statistics need");
  return wrap(info.Env(), std::move(handle));
}

Napi::Value message(const Napi::CallbackInfo& info) {
  RankCore& c = core(info);
  if (!info[1].IsString()) throwType(info.Env(), "argument 1 must be a string");
  const std::string peer = info[1].As<Napi::String>().Utf8Value();
  const Napi::Uint8Array bytes = bytesArgument(info, 2);
  const std::byte* from = reinterpret_cast<const std::byte*>(bytes.Data());
  const auto copy = std::make_shared<const std::vector<std::byte>>(from, from + bytes.ByteLength());
  Replies replies;
  c.onMessage(peer, Bytes(*copy), copy, replies);
  return toArray(info.Env(), replies);
}

Napi::Value flush(const Napi::CallbackInfo& info) {
  Replies replies;
  core(info).flush(replies);
  return toArray(info.Env(), replies);
}

Napi::Value setEpoch(const Napi::CallbackInfo& info) {
  core(info).setEpoch(static_cast<uint32_t>(wholeArgument(info, 1, UINT32_MAX)));
  return info.Env().Undefined();
}

Napi::Value attempt(const Napi::CallbackInfo& info) {
  const bool drop = info[4].IsBoolean() && info[4].As<Napi::Boolean>().Value();
  core(info).attempt(static_cast<uint32_t>(wholeArgument(info, 1, UINT32_MAX)), static_cast<uint16_t>(wholeArgument(info, 2, UINT16_MAX)),
                     static_cast<uint16_t>(wholeArgument(info, 3, UINT16_MAX)), drop);
  return info.Env().Undefined();
}

Napi::Value fold(const Napi::CallbackInfo& info) {
  const bool folded = core(info).fold(static_cast<uint32_t>(wholeArgument(info, 1, UINT32_MAX)), static_cast<uint16_t>(wholeArgument(info, 2, UINT16_MAX)),
                                      static_cast<uint16_t>(wholeArgument(info, 3, UINT16_MAX)));
  return Napi::Boolean::New(info.Env(), folded);
}

Napi::Value takeReport(const Napi::CallbackInfo& info) { return toObject(info.Env(), core(info).takeReport()); }

Napi::Value completeBitmap(const Napi::CallbackInfo& info) {
  const std::vector<uint8_t> bitmap = core(info).finishedBitmap();
  return toUint8Array(info.Env(), std::as_bytes(std::span(bitmap)));
}

Napi::Value digests(const Napi::CallbackInfo& info) { return addon::toArray(info.Env(), core(info).digests()); }

Napi::Value readStatisticOf(const Napi::CallbackInfo& info) {
  if (!info[3].IsString()) throwType(info.Env(), "argument 3 must be a string");
  const StatisticQuestion question{wholeArgument(info, 1), static_cast<uint32_t>(wholeArgument(info, 2, UINT32_MAX)), info[3].As<Napi::String>().Utf8Value(),
                                   static_cast<uint32_t>(wholeArgument(info, 4, UINT32_MAX)), wholeArgument(info, 5), wholeArgument(info, 6)};
  std::vector<double> values;
  std::string why;
  if (!readStatistic(core(info), question, values, why)) throwCoded(info.Env(), "ESTATISTIC", why);
  return toFloat64Array(info.Env(), values);
}

constexpr uint64_t LINE_BYTES = 64;

bool isZero(Bytes line) {
  static const std::byte zeros[LINE_BYTES] = {};
  return std::memcmp(line.data(), zeros, line.size()) == 0;
}

/* The lines of the state that are not zero, each behind its offset: with a handful of cells nearly all of it is. */
void saveState(StateArena& arena, std::vector<std::byte>& out) {
  for (uint64_t at = 0; at < arena.bytes(); at += LINE_BYTES) {
    const Bytes line(arena.base() + at, std::min(LINE_BYTES, arena.bytes() - at));
    if (isZero(line)) continue;
    const Bytes offset = std::as_bytes(std::span(&at, 1));
    out.insert(out.end(), offset.begin(), offset.end());
    out.insert(out.end(), line.begin(), line.end());
  }
}

/* Into a state that is all zeros. */
bool restoreState(StateArena& arena, Bytes saved) {
  while (!saved.empty()) {
    uint64_t at = 0;
    if (saved.size() < sizeof at) return false;
    std::memcpy(&at, saved.data(), sizeof at);
    saved = saved.subspan(sizeof at);
    if (at >= arena.bytes()) return false;
    const uint64_t size = std::min(LINE_BYTES, arena.bytes() - at);
    if (saved.size() < size) return false;
    std::memcpy(arena.base() + at, saved.data(), size);
    saved = saved.subspan(size);
  }
  return true;
}

/* Books and state, as one value: what a checkpoint would hold. */
Napi::Value save(const Napi::CallbackInfo& info) {
  RankCore& c = core(info);
  const std::vector<std::byte> books = c.saveBooks();
  BookWriter out;
  out.put<uint64_t>(books.size());
  std::vector<std::byte> all = out.take();
  all.insert(all.end(), books.begin(), books.end());
  saveState(c.arena(), all);
  return toUint8Array(info.Env(), all);
}

/* Into a fresh core only. */
Napi::Value restore(const Napi::CallbackInfo& info) {
  RankCore& c = core(info);
  const Napi::Uint8Array saved = bytesArgument(info, 1);
  const Bytes all(reinterpret_cast<const std::byte*>(saved.Data()), saved.ByteLength());
  BookReader in(all);
  const uint64_t size = in.get<uint64_t>();
  std::string why = "the bytes do not have the size of a state of this study";
  const bool fits = in.ok() && size <= all.size() - 8;
  if (!fits || !c.restoreBooks(all.subspan(8, size), why) || !restoreState(c.arena(), all.subspan(8 + size))) throwCoded(info.Env(), "ECHECKPOINT", why);
  for (size_t piece = 0; piece < c.arena().pieces().size(); ++piece) c.arena().markTouched(piece);
  return info.Env().Undefined();
}

}  // namespace

void addCore(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) { exports[name] = Napi::Function::New(env, function, name); };
  add("coreCreate", create);
  add("coreMessage", message);
  add("coreFlush", flush);
  add("coreSetEpoch", setEpoch);
  add("coreAttempt", attempt);
  add("coreFold", fold);
  add("coreTakeReport", takeReport);
  add("coreCompleteBitmap", completeBitmap);
  add("coreDigests", digests);
  add("coreReadStatistic", readStatisticOf);
  add("coreSave", save);
  add("coreRestore", restore);
}

}  // namespace melissa::addon
