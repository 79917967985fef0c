// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace melissa {

bool File::failed(const char* what) {
  reason_ = std::string(what) + " " + path_ + ": " + std::generic_category().message(errno);
  return false;
}

bool File::create(const std::string& path) {
  path_ = path;
  fd_ = open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  return fd_ >= 0 || failed("cannot create");
}

bool File::openToRead(const std::string& path) {
  path_ = path;
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd_ >= 0 || failed("cannot open");
}

bool File::write(const void* bytes, size_t size, uint64_t offset) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = pwrite(fd_, at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed("cannot write");
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool File::read(void* bytes, size_t size, uint64_t offset) {
  char* at = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t n = pread(fd_, at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot read");
    if (n == 0) {
      reason_ = path_ + " ends too early";
      return false;
    }
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool File::resize(uint64_t size) { return ftruncate(fd_, static_cast<off_t>(size)) == 0 || failed("cannot size"); }

bool File::sync() { return fsync(fd_) == 0 || failed("cannot flush"); }

uint64_t File::size() {
  struct stat status {};
  return fstat(fd_, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool syncFolder(const std::string& path, std::string& reason) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool ok = fd >= 0 && fsync(fd) == 0;
  if (!ok) reason = "cannot flush folder " + path + ": " + std::generic_category().message(errno);
  if (fd >= 0) ::close(fd);
  return ok;
}

}  // namespace melissa
