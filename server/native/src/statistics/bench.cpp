// SPDX-License-Identifier: Apache-2.0
/*
 * Question: how close do the kernels come to the memory's limit, state far larger than the cache, one core?
 * Bound: bytes that must move a value (state in and out, input once) over the best read-modify-write bandwidth of this core in
 * the same run. Prints values/s, GB/s moved and achieved / bound; a batched line is compared with the unbatched bound.
 * Usage: statistics_bench [instruction set] [MiB of state] [repetitions]
 */
#include <sys/mman.h>

#include <algorithm>
#include <chrono>

#include "testing.h"

using namespace melissa;

namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/** Mapped memory, asking for large pages where the system gives them. */
std::byte* allocate(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) std::abort();
  madvise(p, bytes, MADV_HUGEPAGE);
  std::memset(p, 0, bytes);
  return static_cast<std::byte*>(p);
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

template <class Body>
double timed(int repetitions, Body body) {
  std::vector<double> all;
  body();
  for (int r = 0; r < repetitions; r++) {
    const double start = seconds();
    body();
    all.push_back(seconds() - start);
  }
  return median(all);
}

/** a += b over large arrays: bytes a second of three accesses (two reads, one write), the best of several stream counts. */
double readModifyWrite(size_t bytes, int repetitions) {
  double best = 0;
  for (const size_t streams : {1UL, 2UL, 4UL}) {
    const size_t n = bytes / sizeof(double) / streams / 2;
    auto* memory = reinterpret_cast<double*>(allocate(bytes));
    const double t = timed(repetitions, [&] {
      for (size_t s = 0; s < streams; s++) {
        double* __restrict a = memory + 2 * s * n;
        const double* __restrict b = a + n;
        for (size_t i = 0; i < n; i++) a[i] += b[i];
      }
    });
    best = std::max(best, 24.0 * static_cast<double>(n * streams) / t);
    munmap(memory, bytes);
  }
  return best;
}

struct Question {
  const char* name;
  StatisticsSpec spec;
  size_t batch;           // samples or groups a call
  double bytesPerCell;    // that must move for one sample or group, unbatched
  double valuesPerCell;
};

void answer(const Question& q, size_t stateBytes, int repetitions, double bandwidth) {
  const FieldStatistics statistics(q.spec);
  const size_t tiles = std::max<size_t>(1, stateBytes / statistics.tileBytes()), cells = tiles * FieldStatistics::TILE_CELLS;
  const size_t bytes = statistics.bytes(cells), group = std::max<size_t>(1, statistics.groupSize());
  std::byte* const state = allocate(bytes);
  const size_t element = q.spec.dtype == DType::Float32 ? 4 : 8, rows = q.batch * group;
  std::byte* const input = allocate(rows * cells * element);
  testing::Random random(1);
  for (size_t i = 0; i < rows * cells; i++) {
    const double x = random.normal();
    const float narrow = static_cast<float>(x);
    std::memcpy(input + i * element, element == 4 ? static_cast<const void*>(&narrow) : &x, element);
  }
  std::vector<const void*> values;
  for (size_t r = 0; r < rows; r++) values.push_back(input + r * cells * element);
  const std::vector<uint64_t> index(q.batch, 0);
  const double t = timed(repetitions, [&] {
    if (group > 1) statistics.foldGroups(state, 0, cells, values.data(), index.data(), q.batch);
    else statistics.foldSamples(state, 0, cells, values.data(), q.batch);
  });
  const double units = static_cast<double>(cells * q.batch) / t, bound = bandwidth / q.bytesPerCell;
  uint64_t hash = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, state + i, 8);
    hash = (hash ^ word) * 0x100000001B3;
  }
  std::printf("%-28s %8.1f M values/s %8.2f ns a cell %7.1f GB/s  %.2f of the bound   (hash %016llx)\n", q.name,
              units * q.valuesPerCell / 1e6, 1e9 / units, units * q.bytesPerCell / 1e9, units / bound, static_cast<unsigned long long>(hash));
  munmap(state, bytes);
  munmap(input, rows * cells * element);
}

std::vector<Question> questions() {
  std::vector<Question> all;
  StatisticsSpec moments;
  moments.moments = 4, moments.extrema = true;
  all.push_back({"moments+extrema", moments, 1, 8 + 96, 1});
  all.push_back({"moments+extrema, 4 at a time", moments, 4, 8 + 96, 1});
  all.push_back({"moments+extrema, 8 at a time", moments, 8, 8 + 96, 1});
  StatisticsSpec narrow = moments;
  narrow.dtype = DType::Float32;
  all.push_back({"moments+extrema, float32", narrow, 1, 4 + 96, 1});
  StatisticsSpec exceed = moments;
  exceed.thresholds = {1.0};
  all.push_back({"with one threshold", exceed, 1, 8 + 96 + 8, 1});
  StatisticsSpec lattice;
  lattice.quantiles = {0.5};
  all.push_back({"lattice", lattice, 1, 8 + 16 + 4 + 128, 1});
  all.push_back({"lattice, 4 at a time", lattice, 4, 8 + 16 + 4 + 128, 1});
  StatisticsSpec fisher;
  fisher.sobol = Estimator::Martinez, fisher.interval = Interval::Fisher, fisher.sobolParameters = 6;
  all.push_back({"Sobol' P=6 Fisher", fisher, 1, 64 + 28 * 16, 8});
  all.push_back({"Sobol' P=6 Fisher, 4 groups", fisher, 4, 64 + 28 * 16, 8});
  StatisticsSpec robust = fisher;
  robust.interval = Interval::Robust;
  all.push_back({"Sobol' P=6 Robust", robust, 1, 64 + 104 * 16, 8});
  all.push_back({"Sobol' P=6 Robust, 4 groups", robust, 4, 64 + 104 * 16, 8});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && !forceInstructionSet(argv[1])) return std::fprintf(stderr, "no such instruction set here: %s\n", argv[1]), 1;
  const size_t stateBytes = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256) << 20;
  const int repetitions = argc > 3 ? std::atoi(argv[3]) : 5;
  const double bandwidth = readModifyWrite(stateBytes, repetitions);
  std::printf("%s, read-modify-write %.1f GB/s\n", std::string(instructionSet()).c_str(), bandwidth / 1e9);
  for (const Question& q : questions()) answer(q, stateBytes, repetitions, bandwidth);
}
