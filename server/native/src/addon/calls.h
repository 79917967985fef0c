// SPDX-License-Identifier: Apache-2.0
/*
 * Calls from the engine's threads to the main thread: wake-ups and results of promises. They keep the process alive only while a
 * promise is pending. Owned by shared pointers, since a queued call may outlive the engine's handle.
 */
#pragma once
#include <napi.h>

#include <functional>
#include <memory>

namespace melissa::addon {

class Calls : public std::enable_shared_from_this<Calls> {
 public:
  using Call = std::function<void(Napi::Env)>;

  explicit Calls(Napi::Env env);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /* From any thread, until close. The call is dropped when the environment is closing. */
  void call(Call work);
  /* Main thread. Between the two the process stays alive. */
  void promiseBegins();
  void promiseEnds();
  /* Main thread, once no other thread calls any more. */
  void close();

 private:
  napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  size_t pending_ = 0;
};

}  // namespace melissa::addon
