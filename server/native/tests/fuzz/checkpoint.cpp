// SPDX-License-Identifier: Apache-2.0
/*
 * The reader of checkpoints, given files that are not as they were written: the input says which bytes of a sound file differ,
 * where it ends, and which of its checksums are made right again. A file is either restored as it was, or passed over with a
 * sentence, and then the core is as new.
 */
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "checkpoint/reader.h"
#include "checkpoint/writer.h"
#include "core/testing.h"
#include "fuzz.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

struct Sound {
  RankOptions study;
  CheckpointIdentity identity;
  std::string folder;
  std::vector<std::byte> file;
  std::vector<std::byte> books;
  std::unique_ptr<RankCore> core;

  std::string path() const { return folder + "/" + checkpointName(0, 1); }
};

/* A study with everything that books can hold: groups, a covariance, simulations that are done, under way and unknown. */
const Sound& sound() {
  static const Sound made = [] {
    Sound s;
    s.study = aSobolStudy(3);
    s.study.fields.push_back(aField(3, "pressure"));
    s.study.covariances = {{0, 1}};
    s.study.fingerprint = "fuzz";
    s.identity = {s.study.fingerprint, 0, 1};
    char name[] = "/tmp/melissa-fuzz-XXXXXX";
    FUZZ_CHECK(mkdtemp(name) != nullptr);
    s.folder = name;
    std::atexit([] { std::filesystem::remove_all(sound().folder); });
    s.core = aCore(s.study);
    Sink sink;
    for (uint32_t i = 0; i < 4; ++i) runAll(*s.core, Client{&s.study, "p", i}, sink);
    const Client half{&s.study, "q", 5};
    deliver(*s.core, "q", half.open(), sink);
    deliver(*s.core, "q", half.data(0, 0, 1), sink);
    s.core->flush(sink);
    s.books = s.core->saveBooks();
    CheckpointWriter writer(s.core->arena(), s.identity, s.folder);
    std::promise<CheckpointResult> promise;
    writer.begin(1, s.core->epoch(), s.core->saveBooks(), [&](const CheckpointResult& r) { promise.set_value(r); });
    FUZZ_CHECK(promise.get_future().get().ok);
    s.file.resize(std::filesystem::file_size(s.path()));
    const int file = open(s.path().c_str(), O_RDONLY);
    FUZZ_CHECK(file >= 0 && read(file, s.file.data(), s.file.size()) == static_cast<ssize_t>(s.file.size()));
    close(file);
    return s;
  }();
  return made;
}

uint64_t number(const uint8_t*& at, const uint8_t* end, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes && at < end; ++i) value |= uint64_t{*at++} << (8 * i);
  return value;
}

/* Patches of the form (where, what); true when the bytes are not as they were. */
bool patch(std::vector<std::byte>& bytes, const uint8_t*& at, const uint8_t* end, size_t patches) {
  const std::vector<std::byte> before = bytes;
  for (; patches > 0 && at < end && !bytes.empty(); --patches) {
    const size_t place = number(at, end, 3) % bytes.size();
    const size_t width = 1 + number(at, end, 1) % 8;
    for (size_t i = 0; i < width && place + i < bytes.size() && at < end; ++i) bytes[place + i] = static_cast<std::byte>(*at++);
  }
  return bytes != before;
}

void asNew(const RankCore& core) {
  for (const ConsumerDigest& digest : core.digests()) FUZZ_CHECK(digest.digest == 0 && digest.units == 0);
  for (uint8_t bits : core.finishedBitmap()) FUZZ_CHECK(bits == 0);
}

/* Makes the last 8 bytes of [begin, end) the hash of the others. */
void sealPart(std::vector<std::byte>& bytes, size_t begin, size_t end) {
  if (end > bytes.size() || end < begin + 8) return;
  const uint64_t hash = payloadHash(bytes.data() + begin, end - begin - 8);
  std::memcpy(bytes.data() + end - 8, &hash, 8);
}

void aFile(const uint8_t* at, const uint8_t* end) {
  const Sound& s = sound();
  std::vector<std::byte> bytes = s.file;
  const uint8_t how = static_cast<uint8_t>(number(at, end, 1));
  patch(bytes, at, end, 1 + how % 4);
  if ((how & 16) != 0) bytes.resize(bytes.size() * number(at, end, 2) / 65536);
  if ((how & 32) != 0) sealPart(bytes, 0, CHECKPOINT_HEADER_BYTES);
  if ((how & 64) != 0) sealPart(bytes, 0, bytes.size());
  const int file = open(s.path().c_str(), O_WRONLY | O_TRUNC);
  FUZZ_CHECK(file >= 0 && write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  close(file);
  auto core = aCore(s.study);
  const Restored restored = restoreNewest(s.folder, s.identity, 1, *core);
  if (restored.number == 0) {
    FUZZ_CHECK(restored.refused.size() == 1 && !restored.refused[0].empty());
    asNew(*core);
    return;
  }
  // Bytes that nobody reads (padding) may differ, and a header that was sealed again may name another epoch.
  FUZZ_CHECK(equalDigests(*core, *s.core));
  FUZZ_CHECK(std::memcmp(core->arena().base(), s.core->arena().base(), core->arena().bytes()) == 0);
}

/* The books behind their checksums: not from a disk's fault, but a reader must not rely on that. */
void theBooks(const uint8_t* at, const uint8_t* end) {
  const Sound& s = sound();
  std::vector<std::byte> books = s.books;
  const bool differ = patch(books, at, end, 4);
  if (at < end) books.resize(books.size() * number(at, end, 2) / 65535);
  auto core = aCore(s.study);
  std::string why;
  const bool ok = core->restoreBooks(books, why);
  if (!ok) {
    FUZZ_CHECK(!why.empty());
    asNew(*core);
    return;
  }
  // What was accepted must be usable: saved, restored and gone on with.
  if (!differ && books.size() == s.books.size()) FUZZ_CHECK(equalDigests(*core, *s.core));
  const std::vector<std::byte> again = core->saveBooks();
  auto second = aCore(s.study);
  FUZZ_CHECK(second->restoreBooks(again, why));
  // Their order is that of hash tables; their number is not.
  FUZZ_CHECK(second->saveBooks().size() == again.size() && second->finishedBitmap() == core->finishedBitmap());
  Sink sink;
  for (uint32_t i = 0; i < s.study.simulations; ++i) runAll(*core, Client{&s.study, "r", i, 0, 3}, sink);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  if (data[0] % 2 == 0) aFile(data + 1, data + size);
  else theBooks(data + 1, data + size);
  failures = 0;  // what the client of a changed study is told is not the matter here
  return 0;
}
