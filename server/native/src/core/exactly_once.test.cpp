// SPDX-License-Identifier: Apache-2.0
/*
 * A seeded world: several clients send a whole study through links that lose, repeat and cut, while the rank is killed and
 * restored and attempts are replaced. In the end each consumer has folded each unit once: the digests are those of an undisturbed run. The
 * bound of the credit holds after every step.
 */
#include "core/testing.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

/* A client that keeps to PROTOCOL.md: frames in order, resends after Opened, stays within its credit. */
struct Sender {
  Client client;
  std::vector<std::pair<uint16_t, uint32_t>> frames;  // field position, step
  uint64_t acknowledged = 0;
  uint64_t sent = 0;  // highest sequence sent since the last Opened
  uint64_t credit = 0;
  uint64_t used = 0;
  bool opened = false;
  bool openSent = false;
  bool failed = false;
  std::deque<Frame> link;  // towards the rank

  bool done() const { return failed || acknowledged == frames.size(); }
  void step() {
    if (!opened) {
      if (!openSent) link.push_back(client.open(acknowledged + 1));
      openSent = true;
      return;
    }
    if (sent >= frames.size()) return;
    const auto [field, timeStep] = frames[sent];
    const Frame frame = client.data(field, timeStep, sent + 1);
    const uint64_t bytes = frame->size() - MLP_DATA_HEADER_BYTES;
    if (used + bytes > credit && sent != acknowledged) return;
    used += bytes;
    ++sent;
    link.push_back(frame);
  }
  void cut() {
    link.clear();
    opened = openSent = false;
  }
  void receive(const Reply& r) {
    if (r.kind == Reply::Opened) {
      opened = true;
      acknowledged = std::max(acknowledged, r.held);
      sent = r.held;
      used = 0;
      credit = r.creditLimit;
    } else if (r.kind == Reply::Ack && r.attempt == client.attempt) {
      acknowledged = std::max(acknowledged, r.held);
      credit = r.creditLimit;
    } else if (r.kind == Reply::Refused) {
      if (r.retry == 0) failed = true;
      opened = openSent = false;
    }
  }
};

class World {
 public:
  World(const RankOptions& study, uint64_t seed, uint32_t ranks) : study_(study), random_(seed), ranks_(ranks), core_(aCore(study)), saved_(save()) {
    for (uint32_t i = 0; i < study_.simulations; ++i) lease(i);
  }

  /* True when the study finished. */
  bool run() {
    for (int turn = 0; turn < 20'000; ++turn) {
      if (senders_.empty()) return true;
      disturb();
      const size_t who = pick(senders_.size());
      senders_[who].step();
      if (pick(3) != 0) carry(senders_[who]);
      if (pick(4) == 0) core_->flush(sink_);
      hear();
      CHECK(core_->sessions().beyondOneFrame() <= study_.receiveBudgetBytes);
      if (turn % 16 == 0) head();
    }
    return false;
  }
  const RankCore& core() const { return *core_; }

 private:
  size_t pick(size_t below) { return random_() % below; }

  std::vector<Frame> save() {
    auto books = std::make_shared<std::vector<std::byte>>(core_->saveBooks());
    const std::byte* base = core_->arena().base();
    return {books, std::make_shared<std::vector<std::byte>>(base, base + core_->arena().bytes())};
  }
  void kill() {
    study_.instance++;
    core_ = aCore(study_);
    std::string why;
    CHECK(core_->restoreBooks(Bytes(*saved_[0]), why));
    std::memcpy(core_->arena().base(), saved_[1]->data(), saved_[1]->size());
    sink_.replies.clear();
    for (Sender& s : senders_) s.cut();
    // What the head knows of newer attempts it tells a rank that comes back.
    for (const auto& [simulation, attempt] : attempts_) core_->attempt(simulation, 0, attempt, false);
  }
  void lease(uint32_t simulation) {
    const uint16_t attempt = ++attempts_[simulation];
    core_->attempt(simulation, 0, attempt, false);
    std::erase_if(senders_, [&](const Sender& s) { return s.client.simulation == simulation; });
    for (uint32_t r = 0; r < ranks_; ++r) {
      Sender s{.client = {.study = &study_, .peer = std::to_string(simulation) + "/" + std::to_string(attempt) + "/" + std::to_string(r),
                          .simulation = simulation, .attempt = attempt, .id = 100u + attempt, .rank = r, .ranks = ranks_}};
      for (uint32_t step = 0; step < 3; ++step)
        for (uint16_t f = 0; f < study_.fields.size(); ++f) s.frames.emplace_back(f, step);
      senders_.push_back(std::move(s));
    }
  }
  void disturb() {
    const size_t event = pick(200);
    if (senders_.empty()) return;
    Sender& victim = senders_[pick(senders_.size())];
    if (event == 0) kill();
    if (event == 1) saved_ = save();
    if (event == 2) lease(victim.client.simulation);
    if (event < 10 && event > 2) victim.cut();
    if (event < 16 && event >= 10 && !victim.link.empty()) victim.link.pop_front();  // lost within a connection: a gap
    if (event < 24 && event >= 16 && !victim.link.empty()) victim.link.push_front(victim.link.front());  // repeated
    if (event < 28 && event >= 24 && victim.link.size() > 1) std::swap(victim.link[0], victim.link[1]);  // reordered
    if (event == 28) {  // failed: its held blocks are dropped
      core_->attempt(victim.client.simulation, 0, victim.client.attempt, true);
      core_->takeReport();
      lease(victim.client.simulation);
    }
  }
  void carry(Sender& s) {
    if (s.link.empty()) return;
    const Frame frame = s.link.front();
    s.link.pop_front();
    deliver(*core_, s.client.peer, frame, sink_);
  }
  void hear() {
    for (const Reply& r : sink_.replies)
      for (Sender& s : senders_)
        if (s.client.peer == r.peer) s.receive(r);
    sink_.replies.clear();
  }
  /* Clients whose frames are all acknowledged go; simulations that then are incomplete are leased again. */
  void head() {
    core_->flush(sink_);
    hear();
    // A connection in which an Open or the last frame was lost is noticed by the client and made again.
    for (Sender& s : senders_)
      if (s.link.empty() && pick(3) == 0) s.cut();
    std::erase_if(senders_, [](const Sender& s) { return s.done(); });
    for (uint32_t i = 0; i < study_.simulations; ++i) {
      const bool running = std::any_of(senders_.begin(), senders_.end(), [&](const Sender& s) { return s.client.simulation == i; });
      if (!running && !finished(*core_, i) && !heldHere(i)) lease(i);
    }
  }
  /* Everything of it is here, held for the other members of its group, which are on their way. */
  bool heldHere(uint32_t simulation) {
    for (const Completion& c : core_->takeReport().completed) here_[c.simulation] = {c.attempt, study_.instance};
    const auto at = here_.find(simulation);
    return at != here_.end() && at->second == std::pair<uint16_t, uint64_t>{attempts_[simulation], study_.instance};
  }

  RankOptions study_;
  std::mt19937_64 random_;
  uint32_t ranks_;
  std::unique_ptr<RankCore> core_;
  std::vector<Frame> saved_;
  Sink sink_;
  std::vector<Sender> senders_;
  std::map<uint32_t, uint16_t> attempts_;
  std::map<uint32_t, std::pair<uint16_t, uint64_t>> here_;
};

void compare(const RankOptions& study, uint64_t seed, uint32_t ranks) {
  auto reference = aCore(study);
  Sink sink;
  for (uint32_t i = 0; i < study.simulations; ++i)
    for (uint32_t r = 0; r < ranks; ++r) runAll(*reference, {.study = &study, .peer = "p", .simulation = i, .rank = r, .ranks = ranks}, sink);
  World world(study, seed, ranks);
  const bool ended = world.run();
  const bool equal = ended && equalDigests(world.core(), *reference);
  if (!equal) std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed), ended ? "another digest" : "does not end");
  CHECK(equal);
  for (const char* name : {"count", "minimum", "maximum"})
    for (uint32_t step = 0; step < 3; ++step)
      for (uint64_t cell = 0; cell < 10; ++cell) CHECK(statistic(world.core(), name, step, 0, cell) == statistic(*reference, name, step, 0, cell));
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 150;
  const uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  for (uint64_t seed = first; seed < first + seeds && failures == 0; ++seed) {
    RankOptions pair = aStudy(3);
    pair.fields.push_back(aField(1, "pressure"));
    pair.covariances = {{0, 1}};
    pair.receiveBudgetBytes = 300;
    compare(pair, seed, 2);
    compare(aSobolStudy(2), seed, 1);
    compare(aStudy(5), seed, 3);
  }
  return result("exactly once");
}
