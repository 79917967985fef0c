// SPDX-License-Identifier: Apache-2.0
/*
 * Raw fields of chosen simulations, for checking statistics offline: <folder>/<field>/<simulation>.npy of shape (kept steps, kept
 * cells). Several ranks write into one file, each its own cells; all of them write the same header, so nobody has to be first.
 */
#pragma once
#include <list>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/rank_core.h"

namespace melissa {

class RawWriter : public RawSink {
 public:
  RawWriter(const RankOptions& options, std::string folder) : options_(options), folder_(std::move(folder)) {}
  ~RawWriter() override;
  RawWriter(const RawWriter&) = delete;
  RawWriter& operator=(const RawWriter&) = delete;

  void write(const Block& block) override;
  bool hasFaults() const { return !faults_.empty(); }
  /* At most one a simulation: the attempt's raw values are incomplete. */
  std::vector<Fault> takeFaults() { return std::move(faults_); }

 private:
  int fileOf(const Block& block);
  void failed(const Block& block, const std::string& what);

  const RankOptions& options_;
  std::string folder_;
  struct Open {
    uint64_t key;
    int fd;
  };
  std::list<Open> open_;  // the last used first
  std::unordered_map<uint64_t, std::list<Open>::iterator> index_;
  std::unordered_set<uint32_t> failed_;
  std::vector<Fault> faults_;
};

/* The 128 bytes before the values of a two-dimensional array in NumPy's format 1.0. */
std::string npyHeader(DType dtype, uint64_t rows, uint64_t columns);

}  // namespace melissa
