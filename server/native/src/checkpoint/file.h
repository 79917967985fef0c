// SPDX-License-Identifier: Apache-2.0
/* POSIX files for checkpoints: whole reads and writes at offsets, with the system's reason as a sentence when one fails. */
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace melissa {

class File {
 public:
  File() = default;
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /* The methods return false and set reason() when the system refuses. */
  bool create(const std::string& path);
  bool openToRead(const std::string& path);
  bool write(const void* bytes, size_t size, uint64_t offset);
  bool read(void* bytes, size_t size, uint64_t offset);
  bool resize(uint64_t size);
  bool sync();
  uint64_t size();
  void close();
  const std::string& reason() const { return reason_; }

 private:
  bool failed(const char* what);
  int fd_ = -1;
  std::string path_;
  std::string reason_;
};

/* Makes a rename in this folder durable. */
bool syncFolder(const std::string& path, std::string& reason);

}  // namespace melissa
