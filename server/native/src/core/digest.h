// SPDX-License-Identifier: Apache-2.0
/*
 * The fold digest: for each consumer the sum modulo 2^64 of a hash of each folded unit and of its payload. A sum does not depend
 * on the order, and a unit that is missing or folded twice changes it: two runs with equal digests folded the same units.
 */
#pragma once
#include <cstdint>
#include <string>

namespace melissa {

/* The finaliser of SplitMix64 (doi:10.1145/2660193.2660195): every input bit changes half of the output bits. */
inline uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

class UnitHash {
 public:
  UnitHash& add(uint64_t value) {
    h_ = mix64(h_ ^ value);
    return *this;
  }
  uint64_t value() const { return h_; }

 private:
  uint64_t h_ = 0;
};

struct ConsumerDigest {
  std::string consumer;  // "cells:temperature", "sobol:temperature", "covariance:temperature,pressure"
  uint64_t digest = 0;
  uint64_t units = 0;

  void add(uint64_t unitHash) {
    digest += unitHash;
    ++units;
  }
};

}  // namespace melissa
