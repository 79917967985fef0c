// SPDX-License-Identifier: Apache-2.0
/* A snapshot shows the state as it was at begin, however much is folded meanwhile; a full disk leaves the older one in force. */
#include "checkpoint/writer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <future>

#include "checkpoint/reader.h"
#include "core/testing.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

/* 16 slabs of about 8 MB: many pieces, so that folds meet unsaved ones. */
RankOptions aLargeStudy() {
  RankOptions study = aStudy(64);
  study.fields = {aField(0, "temperature", 200'000)};
  study.fields[0].keptSteps.clear();
  for (uint32_t step = 0; step < 16; ++step) study.fields[0].keptSteps.push_back(step);
  return study;
}

std::string folder() {
  char name[] = "/tmp/melissa-checkpoint-XXXXXX";
  CHECK(mkdtemp(name) != nullptr);
  return name;
}

void send(RankCore& core, const RankOptions& study, uint32_t simulation) {
  Sink sink;
  const Client client{&study, "p", simulation};
  deliver(core, "p", client.open(), sink);
  for (uint32_t step = 0; step < study.fields[0].keptSteps.size(); ++step) {
    deliver(core, "p", client.data(0, step, step + 1), sink);
    core.flush(sink);
  }
  CHECK(finished(core, simulation));
}

CheckpointResult written(CheckpointWriter& writer, RankCore& core, uint64_t number) {
  std::promise<CheckpointResult> promise;
  writer.begin(number, core.epoch(), core.saveBooks(), [&](const CheckpointResult& r) { promise.set_value(r); });
  return promise.get_future().get();
}

void folding() {
  const RankOptions study = aLargeStudy();
  const std::string path = folder();
  const CheckpointIdentity identity{study.fingerprint, study.rank, study.ranks};
  auto core = aCore(study);
  CheckpointWriter writer(core->arena(), identity, path);
  send(*core, study, 0);
  send(*core, study, 1);
  const std::vector<std::byte> before(core->arena().base(), core->arena().base() + core->arena().bytes());
  const auto digests = core->digests();
  std::promise<CheckpointResult> promise;
  writer.begin(1, core->epoch(), core->saveBooks(), [&](const CheckpointResult& r) { promise.set_value(r); });
  for (uint32_t i = 2; i < 5; ++i) send(*core, study, i);
  const CheckpointResult result = promise.get_future().get();
  CHECK(result.ok && result.bytes > core->arena().bytes() / 2);
  CHECK(std::memcmp(before.data(), core->arena().base(), before.size()) != 0);

  auto second = aCore(study);
  const Restored back = restoreNewest(path, identity, 1, *second);
  CHECK(back.number == 1 && back.refused.empty());
  CHECK(std::memcmp(before.data(), second->arena().base(), before.size()) == 0);
  CHECK(second->digests()[0].digest == digests[0].digest && second->digests()[0].units == 32);
  for (uint32_t i = 2; i < 5; ++i) send(*second, study, i);
  CHECK(equalDigests(*core, *second));
  CHECK(std::memcmp(core->arena().base(), second->arena().base(), before.size()) == 0);
  std::filesystem::remove_all(path);
}

void fullDisk() {
  const RankOptions study = aStudy();
  const std::string path = folder();
  const CheckpointIdentity identity{study.fingerprint, study.rank, study.ranks};
  auto core = aCore(study);
  CheckpointWriter writer(core->arena(), identity, path);
  Sink sink;
  runAll(*core, {&study, "p", 0}, sink);
  CHECK(written(writer, *core, 1).ok);
  // A limit on the size of files stands for a disk that is full.
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  const rlimit small{10'000, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &small);
  const CheckpointResult failed = written(writer, *core, 2);
  setrlimit(RLIMIT_FSIZE, &unlimited);
  CHECK(!failed.ok && failed.reason.find("File too large") != std::string::npos);
  CHECK(checkpointNumbers(path, 0) == std::vector<uint64_t>{1});
  CHECK(std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()) == 1);
  CHECK(written(writer, *core, 3).ok);
  auto second = aCore(study);
  CHECK(restoreNewest(path, identity, 2, *second).number == 1);
  std::filesystem::remove_all(path);
}

void everyByteCounts() {
  const RankOptions study = aStudy();
  const std::string path = folder();
  const CheckpointIdentity identity{study.fingerprint, study.rank, study.ranks};
  auto core = aCore(study);
  CheckpointWriter writer(core->arena(), identity, path);
  Sink sink;
  runAll(*core, {&study, "p", 0}, sink);
  CHECK(written(writer, *core, 1).ok);
  const std::string name = path + "/" + checkpointName(0, 1);
  File file;
  CHECK(file.openToRead(name));
  std::vector<std::byte> good(file.size());
  CHECK(file.read(good.data(), good.size(), 0));
  CheckpointHeader header;
  CHECK(decodeHeader({good.begin(), good.begin() + CHECKPOINT_HEADER_BYTES}, header).empty());
  const size_t booksEnd = CHECKPOINT_HEADER_BYTES + header.booksBytes;
  std::mt19937_64 random(1);
  for (int n = 0; n < 400; ++n) {
    const size_t at = random() % good.size();
    if (at >= booksEnd && at < header.stateOffset()) continue;  // padding
    const size_t inState = at - header.stateOffset();
    bool padding = at >= header.stateOffset() && at < header.footerOffset();
    for (const StateArena::Piece& p : core->arena().pieces()) padding = padding && !(inState >= p.offset && inState < p.offset + p.bytes);
    if (padding) continue;
    std::vector<std::byte> bad = good;
    bad[at] ^= static_cast<std::byte>(1u << (random() % 8));
    if (n % 4 == 0) {
      bad = good;
      bad.resize(at);
    }
    File out;
    CHECK(out.create(name) && out.write(bad.data(), bad.size(), 0));
    auto second = aCore(study);
    const Restored back = restoreNewest(path, identity, 1, *second);
    CHECK(back.number == 0 && back.refused.size() == 1);
    CHECK(second->digests()[0].units == 0 && !finished(*second, 0));
  }
  std::filesystem::remove_all(path);
}

}  // namespace

int main() {
  folding();
  fullDisk();
  everyByteCounts();
  return result("checkpoint");
}
