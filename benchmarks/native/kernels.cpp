// SPDX-License-Identifier: Apache-2.0
/*
 * Question: how close does a kernel come to the memory's limit, on one core, state far larger than the cache?
 * Bound: the bytes that must move for one sample without batching (state in and out, input once; whole cache lines) over the best
 * read-modify-write bandwidth of this core, measured between the repetitions of the kernel. Ratio of a repetition: kernel over the
 * bound of the same repetition. Prints one JSON object.
 * Usage: kernels <question> <MiB of state> <repetitions> [instruction set]
 */
#include <sys/mman.h>

#include <algorithm>
#include <ctime>
#include <utility>

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


template <class Body>
double timed(Body body) {
  const double start = seconds();
  body();
  return seconds() - start;
}

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

/** The better of a += 1 (two accesses an element) and a += b (three), bytes a second of one repetition. */
class Bound {
 public:
  explicit Bound(size_t bytes) : bytes_(bytes), memory_(reinterpret_cast<double*>(allocate(bytes))) {}
  ~Bound() { munmap(memory_, bytes_); }
  double bytesPerSecond() {
    const size_t n = bytes_ / sizeof(double);
    const double alone = timed([&] { add(memory_, nullptr, n); });
    const double pair = timed([&] { add(memory_, memory_ + n / 2, n / 2); });
    return std::max(16.0 * static_cast<double>(n) / alone, 24.0 * static_cast<double>(n / 2) / pair);
  }

 private:
  size_t bytes_;
  double* memory_;
};

struct Question {
  const char* name;
  StatisticsSpec spec;
  size_t batch;         // samples, groups or pairs a call
  double bytesPerCell;  // that must move for one of them, unbatched
  double valuesPerCell;
  size_t sets = 1;      // different inputs in turn: a lattice has its real shape only after many samples
  bool smooth = false;  // neighbouring cells have similar values, as in a field; otherwise each cell is a draw of its own
  bool pairs = false;   // covariance of two fields
};

/** State, input and fold of a question. */
class Subject {
 public:
  Subject(const Question& q, size_t stateBytes) : q_(q), statistics_(q.spec), covariance_(q.spec.dtype, q.spec.dtype, NonFinite::Reject) {
    const size_t tileBytes = q.pairs ? covariance_.tileBytes() : statistics_.tileBytes();
    cells_ = std::max<size_t>(1, stateBytes / tileBytes) * FieldStatistics::TILE_CELLS;
    bytes_ = q.pairs ? covariance_.bytes(cells_) : statistics_.bytes(cells_);
    members_ = q.pairs ? 2 : std::max<size_t>(1, statistics_.groupSize());
    state_ = allocate(bytes_);
    const size_t element = q.spec.dtype == DType::Float32 ? 4 : 8, rows = q.batch * members_ * q.sets;
    inputBytes_ = rows * cells_ * element;
    input_ = allocate(inputBytes_);
    testing::Random random(1);
    double phase = 0;
    for (size_t i = 0; i < rows * cells_; i++) {
      if (i % cells_ == 0) phase = 6.0 * random.uniform();
      const double x = q.smooth ? std::sin(phase + 0.01 * static_cast<double>(i % cells_)) : random.normal();
      const float narrow = static_cast<float>(x);
      std::memcpy(input_ + i * element, element == 4 ? static_cast<const void*>(&narrow) : &x, element);
    }
    for (size_t r = 0; r < rows; r++) values_.push_back(input_ + r * cells_ * element);
  }
  ~Subject() {
    munmap(state_, bytes_);
    munmap(input_, inputBytes_);
  }
  void fold() {
    const void* const* const set = values_.data() + turn_++ % q_.sets * q_.batch * members_;
    if (q_.pairs) covariance_.foldPairs(state_, 0, cells_, set, set + q_.batch, q_.batch);
    else if (members_ > 1) statistics_.foldGroups(state_, 0, cells_, set, index_.data(), q_.batch);
    else statistics_.foldSamples(state_, 0, cells_, set, q_.batch);
  }
  double units() const { return static_cast<double>(cells_ * q_.batch); }
  uint64_t hash() const {
    uint64_t hash = 0;
    for (size_t i = 0; i < bytes_; i += 8) {
      uint64_t word;
      std::memcpy(&word, state_ + i, 8);
      hash = (hash ^ word) * 0x100000001B3;
    }
    return hash;
  }

 private:
  const Question& q_;
  const FieldStatistics statistics_;
  const CovarianceStatistics covariance_;
  size_t cells_, bytes_, members_, inputBytes_, turn_ = 0;
  std::byte *state_, *input_;
  std::vector<const void*> values_;
  const std::vector<uint64_t> index_ = std::vector<uint64_t>(64, 0);
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

void answer(const Question& q, size_t stateBytes, int repetitions) {
  Bound limit(stateBytes);
  Subject subject(q, stateBytes);
  for (size_t s = 0; s < q.sets; s++) subject.fold();  // leaves first samples and new extremes behind
  std::vector<double> ratios, rates, bandwidths;
  for (int r = 0; r < repetitions; r++) {
    const double bandwidth = limit.bytesPerSecond();
    const double rate = subject.units() / timed([&] { subject.fold(); });
    bandwidths.push_back(bandwidth);
    rates.push_back(rate * q.valuesPerCell);
    ratios.push_back(rate * q.bytesPerCell / bandwidth);
  }
  std::printf("{\"question\":\"%s\",\"instructionSet\":\"%s\",\"ratios\":[", q.name, std::string(instructionSet()).c_str());
  for (size_t r = 0; r < ratios.size(); r++) std::printf("%s%.4f", r == 0 ? "" : ",", ratios[r]);
  std::printf("],\"valuesPerSecond\":%.6g,\"boundBytesPerSecond\":%.6g,\"bytesPerCell\":%g,\"hash\":\"%016llx\"}\n", median(rates), median(bandwidths), q.bytesPerCell,
              static_cast<unsigned long long>(subject.hash()));
}

std::vector<Question> questions() {
  std::vector<Question> all;
  StatisticsSpec moments;
  moments.moments = 4, moments.extrema = true;
  for (const auto& [name, batch] : {std::pair{"moments", 1}, {"moments-4", 4}, {"moments-8", 8}}) all.push_back({name, moments, static_cast<size_t>(batch), 8 + 96, 1});
  StatisticsSpec narrow = moments;
  narrow.dtype = DType::Float32;
  all.push_back({"moments-float32", narrow, 1, 4 + 96, 1});
  StatisticsSpec exceed = moments;
  exceed.thresholds = {1.0};
  all.push_back({"moments-threshold", exceed, 1, 8 + 96 + 8, 1});
  StatisticsSpec lattice;
  lattice.quantiles = {0.5};
  all.push_back({"lattice", lattice, 1, 8 + 16 + 4 + 128, 1, 32});
  all.push_back({"lattice-4", lattice, 4, 8 + 16 + 4 + 128, 1, 8});
  all.push_back({"lattice-smooth", lattice, 1, 8 + 16 + 4 + 128, 1, 32, true});
  all.push_back({"lattice-smooth-4", lattice, 4, 8 + 16 + 4 + 128, 1, 8, true});
  StatisticsSpec fisher;
  fisher.sobol = Estimator::Martinez, fisher.interval = Interval::Fisher, fisher.sobolParameters = 6;
  all.push_back({"sobol", fisher, 1, 64 + 28 * 16, 8});
  all.push_back({"sobol-4", fisher, 4, 64 + 28 * 16, 8});
  StatisticsSpec robust = fisher;
  robust.interval = Interval::Robust;
  all.push_back({"sobol-robust", robust, 1, 64 + 104 * 16, 8});
  all.push_back({"sobol-robust-4", robust, 4, 64 + 104 * 16, 8});
  all.push_back({"covariance", {}, 1, 16 + 5 * 16, 2, 1, false, true});
  all.push_back({"covariance-4", {}, 4, 16 + 5 * 16, 2, 1, false, true});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: kernels <question> <MiB of state> <repetitions> [instruction set]\n"), 2;
  if (argc > 4 && !forceInstructionSet(argv[4])) return std::fprintf(stderr, "no such instruction set here: %s\n", argv[4]), 2;
  for (const Question& q : questions()) {
    if (std::strcmp(q.name, argv[1]) != 0) continue;
    answer(q, std::strtoull(argv[2], nullptr, 10) << 20, std::atoi(argv[3]));
    return 0;
  }
  return std::fprintf(stderr, "no such question: %s\n", argv[1]), 2;
}
