// SPDX-License-Identifier: Apache-2.0
#include "io/raw_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace melissa {
namespace {

// Files kept open: enough for the simulations that run at once, far below the usual limit of 1,024.
constexpr size_t FILES_MAX = 64;
constexpr size_t NPY_HEADER_BYTES = 128;

bool writeAll(int fd, const void* bytes, size_t size, uint64_t offset) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = pwrite(fd, at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

std::string npyHeader(DType dtype, uint64_t rows, uint64_t columns) {
  char dictionary[NPY_HEADER_BYTES];
  std::snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64 "), }", dtype == DType::Float32 ? "<f4" : "<f8", rows,
                columns);
  std::string text = dictionary;
  text.resize(NPY_HEADER_BYTES - 10 - 1, ' ');
  text.push_back('\n');
  const unsigned length = NPY_HEADER_BYTES - 10;
  std::string header = "\x93NUMPY";
  header += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return header + text;
}

RawWriter::~RawWriter() {
  for (const Open& open : open_) close(open.fd);
}

int RawWriter::fileOf(const Block& block) {
  const uint64_t key = static_cast<uint64_t>(block.field) << 32 | block.simulation;
  if (const auto known = index_.find(key); known != index_.end()) {
    open_.splice(open_.begin(), open_, known->second);
    return known->second->fd;
  }
  const FieldOptions& field = options_.fields[block.field];
  char name[32];
  std::snprintf(name, sizeof name, "%06u.npy", block.simulation);
  const std::filesystem::path folder = std::filesystem::path(folder_) / field.name;
  std::error_code none;
  std::filesystem::create_directories(folder, none);
  const int fd = open((folder / name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  const std::string header = npyHeader(field.statistics.dtype, field.keptSteps.size(), field.keptCells);
  const uint64_t valueBytes = field.statistics.dtype == DType::Float32 ? 4 : 8;
  const uint64_t total = NPY_HEADER_BYTES + field.keptSteps.size() * field.keptCells * valueBytes;
  if (ftruncate(fd, static_cast<off_t>(total)) != 0 || !writeAll(fd, header.data(), header.size(), 0)) {
    close(fd);
    return -1;
  }
  if (open_.size() >= FILES_MAX) {
    close(open_.back().fd);
    index_.erase(open_.back().key);
    open_.pop_back();
  }
  open_.push_front({key, fd});
  index_[key] = open_.begin();
  return fd;
}

void RawWriter::write(const Block& block) {
  const FieldOptions& field = options_.fields[block.field];
  const uint64_t valueBytes = field.statistics.dtype == DType::Float32 ? 4 : 8;
  const uint64_t first = block.stepIndex * field.keptCells + field.cellBegin + block.begin;
  const int fd = fileOf(block);
  if (fd < 0 || !writeAll(fd, block.values, block.bytes, NPY_HEADER_BYTES + first * valueBytes)) failed(block, std::generic_category().message(errno));
}

void RawWriter::failed(const Block& block, const std::string& what) {
  if (!failed_.insert(block.simulation).second) return;
  faults_.push_back({block.simulation, block.draw, 0, "ERAW", "raw values cannot be kept in " + folder_ + ": " + what});
}

}  // namespace melissa
