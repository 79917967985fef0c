// SPDX-License-Identifier: Apache-2.0
#include <zmq.h>

#include "addon/convert.h"
#include "addon/functions.h"
#include "core/hash.h"

namespace melissa::addon {
namespace {

Napi::Value curveKeypair(const Napi::CallbackInfo& info) {
  char publicKey[41];
  char secretKey[41];
  if (zmq_curve_keypair(publicKey, secretKey) != 0) throwCoded(info.Env(), "ECURVE", "this libzmq was built without CURVE");
  Napi::Object pair = Napi::Object::New(info.Env());
  pair["publicKey"] = std::string(publicKey);
  pair["secretKey"] = std::string(secretKey);
  return pair;
}

Napi::Value hashOf(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array payload = bytesArgument(info, 0);
  return Napi::BigInt::New(info.Env(), payloadHash(payload.Data(), payload.ByteLength()));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  addStatistics(exports);
  addEngine(exports);
  addCore(exports);
  exports["payloadHash"] = Napi::Function::New(env, hashOf);
  exports["curveKeypair"] = Napi::Function::New(env, curveKeypair);
  return exports;
}

NODE_API_MODULE(melissa_native, init)

}  // namespace
}  // namespace melissa::addon
