// SPDX-License-Identifier: Apache-2.0
/*
 * The rank's engine for JavaScript. An engine that is not stopped dies with its handle, its worker or its process: the clean-up hook
 * of the environment ends the thread before anything that it uses goes away.
 */
#include "addon/calls.h"
#include "addon/functions.h"
#include "addon/handle.h"
#include "addon/report.h"
#include "core/questions.h"

namespace melissa::addon {
namespace {

struct EngineHandle {
  static const napi_type_tag TAG;
  static constexpr const char* KIND = "an engine of engineCreate";

  napi_env env;
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Calls> calls;
  std::shared_ptr<Napi::FunctionReference> wake = std::make_shared<Napi::FunctionReference>();
  bool stopped = false;

  EngineHandle(Napi::Env e, EngineConfig config) : env(e), engine(std::make_shared<Engine>(std::move(config))), calls(std::make_shared<Calls>(e)) {
    napi_add_env_cleanup_hook(env, cleanUp, this);
  }
  ~EngineHandle() {
    napi_remove_env_cleanup_hook(env, cleanUp, this);
    shutDown();
  }
  EngineHandle(const EngineHandle&) = delete;
  EngineHandle& operator=(const EngineHandle&) = delete;

  static void cleanUp(void* self) { static_cast<EngineHandle*>(self)->shutDown(); }
  void shutDown() {
    stopped = true;
    engine->stop();
    calls->close();
  }
};
const napi_type_tag EngineHandle::TAG = {0x6d656c6973736102ull, 0x656e67696e650000ull};

template <typename T>
struct Answer {
  T value{};
  std::string why;  // not empty: rejected with ESTATISTIC
};

Napi::Value coded(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error.Value();
}

/* `ask` runs between folds, on the engine's thread; `show` makes its answer a JavaScript value on the main thread. */
template <typename T, typename Show>
Napi::Value ask(const Napi::CallbackInfo& info, std::function<Answer<T>(RankCore&)> question, Show show) {
  EngineHandle& handle = unwrap<EngineHandle>(info);
  const Napi::Env env = info.Env();
  auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
  const std::shared_ptr<Calls> calls = handle.calls;
  calls->promiseBegins();
  const bool posted = !handle.stopped && handle.engine->post([=](RankCore& core) {
    auto answer = std::make_shared<Answer<T>>(question(core));
    calls->call([=](Napi::Env e) {
      calls->promiseEnds();
      if (answer->why.empty())
        deferred->Resolve(show(e, answer->value));
      else
        deferred->Reject(coded(e, "ESTATISTIC", answer->why));
    });
  });
  if (!posted) {
    calls->promiseEnds();
    deferred->Reject(coded(env, "ESTOPPED", "the engine was stopped"));
  }
  return deferred->Promise();
}

Napi::Value create(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throwType(info.Env(), "argument 0 must be an object");
  EngineConfig config = engineConfig({info[0].As<Napi::Object>(), "options"});
  if (const std::string why = contradiction(config.rank); !why.empty()) throwCoded(info.Env(), "EOPTIONS", why);
  auto handle = std::make_unique<EngineHandle>(info.Env(), std::move(config));
  if (!handle->engine->stateIsMapped()) throwCoded(info.Env(), "EMEMORY", "the machine does not map the memory that the statistics need");
  return wrap(info.Env(), std::move(handle));
}

Napi::Value restore(const Napi::CallbackInfo& info) {
  EngineHandle& handle = unwrap<EngineHandle>(info);
  const Restored restored = handle.engine->restore(wholeArgument(info, 1));
  Napi::Object out = Napi::Object::New(info.Env());
  out["number"] = static_cast<double>(restored.number);
  Napi::Array refused = Napi::Array::New(info.Env(), restored.refused.size());
  for (uint32_t i = 0; i < restored.refused.size(); ++i) refused[i] = Napi::String::New(info.Env(), restored.refused[i]);
  out["refused"] = refused;
  return out;
}

Napi::Value start(const Napi::CallbackInfo& info) {
  EngineHandle& handle = unwrap<EngineHandle>(info);
  if (!info[1].IsFunction()) throwType(info.Env(), "argument 1 must be a function");
  *handle.wake = Napi::Persistent(info[1].As<Napi::Function>());
  const auto wake = [calls = handle.calls.get(), function = handle.wake] {
    calls->call([function](Napi::Env) {
      if (!function->IsEmpty()) function->Call({});
    });
  };
  std::string endpoint;
  std::string why;
  if (!handle.engine->start(wake, endpoint, why)) throwCoded(info.Env(), "ELISTEN", why);
  return Napi::String::New(info.Env(), endpoint);
}

Napi::Value takeReport(const Napi::CallbackInfo& info) { return toObject(info.Env(), unwrap<EngineHandle>(info).engine->takeReport()); }

Napi::Value completeBitmap(const Napi::CallbackInfo& info) {
  const std::vector<uint8_t> bitmap = unwrap<EngineHandle>(info).engine->finishedBitmap();
  return toUint8Array(info.Env(), std::as_bytes(std::span(bitmap)));
}

Napi::Value setEpoch(const Napi::CallbackInfo& info) {
  const uint32_t epoch = static_cast<uint32_t>(wholeArgument(info, 1, UINT32_MAX));
  unwrap<EngineHandle>(info).engine->post([epoch](RankCore& core) { core.setEpoch(epoch); });
  return info.Env().Undefined();
}

Napi::Value attempt(const Napi::CallbackInfo& info) {
  const uint32_t simulation = static_cast<uint32_t>(wholeArgument(info, 1, UINT32_MAX));
  const uint16_t draw = static_cast<uint16_t>(wholeArgument(info, 2, UINT16_MAX));
  const uint16_t attempt = static_cast<uint16_t>(wholeArgument(info, 3, UINT16_MAX));
  if (!info[4].IsBoolean()) throwType(info.Env(), "argument 4 must be a boolean");
  const bool drop = info[4].As<Napi::Boolean>().Value();
  unwrap<EngineHandle>(info).engine->post([=](RankCore& core) { core.attempt(simulation, draw, attempt, drop); });
  return info.Env().Undefined();
}

Napi::Value fold(const Napi::CallbackInfo& info) {
  const uint32_t simulation = static_cast<uint32_t>(wholeArgument(info, 1, UINT32_MAX));
  const uint16_t draw = static_cast<uint16_t>(wholeArgument(info, 2, UINT16_MAX));
  const uint16_t attempt = static_cast<uint16_t>(wholeArgument(info, 3, UINT16_MAX));
  return ask<bool>(
      info, [=](RankCore& core) { return Answer<bool>{core.fold(simulation, draw, attempt), {}}; },
      [](Napi::Env env, bool folded) { return Napi::Boolean::New(env, folded); });
}

Napi::Value toValue(Napi::Env env, const CheckpointResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out["number"] = static_cast<double>(result.number);
  out["ok"] = result.ok;
  out["reason"] = result.reason;
  out["bytes"] = static_cast<double>(result.bytes);
  out["seconds"] = result.seconds;
  return out;
}

Napi::Value checkpoint(const Napi::CallbackInfo& info) {
  EngineHandle& handle = unwrap<EngineHandle>(info);
  const uint64_t number = wholeArgument(info, 1);
  if (number == 0) throwType(info.Env(), "argument 1 must be 1 or more");
  auto deferred = std::make_shared<Napi::Promise::Deferred>(info.Env());
  // A plain pointer: the callback lives in the engine, which is stopped before its handle lets go of the calls.
  Calls* calls = handle.calls.get();
  calls->promiseBegins();
  const auto done = [calls, deferred](const CheckpointResult& result) {
    calls->call([keep = calls->shared_from_this(), deferred, result](Napi::Env env) {
      keep->promiseEnds();
      deferred->Resolve(toValue(env, result));
    });
  };
  if (handle.stopped || !handle.engine->checkpoint(number, done)) {
    calls->promiseEnds();
    deferred->Resolve(toValue(info.Env(), {number, false, "the engine was stopped", 0, 0}));
  }
  return deferred->Promise();
}

Napi::Value checkpointCommitted(const Napi::CallbackInfo& info) {
  unwrap<EngineHandle>(info).engine->committed(wholeArgument(info, 1));
  return info.Env().Undefined();
}

Napi::Value readStatisticOf(const Napi::CallbackInfo& info) {
  if (!info[3].IsString()) throwType(info.Env(), "argument 3 must be a string");
  const StatisticQuestion question{wholeArgument(info, 1), static_cast<uint32_t>(wholeArgument(info, 2, UINT32_MAX)), info[3].As<Napi::String>().Utf8Value(),
                                   static_cast<uint32_t>(wholeArgument(info, 4, UINT32_MAX)), wholeArgument(info, 5), wholeArgument(info, 6)};
  return ask<std::vector<double>>(
      info,
      [question](RankCore& core) {
        Answer<std::vector<double>> answer;
        readStatistic(core, question, answer.value, answer.why);
        return answer;
      },
      [](Napi::Env env, const std::vector<double>& values) -> Napi::Value { return toFloat64Array(env, values); });
}

Napi::Value maxVarianceOf(const Napi::CallbackInfo& info) {
  return ask<std::vector<double>>(
      info, [](RankCore& core) { return Answer<std::vector<double>>{maxVariance(core), {}}; },
      [](Napi::Env env, const std::vector<double>& values) -> Napi::Value { return toFloat64Array(env, values); });
}

Napi::Value convergenceOf(const Napi::CallbackInfo& info) {
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    throwType(info.Env(), "argument 1 must be a Float64Array");
  const Napi::Float64Array given = info[1].As<Napi::Float64Array>();
  const std::vector<double> minVariance(given.Data(), given.Data() + given.ElementLength());
  size_t expected = 0;
  for (const FieldOptions& field : unwrap<EngineHandle>(info).engine->options().fields) expected += field.keptSteps.size();
  if (minVariance.size() != expected) throwType(info.Env(), "argument 1 must have " + std::to_string(expected) + " values");
  return ask<Convergence>(
      info, [minVariance](RankCore& core) { return Answer<Convergence>{convergence(core, minVariance), {}}; },
      [](Napi::Env env, const Convergence& c) -> Napi::Value {
        Napi::Object out = Napi::Object::New(env);
        out["groups"] = static_cast<double>(c.groups);
        out["widest"] = c.widest;
        out["medianWidth"] = c.medianWidth;
        out["cells"] = static_cast<double>(c.cells);
        return out;
      });
}

Napi::Value digestsOf(const Napi::CallbackInfo& info) {
  return ask<std::vector<ConsumerDigest>>(
      info, [](RankCore& core) { return Answer<std::vector<ConsumerDigest>>{core.digests(), {}}; },
      [](Napi::Env env, const std::vector<ConsumerDigest>& digests) -> Napi::Value { return toArray(env, digests); });
}

/* Waits for the thread on a thread of libuv's pool. */
class StopWorker : public Napi::AsyncWorker {
 public:
  StopWorker(Napi::Env env, std::shared_ptr<Engine> engine)
      : Napi::AsyncWorker(env, "melissa engine stop"), engine_(std::move(engine)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }
  void Execute() override { engine_->stop(); }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }

 private:
  std::shared_ptr<Engine> engine_;
  Napi::Promise::Deferred deferred_;
};

Napi::Value stop(const Napi::CallbackInfo& info) {
  EngineHandle& handle = unwrap<EngineHandle>(info);
  handle.stopped = true;
  StopWorker* worker = new StopWorker(info.Env(), handle.engine);
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace

void addEngine(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) { exports[name] = Napi::Function::New(env, function, name); };
  add("engineCreate", create);
  add("engineRestore", restore);
  add("engineStart", start);
  add("engineTakeReport", takeReport);
  add("engineCompleteBitmap", completeBitmap);
  add("engineSetEpoch", setEpoch);
  add("engineAttempt", attempt);
  add("engineFold", fold);
  add("engineCheckpoint", checkpoint);
  add("engineCheckpointCommitted", checkpointCommitted);
  add("engineReadStatistic", readStatisticOf);
  add("engineMaxVariance", maxVarianceOf);
  add("engineConvergence", convergenceOf);
  add("engineDigests", digestsOf);
  add("engineStop", stop);
}

}  // namespace melissa::addon
