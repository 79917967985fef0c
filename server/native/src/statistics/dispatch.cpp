// SPDX-License-Identifier: Apache-2.0
#include "dispatch.h"

#include <atomic>
#include <cstddef>

#include "covariance/covariance.h"
#include "lattice/lattice.h"
#include "moments/moments.h"
#include "sobol/sobol.h"

namespace melissa {
namespace {

struct Choice {
  Kernels kernels;
  bool (*available)();
};

/** Widest first; scalar, which every machine has, last. */
const Choice choices[] = {
#if defined(__x86_64__)
    {{"avx512", momentsAvx512, latticeAvx512, sobolAvx512, covarianceAvx512},
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
     }},
    {{"avx2", momentsAvx2, latticeAvx2, sobolAvx2, covarianceAvx2}, [] { return __builtin_cpu_supports("avx2") != 0; }},
#elif defined(__aarch64__)
    {{"neon", momentsNeon, latticeNeon, sobolNeon, covarianceNeon}, [] { return true; }},
#endif
    {{"scalar", momentsScalar, latticeScalar, sobolScalar, covarianceScalar}, [] { return true; }},
};

std::atomic<const Choice*> chosen{nullptr};

const Choice* widest() {
  for (const Choice& choice : choices)
    if (choice.available()) return &choice;
  return nullptr;  // never reached: the scalar set is always available
}

}  // namespace

const Kernels& kernels() {
  const Choice* choice = chosen.load(std::memory_order_relaxed);
  if (choice == nullptr) {
    choice = widest();
    chosen.store(choice, std::memory_order_relaxed);
  }
  return choice->kernels;
}

std::string_view instructionSet() { return kernels().name; }

bool forceInstructionSet(std::string_view name) {
  if (name.empty()) {
    chosen.store(widest(), std::memory_order_relaxed);
    return true;
  }
  for (const Choice& choice : choices)
    if (choice.kernels.name == name && choice.available()) {
      chosen.store(&choice, std::memory_order_relaxed);
      return true;
    }
  return false;
}

}  // namespace melissa
