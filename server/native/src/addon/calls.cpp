// SPDX-License-Identifier: Apache-2.0
#include "addon/calls.h"

namespace melissa::addon {
namespace {

/* On the main thread; `env` is null while the environment is torn down. */
void run(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Calls::Call> work(static_cast<Calls::Call*>(data));
  if (env == nullptr) return;
  try {
    (*work)(Napi::Env(env));
  } catch (const Napi::Error& error) {
    // As if the callback had been called by Node itself: an uncaught exception.
    napi_fatal_exception(env, error.Value());
  }
}

}  // namespace

Calls::Calls(Napi::Env env) : env_(env) {
  const Napi::String name = Napi::String::New(env, "melissa engine");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, run, &function_);
  if (status != napi_ok) throw Napi::Error::New(env, "cannot make a thread-safe function");
  napi_unref_threadsafe_function(env, function_);
}

void Calls::call(Call work) {
  auto owned = std::make_unique<Call>(std::move(work));
  if (napi_call_threadsafe_function(function_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
}

void Calls::promiseBegins() {
  if (pending_++ == 0 && function_ != nullptr) napi_ref_threadsafe_function(env_, function_);
}

void Calls::promiseEnds() {
  if (--pending_ == 0 && function_ != nullptr) napi_unref_threadsafe_function(env_, function_);
}

void Calls::close() {
  if (function_ != nullptr) napi_release_threadsafe_function(function_, napi_tsfn_release);
  function_ = nullptr;
}

}  // namespace melissa::addon
