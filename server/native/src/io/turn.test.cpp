// SPDX-License-Identifier: Apache-2.0
/* Which messages a turn gives to the core, and which it lets wait, with senders that say which steps they have. */
#include "io/turn.h"

#include "core/testing.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

constexpr uint64_t MESSAGE_BYTES = 1 << 20;

/* Writes down what was taken of it. */
class Sender : public Source {
 public:
  Sender(std::vector<std::string>& given, std::string name, std::deque<int64_t> steps) : given_(given), name_(std::move(name)), steps_(std::move(steps)) {}
  bool empty() const override { return steps_.empty(); }
  int64_t step() const override { return steps_.front(); }
  int64_t lastStep() const override { return *std::max_element(steps_.begin(), steps_.end()); }
  uint64_t give(RankCore&, ReplySink&) override {
    given_.push_back(name_ + std::to_string(steps_.front()));
    steps_.pop_front();
    return MESSAGE_BYTES;
  }
  void add(int64_t step) { steps_.push_back(step); }

 private:
  std::vector<std::string>& given_;
  std::string name_;
  std::deque<int64_t> steps_;
};

struct Turns {
  RankOptions study = aStudy();
  std::unique_ptr<RankCore> core = aCore(study);
  Sink sink;
  Turn turn;
  uint64_t nowNs = 1;
  std::vector<std::string> given;

  std::vector<std::string> take(std::vector<Source*> sources) {
    given.clear();
    turn.take(sources, *core, sink, nowNs);
    return given;
  }
};
using Names = std::vector<std::string>;

void whoIsAheadWaits() {
  Turns t;
  Sender a(t.given, "a", {7, 8, 9});
  Sender b(t.given, "b", {3, 4});
  CHECK((t.take({&a, &b}) == Names{"b3", "b4"}));
  b.add(5);
  b.add(6);
  b.add(7);
  b.add(8);
  t.take({&a, &b});
  CHECK(t.given.size() == 6 && t.given[0] == "b5" && t.given[1] == "b6");  // then 7 and 8 of both, side by side
  CHECK(a.step() == 9 && b.empty());
}

void nobodyWaitsForOneThatBringsNothing() {
  Turns t;
  Sender a(t.given, "a", {7, 8, 9});
  Sender b(t.given, "b", {});
  CHECK((t.take({&a, &b}) == Names{"a7", "a8", "a9"}));
}

void aloneOneGetsALittleAtATime() {
  Turns t;
  Sender a(t.given, "a", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(t.take({&a}).size() == 4);
  CHECK(t.take({&a}).size() == 4);
  CHECK(t.take({&a}).size() == 2);
}

void waitingEnds() {
  Turns t;
  Sender a(t.given, "a", {9});
  Sender b(t.given, "b", {0});
  CHECK((t.take({&a, &b}) == Names{"b0"}));
  b.add(1);
  t.nowNs += 249'000'000;
  CHECK((t.take({&a, &b}) == Names{"b1"}));
  b.add(2);
  t.nowNs += 2'000'000;
  CHECK((t.take({&a, &b}) == Names{"b2", "a9"}));
  a.add(10);
  b.add(3);
  CHECK((t.take({&a, &b}) == Names{"b3"}));  // counted anew
}

void messagesWithoutDataKeepTheirPlace() {
  Turns t;
  Sender a(t.given, "a", {9, Source::NO_STEP, Source::NO_STEP, 0});
  Sender b(t.given, "b", {0, 1});
  CHECK((t.take({&a, &b}) == Names{"b0", "b1"}));
  CHECK((t.take({&a}).size() == 4));
  Sender c(t.given, "c", {Source::NO_STEP});
  Sender d(t.given, "d", {5});
  CHECK((t.take({&c, &d}) == Names{"c-1", "d5"}));
}

/* However messages come, all are given in the order of their sender, and each turn gives something while there is something. */
void everythingComesThrough() {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    Turns t;
    std::deque<Sender> senders;
    std::vector<Source*> sources;
    std::vector<int64_t> next(1 + random() % 5, 0);
    std::map<char, std::vector<int64_t>> sent, came;
    for (size_t i = 0; i < next.size(); ++i) sources.push_back(&senders.emplace_back(t.given, std::string(1, static_cast<char>('a' + i)), std::deque<int64_t>{}));
    for (int turn = 0; turn < 200; ++turn) {
      for (size_t i = 0; turn < 100 && i < senders.size(); ++i)
        for (uint64_t n = random() % 3; n > 0; --n) {
          const int64_t step = next[i]++ % 7 - 1;
          senders[i].add(step);
          sent[static_cast<char>('a' + i)].push_back(step);
        }
      t.nowNs += random() % 10'000'000;
      const bool some = std::any_of(senders.begin(), senders.end(), [](const Sender& s) { return !s.empty(); });
      const Names given = t.take(sources);
      CHECK(some == !given.empty());
      for (const std::string& one : given) came[one[0]].push_back(std::stoll(one.substr(1)));
    }
    CHECK(sent == came);
  }
}

}  // namespace

int main() {
  whoIsAheadWaits();
  nobodyWaitsForOneThatBringsNothing();
  aloneOneGetsALittleAtATime();
  waitingEnds();
  messagesWithoutDataKeepTheirPlace();
  everythingComesThrough();
  return result("turn");
}
