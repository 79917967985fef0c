// SPDX-License-Identifier: Apache-2.0
/* Writing and reading of plain numbers, little-endian, for the books of a checkpoint. A reader never reads past its end. */
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace melissa {

static_assert(std::endian::native == std::endian::little, "checkpoints are written as they lie in memory");

class BookWriter {
 public:
  template <typename T>
  void put(T value) {
    const std::byte* at = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), at, at + sizeof value);
  }
  void put(const std::vector<uint64_t>& words) {
    put<uint64_t>(words.size());
    const std::byte* at = reinterpret_cast<const std::byte*>(words.data());
    bytes_.insert(bytes_.end(), at, at + words.size() * 8);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class BookReader {
 public:
  explicit BookReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  T get() {
    T value{};
    if (bytes_.size() < sizeof value) return fail(), value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }
  std::vector<uint64_t> words() {
    const uint64_t n = get<uint64_t>();
    if (n > bytes_.size() / 8) return fail(), std::vector<uint64_t>{};
    std::vector<uint64_t> values(n);
    if (n > 0) std::memcpy(values.data(), bytes_.data(), n * 8);
    bytes_ = bytes_.subspan(n * 8);
    return values;
  }
  void fail() {
    ok_ = false;
    bytes_ = {};
  }
  bool ok() const { return ok_; }
  bool atEnd() const { return ok_ && bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

}  // namespace melissa
