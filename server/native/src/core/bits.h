// SPDX-License-Identifier: Apache-2.0
/* A fixed number of bits that knows how many are set: one per unit of a consumer. */
#pragma once
#include <bit>
#include <cstdint>
#include <vector>

namespace melissa {

class Bits {
 public:
  Bits() = default;
  explicit Bits(uint64_t size) : size_(size), words_((size + 63) / 64, 0) {}

  uint64_t size() const { return size_; }
  uint64_t count() const { return count_; }
  bool all() const { return count_ == size_; }
  bool test(uint64_t i) const { return (words_[i >> 6] >> (i & 63)) & 1; }

  /* True if the bit was unset before. */
  bool set(uint64_t i) {
    const uint64_t mask = 1ull << (i & 63);
    if (words_[i >> 6] & mask) return false;
    words_[i >> 6] |= mask;
    ++count_;
    return true;
  }
  void clear(uint64_t i) {
    const uint64_t mask = 1ull << (i & 63);
    if (!(words_[i >> 6] & mask)) return;
    words_[i >> 6] &= ~mask;
    --count_;
  }
  /* Index of the first unset bit, size() when all are set. */
  uint64_t firstUnset() const {
    for (size_t w = 0; w < words_.size(); ++w)
      if (~words_[w] != 0) {
        const uint64_t i = w * 64 + static_cast<uint64_t>(std::countr_one(words_[w]));
        return i < size_ ? i : size_;
      }
    return size_;
  }

  const std::vector<uint64_t>& words() const { return words_; }
  /* From a checkpoint. False if the words do not fit the size. */
  bool assign(std::vector<uint64_t> words) {
    if (words.size() != (size_ + 63) / 64) return false;
    if (size_ % 64 != 0 && !words.empty() && (words.back() >> (size_ % 64)) != 0) return false;
    words_ = std::move(words);
    count_ = 0;
    for (uint64_t w : words_) count_ += static_cast<uint64_t>(std::popcount(w));
    return true;
  }

 private:
  uint64_t size_ = 0;
  uint64_t count_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace melissa
