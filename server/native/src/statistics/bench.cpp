// SPDX-License-Identifier: Apache-2.0
/*
 * Question: how close do the kernels come to the memory's limit, state far larger than the cache, one core?
 * Bound: bytes that must move a value (state in and out, input once) over the best read-modify-write bandwidth of this core in
 * the same run. Prints values/s, GB/s moved and achieved / bound; a batched line is compared with the unbatched bound.
 * Usage: statistics_bench [instruction set] [MiB of state] [repetitions] [part of a question's name]
 */
#include <sys/mman.h>

#include <algorithm>
#include <ctime>

#include "testing.h"

using namespace melissa;

namespace {

/** Processor time of this thread: being set aside for other work does not count. */
double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/** Mapped memory, asking for large pages where the system gives them. */
std::byte* allocate(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) std::abort();
  madvise(p, bytes, MADV_HUGEPAGE);
  std::memset(p, 0, bytes);
  return static_cast<std::byte*>(p);
}


/** Least time of a repetition: other work on the machine only ever adds. */
struct Best {
  double seconds = 1e300;

  template <class Body>
  void time(Body body) {
    const double start = ::seconds();
    body();
    seconds = std::min(seconds, ::seconds() - start);
  }
};

/* The bound's own loop, as wide as the processor allows: a compiler left alone uses half registers. */
typedef double Eight __attribute__((vector_size(64), aligned(8), may_alias));
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));

template <class Vector>
[[gnu::always_inline]] inline void addRange(double* a, const double* b, size_t n) {
  constexpr size_t width = sizeof(Vector) / sizeof(double);
  for (size_t i = 0; i + width <= n; i += width) {
    const Vector added = b == nullptr ? Vector{} + 1.0 : *reinterpret_cast<const Vector*>(b + i);
    *reinterpret_cast<Vector*>(a + i) += added;
  }
}
#if defined(__x86_64__)
[[gnu::target("avx512f")]] void addWidest(double* a, const double* b, size_t n) { addRange<Eight>(a, b, n); }
[[gnu::target("avx2")]] void addWide(double* a, const double* b, size_t n) { addRange<Four>(a, b, n); }
void add(double* a, const double* b, size_t n) {
  if (__builtin_cpu_supports("avx512f")) return addWidest(a, b, n);
  if (__builtin_cpu_supports("avx2")) return addWide(a, b, n);
  addRange<Four>(a, b, n);
}
#else
void add(double* a, const double* b, size_t n) { addRange<Four>(a, b, n); }
#endif

/** Best of a += 1 (two accesses an element) and a += b (three), one repetition at a time between those of the kernel. */
class Bound {
 public:
  explicit Bound(size_t bytes) : bytes_(bytes), memory_(reinterpret_cast<double*>(allocate(bytes))) {}
  ~Bound() { munmap(memory_, bytes_); }
  void time() {
    const size_t n = bytes_ / sizeof(double);
    alone_.time([&] { add(memory_, nullptr, n); });
    pair_.time([&] { add(memory_, memory_ + n / 2, n / 2); });
  }
  double bytesPerSecond() const {
    const double elements = static_cast<double>(bytes_) / sizeof(double);
    return std::max(16.0 * elements / alone_.seconds, 24.0 * elements / 2 / pair_.seconds);
  }

 private:
  size_t bytes_;
  double* memory_;
  Best alone_, pair_;
};

struct Question {
  const char* name;
  StatisticsSpec spec;
  size_t batch;           // samples or groups a call
  double bytesPerCell;    // that must move for one sample or group, unbatched
  double valuesPerCell;
  size_t sets = 1;        // different inputs in turn: a lattice has its real shape only after many samples
  bool smooth = false;    // neighbouring cells have similar values, as in a field; otherwise each cell is a draw of its own
};

void answer(const Question& q, size_t stateBytes, int repetitions, Bound& limit) {
  const FieldStatistics statistics(q.spec);
  const size_t tiles = std::max<size_t>(1, stateBytes / statistics.tileBytes()), cells = tiles * FieldStatistics::TILE_CELLS;
  const size_t bytes = statistics.bytes(cells), group = std::max<size_t>(1, statistics.groupSize());
  std::byte* const state = allocate(bytes);
  const size_t element = q.spec.dtype == DType::Float32 ? 4 : 8, rows = q.batch * group * q.sets;
  std::byte* const input = allocate(rows * cells * element);
  testing::Random random(1);
  double phase = 0;
  for (size_t i = 0; i < rows * cells; i++) {
    if (i % cells == 0) phase = 6.0 * random.uniform();
    const double x = q.smooth ? std::sin(phase + 0.01 * static_cast<double>(i % cells)) : random.normal();
    const float narrow = static_cast<float>(x);
    std::memcpy(input + i * element, element == 4 ? static_cast<const void*>(&narrow) : &x, element);
  }
  std::vector<const void*> values;
  for (size_t r = 0; r < rows; r++) values.push_back(input + r * cells * element);
  const std::vector<uint64_t> index(q.batch, 0);
  size_t turn = 0;
  const auto fold = [&] {
    const void* const* const set = values.data() + turn++ % q.sets * q.batch * group;
    if (group > 1) statistics.foldGroups(state, 0, cells, set, index.data(), q.batch);
    else statistics.foldSamples(state, 0, cells, set, q.batch);
  };
  Best kernel;
  for (size_t s = 0; s < q.sets; s++) fold();  // leaves first samples and new extremes behind
  for (int r = 0; r < repetitions; r++) {
    limit.time();
    kernel.time(fold);
  }
  const double bandwidth = limit.bytesPerSecond(), t = kernel.seconds;
  const double units = static_cast<double>(cells * q.batch) / t, bound = bandwidth / q.bytesPerCell;
  uint64_t hash = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, state + i, 8);
    hash = (hash ^ word) * 0x100000001B3;
  }
  std::printf("%s, read-modify-write %4.1f GB/s: %-28s %7.1f M values/s %8.2f ns a cell %7.1f GB/s  %.2f of the bound   (hash %016llx)\n",
              std::string(instructionSet()).c_str(), bandwidth / 1e9, q.name,
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
  all.push_back({"lattice", lattice, 1, 8 + 16 + 4 + 128, 1, 32});
  all.push_back({"lattice, smooth field", lattice, 1, 8 + 16 + 4 + 128, 1, 32, true});
  all.push_back({"lattice, smooth, 4 at a time", lattice, 4, 8 + 16 + 4 + 128, 1, 8, true});
  all.push_back({"lattice, 4 at a time", lattice, 4, 8 + 16 + 4 + 128, 1, 8});
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
  for (const Question& q : questions()) {
    if (argc > 4 && std::strstr(q.name, argv[4]) == nullptr) continue;
    Bound limit(stateBytes);
    answer(q, stateBytes, repetitions, limit);
  }
}
