// SPDX-License-Identifier: Apache-2.0
/*
 * What the statistics' tests share: a harness that prints one TAP line per test (plan last, exit status 1 on any failure), a
 * seeded generator, an aligned zeroed state, and folding with values in vectors. Tests only; no kernel knows it.
 */
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "dispatch.h"
#include "field_statistics.h"

namespace testing {

struct Test {
  std::string sentence;
  std::function<void()> body;
};
inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}
inline std::string& failure() {
  static std::string text;
  return text;
}
struct Register {
  Register(const char* sentence, std::function<void()> body) { tests().push_back({sentence, std::move(body)}); }
};
#define TEST_NAME2(line) test_##line
#define TEST_NAME(line) TEST_NAME2(line)
#define TEST(sentence, ...) static const testing::Register TEST_NAME(__LINE__)(sentence, __VA_ARGS__)

/** Notes the first failure of the running test; later ones would only repeat it. */
inline void check(bool good, const std::string& what) {
  if (!good && failure().empty()) failure() = what;
}
inline std::string text(double x) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.17g", x);
  return buffer;
}
inline void near(double got, double want, double tolerance, const std::string& what) {
  check(std::abs(got - want) <= tolerance || got == want || (std::isnan(got) && std::isnan(want)),
        what + ": got " + text(got) + ", want " + text(want) + " within " + text(tolerance));
}
inline void same(double got, double want, const std::string& what) { near(got, want, 0.0, what); }

inline int runAll() {
  int failed = 0, number = 0;
  for (const Test& test : tests()) {
    failure().clear();
    test.body();
    const bool good = failure().empty();
    failed += good ? 0 : 1;
    std::printf("%sok %d - %s\n", good ? "" : "not ", ++number, test.sentence.c_str());
    if (!good) std::printf("# %s\n", failure().c_str());
    std::fflush(stdout);
  }
  std::printf("1..%d\n", number);
  return failed == 0 && number > 0 ? 0 : 1;
}

/** xoshiro256** (doi:10.1145/3460772), seeded by splitmix64. */
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
      word = z ^ (z >> 31);
    }
  }
  uint64_t bits() {
    const auto rotate = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const uint64_t result = rotate(state_[1] * 5, 7) * 9, t = state_[1] << 17;
    state_[2] ^= state_[0], state_[3] ^= state_[1], state_[1] ^= state_[2], state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal() { return std::sqrt(-2.0 * std::log(1.0 - uniform())) * std::cos(2.0 * M_PI * uniform()); }
  size_t below(size_t n) { return static_cast<size_t>(bits() % n); }

 private:
  uint64_t state_[4];
};

/** Zeroed memory on a 64-byte boundary, as an engine would provide. */
class State {
 public:
  explicit State(size_t bytes) : size_(bytes), bytes_(static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64))) {
    std::memset(bytes_, 0, bytes);
  }
  ~State() { std::free(bytes_); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  std::byte* data() { return bytes_; }
  const std::byte* data() const { return bytes_; }
  size_t size() const { return size_; }
  bool equals(const State& other) const { return size_ == other.size_ && std::memcmp(bytes_, other.bytes_, size_) == 0; }

 private:
  size_t size_;
  std::byte* bytes_;
};

/** samples[s][cell] folded one call each. */
template <class T>
void fold(const melissa::FieldStatistics& statistics, State& state, const std::vector<std::vector<T>>& samples) {
  for (const auto& sample : samples) {
    const void* values = sample.data();
    statistics.foldSamples(state.data(), 0, sample.size(), &values, 1);
  }
}

inline double derived(const melissa::FieldStatistics& statistics, const State& state, size_t cell, const char* name,
                      uint32_t argument = 0) {
  double value = 0;
  check(statistics.derive(state.data(), cell, cell + 1, name, argument, &value), std::string(name) + " is not derived");
  return value;
}

inline std::vector<std::string> instructionSets() {
  std::vector<std::string> all;
  for (const char* name : {"scalar", "avx2", "avx512", "neon"})
    if (melissa::forceInstructionSet(name)) all.push_back(name);
  melissa::forceInstructionSet("");
  return all;
}

}  // namespace testing
