// SPDX-License-Identifier: Apache-2.0
/*
 * The data plane of a rank, fed by clients that have the token: right frames in any order, wrong ones with the right checksum,
 * bytes of any kind, and the head's commands in between. The input is a script of such acts. Whatever happens, no unit is
 * folded twice, what is held stays within its bound, and the books restore to the same books.
 */
#include <map>

#include "core/questions.h"
#include "core/testing.h"
#include "fuzz.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

constexpr uint32_t SIMULATIONS = 6;
constexpr uint16_t DRAWS = 3;
constexpr uint32_t STEPS = 3;
constexpr size_t ACTS_MAX = 400;

class Script {
 public:
  Script(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}
  bool over() const { return at_ == end_; }
  uint8_t byte() { return over() ? 0 : *at_++; }
  uint32_t below(uint32_t limit) { return byte() % limit; }
  std::vector<std::byte> bytes(size_t count) {
    count = std::min<size_t>(count, end_ - at_);
    const std::byte* from = reinterpret_cast<const std::byte*>(at_);
    at_ += count;
    return {from, from + count};
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

RankOptions studyOf(uint32_t kind) {
  RankOptions study = kind == 1 ? aSobolStudy(SIMULATIONS / 3) : aStudy(SIMULATIONS);
  if (kind >= 2) {
    study.fields.push_back(aField(3, "pressure"));
    study.covariances = {{0, 1}};
  }
  study.partialWhole = kind == 3;
  study.heldBytesMax = 1 << 20;
  return study;
}

class Play {
 public:
  Play(Script& script, uint32_t kind) : script_(script), study_(studyOf(kind)), core_(aCore(study_)) {}

  void act() {
    switch (script_.below(14)) {
      case 0:
      case 1: return give(client().open(1 + script_.below(3)));
      case 2:
      case 3:
      case 4:
      case 5:
      case 6: return give(dataOf(client()));
      case 7: return give(client().close());
      case 8: return give(twisted());
      case 9: return give(std::make_shared<std::vector<std::byte>>(script_.bytes(script_.byte())));
      case 10: return core_->flush(sink_);
      case 11: return command();
      case 12: (void)core_->takeReport(); return;
      default: return restart();
    }
  }

  void judge() {
    core_->flush(sink_);
    // Each draw of a simulation is a sample of its own.
    const uint64_t samples = uint64_t{SIMULATIONS} * DRAWS;
    for (size_t field = 0; field < study_.fields.size(); ++field) {
      for (uint32_t step = 0; step < STEPS; ++step) {
        std::vector<double> counts;
        std::string why;
        const uint64_t cells = study_.fields[field].keptCells;
        FUZZ_CHECK(readStatistic(*core_, {study_.fields[field].index, step, "count", 0, 0, cells}, counts, why));
        for (double count : counts) FUZZ_CHECK(count >= 0 && count <= static_cast<double>(samples));
      }
    }
    FUZZ_CHECK(core_->heldBytes() <= study_.heldBytesMax);
    restart();
  }

 private:
  Client client() {
    const uint8_t who = script_.byte();
    Client c{&study_, std::string(1, static_cast<char>('a' + who % 5)), who % (SIMULATIONS + 1)};
    c.id = 70 + who % 3;
    c.draw = (who >> 3) % DRAWS;
    c.attempt = 1 + (who >> 5) % 3;
    c.ranks = 1 + (who >> 6) % 3;
    c.rank = (who >> 4) % c.ranks;
    c.epoch = core_->epoch();
    return c;
  }
  Frame dataOf(const Client& c) {
    const uint16_t field = static_cast<uint16_t>(script_.below(static_cast<uint32_t>(study_.fields.size())));
    const uint32_t step = script_.below(STEPS);
    // Mostly the number that comes next, so that frames are accepted.
    uint64_t& expected = sequences_[c.peer + std::to_string(c.simulation) + "." + std::to_string(c.attempt) + "." + std::to_string(c.draw)];
    const uint8_t jump = script_.byte();
    const uint64_t sequence = jump < 200 ? ++expected : jump % 8;
    return c.data(field, step, sequence);
  }
  /* A right frame with some numbers changed, and the checksum that lets it pass. */
  Frame twisted() {
    const Client c = client();
    const bool isData = script_.byte() % 2 == 0;
    Frame frame = isData ? dataOf(c) : c.open();
    uint8_t* bytes = reinterpret_cast<uint8_t*>(frame->data());
    for (uint32_t i = 1 + script_.below(3); i > 0; --i) {
      const size_t at = (script_.byte() | script_.byte() << 8) % frame->size();
      bytes[at] = script_.byte();
    }
    if (script_.byte() % 4 == 0) frame->resize(frame->size() * script_.byte() / 256);
    if (frame->empty()) return frame;
    fuzz_seal(reinterpret_cast<uint8_t*>(frame->data()), isData ? std::min<size_t>(frame->size(), MLP_DATA_HEADER_BYTES) : frame->size());
    return frame;
  }
  void give(const Frame& frame) {
    const std::string peer(1, static_cast<char>('a' + script_.below(5)));
    deliver(*core_, peer, frame, sink_);
    sink_.replies.clear();
  }
  void command() {
    const uint8_t which = script_.byte();
    const uint32_t simulation = which % (SIMULATIONS + 1);
    const uint16_t draw = (which >> 3) % DRAWS;
    const uint16_t attempt = 1 + (which >> 5) % 3;
    switch (script_.below(4)) {
      case 0: return core_->attempt(simulation % SIMULATIONS, draw, attempt, script_.byte() % 2 == 0);
      case 1:
        (void)core_->fold(simulation % SIMULATIONS, draw, attempt);
        return;
      case 2: return core_->setEpoch(core_->epoch() + script_.below(2));
      default: return core_->flush(sink_);
    }
  }
  /* As from a checkpoint: what was held is lost, all else is as it was. */
  void restart() {
    const std::vector<std::byte> books = core_->saveBooks();
    auto restored = aCore(study_);
    std::string why;
    FUZZ_CHECK(restored->restoreBooks(books, why));
    std::memcpy(restored->arena().base(), core_->arena().base(), core_->arena().bytes());
    FUZZ_CHECK(equalDigests(*restored, *core_));
    // Their order is that of hash tables; their number is not.
    FUZZ_CHECK(restored->saveBooks().size() == books.size() && restored->finishedBitmap() == core_->finishedBitmap());
    restored->setEpoch(core_->epoch());
    core_ = std::move(restored);
    sequences_.clear();
  }

  Script& script_;
  RankOptions study_;
  std::unique_ptr<RankCore> core_;
  Sink sink_;
  std::map<std::string, uint64_t> sequences_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Script script(data, size);
  Play play(script, script.below(4));
  for (size_t acts = 0; acts < ACTS_MAX && !script.over(); ++acts) play.act();
  play.judge();
  FUZZ_CHECK(failures == 0);
  return 0;
}
