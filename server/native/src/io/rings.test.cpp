// SPDX-License-Identifier: Apache-2.0
/* Rings with both real sides in one process: the C client's places, the rank's drain, and a core that folds what lies there. */
#include "io/rings.h"

#include "core/testing.h"
extern "C" {
#include "ring.h"
}

using namespace melissa;
using namespace melissa::testing;

namespace {

uint64_t nowNs = 1'000'000'000'000;
uint64_t now() { return nowNs; }

/* Keeps the tail back until the core says that it has folded. */
class RingSink : public Sink {
 public:
  explicit RingSink(Rings& rings) : rings_(rings) {}
  void folded() override { rings_.release(); }

 private:
  Rings& rings_;
};

/* Sends as the client library does: a place, filled, committed. */
mlc_slab* commit(mlc_ring* ring, const Frame& frame) {
  mlc_slab* const slab = mlc_ring_take(ring, frame->size());
  CHECK(slab != nullptr);
  if (slab == nullptr) return nullptr;
  std::memcpy(slab->data, frame->data(), frame->size());
  CHECK(mlc_ring_commit(slab) == MLC_COMMITTED);
  return slab;
}

/* A turn of the engine's thread, before it folds. */
bool take(Rings& rings, RankCore& core, ReplySink& sink) {
  std::vector<Source*> sources;
  rings.sources(sources);
  Turn turn;
  return turn.take(sources, core, sink, nowNs);
}

struct Both {
  Rings rings{"here", 4096, 1 << 20, now};
  RingSink sink{rings};
  std::unique_ptr<RankCore> core;
  std::vector<mlc_slab*> slabs;
  mlc_ring* ring = nullptr;

  explicit Both(const RankOptions& study) : core(aCore(study)), ring(mlc_ring_attach(rings.offer("p", "here", 80).c_str())) { CHECK(ring != nullptr); }
  ~Both() {
    mlc_ring_abandon(ring);
    for (mlc_slab* slab : slabs) mlc_slab_drop(slab);
  }
  void send(const Frame& frame) { slabs.push_back(commit(ring, frame)); }
};

void ringAndSocketFoldTheSameBits() {
  const RankOptions study = aSobolStudy();
  auto plain = aCore(study);
  Sink sink;
  Both both(study);
  for (uint32_t s = 0; s < study.simulations; ++s) {
    const Client client{&study, "p", s};
    runAll(*plain, client, sink);
    deliver(*both.core, "p", client.open(), both.sink);
    for (uint32_t step = 0; step < 3; ++step) both.send(client.data(0, step, step + 1));
    CHECK(both.rings.drain("p", *both.core, both.sink));
    both.core->flush(both.sink);
    CHECK(both.sink.replies.back().kind == Reply::Ack && both.sink.replies.back().held == 3);
    // Members that wait for their group are copies: their places are written over now.
    for (mlc_slab* slab : both.slabs) {
      std::memset(slab->data, 0xff, slab->capacity);
      mlc_slab_drop(slab);
    }
    both.slabs.clear();
  }
  CHECK(equalDigests(*plain, *both.core));
  for (uint64_t cell = 0; cell < 10; ++cell)
    for (const char* name : {"mean", "variance", "minimum", "sobolFirst", "sobolTotal"})
      CHECK(statistic(*plain, name, 1, 0, cell) == statistic(*both.core, name, 1, 0, cell));
}

void aPlaceIsFreeWhenItsFrameIsFoldedAndNotBefore() {
  const RankOptions study = aStudy();
  Both both(study);
  const Client client{&study, "p", 0};
  deliver(*both.core, "p", client.open(), both.sink);
  both.send(client.data(0, 0, 1));
  CHECK(take(both.rings, *both.core, both.sink));
  CHECK(!take(both.rings, *both.core, both.sink));
  std::vector<mlc_slab*> more;
  while (mlc_slab* slab = mlc_ring_take(both.ring, 3000)) more.push_back(slab);  // leaves no place of that size
  mlc_slab_drop(both.slabs[0]);
  both.slabs.clear();
  CHECK(mlc_ring_take(both.ring, 3000) == nullptr);  // read, not folded
  both.core->flush(both.sink);
  CHECK(statistic(*both.core, "count", 0) == 1);
  for (mlc_slab* slab : more) mlc_slab_drop(slab);
  mlc_slab* const free = mlc_ring_take(both.ring, 100);
  CHECK(free != nullptr);
  if (free != nullptr) mlc_slab_drop(free);
}

void sleepIsRefusedWhileSomethingLiesThere() {
  const RankOptions study = aStudy();
  Both both(study);
  CHECK(both.rings.sleep());
  const Client client{&study, "p", 0};
  deliver(*both.core, "p", client.open(), both.sink);
  both.send(client.data(0, 0, 1));
  CHECK(!both.rings.sleep());
  take(both.rings, *both.core, both.sink);
  both.core->flush(both.sink);
  CHECK(both.rings.sleep());
}

void ringsAreOfferedToThisHostWithinTheBound() {
  Rings rings("here", 4096, 20'000, now);
  CHECK(rings.offer("a", "elsewhere", 80).empty());
  const std::string first = rings.offer("a", "here", 80);
  CHECK(!first.empty() && rings.offer("a", "here", 80) == first);  // not taken yet: the same again
  CHECK(!rings.offer("b", "here", 80).empty());
  CHECK(rings.offer("c", "here", 80).empty() && rings.bytes() <= 20'000);
  mlc_ring* const ring = mlc_ring_attach(first.c_str());
  CHECK(ring != nullptr && rings.offer("a", "here", 80).empty());  // it has one
  mlc_ring_abandon(ring);
  const std::string second = rings.offer("a", "here", 80);
  CHECK(!second.empty() && second != first);  // given up: another
  Rings nowhere("", 4096, 20'000, now);
  CHECK(nowhere.offer("a", "", 80).empty());
}

void ringsOfClientsThatAreGoneAreDropped() {
  Rings rings("here", 4096, 1 << 20, now);
  const std::string taken = rings.offer("a", "here", 80), closed = rings.offer("b", "here", 80), never = rings.offer("c", "here", 80);
  mlc_ring* const a = mlc_ring_attach(taken.c_str());
  mlc_ring* const b = mlc_ring_attach(closed.c_str());
  CHECK(a != nullptr && b != nullptr && rings.size() == 3);
  mlc_ring_abandon(b);
  nowNs += 2'000'000'000;
  rings.reap();
  CHECK(rings.size() == 2);
  nowNs += 60'000'000'000;
  rings.reap();
  CHECK(rings.size() == 1);  // never attached
  const uint64_t bytes = rings.bytes();
  CHECK(bytes > 0);
  mlc_ring_abandon(a);
  nowNs += 2'000'000'000;
  rings.reap();
  CHECK(rings.size() == 0 && rings.bytes() == 0);
}

/* Whatever a client writes into its own ring, the rank reads inside it, and ends it at the first record that cannot be. */
void recordsThatCannotBeEndTheRing() {
  const RankOptions study = aStudy();
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    Both both(study);
    const Client client{&study, "p", 0};
    deliver(*both.core, "p", client.open(), both.sink);
    both.send(client.data(0, 0, 1));
    both.send(client.data(0, 1, 2));
    mlp_ring_record record;
    std::byte* const first = reinterpret_cast<std::byte*>(both.slabs[round % 2]->data) - MLP_RING_RECORD_BYTES;
    std::memcpy(&record, first, sizeof record);
    if (round % 3 == 0) record.span = random() >> (random() % 64);
    if (round % 3 == 1) record.bytes = random() >> (random() % 64);
    if (round % 3 == 2) record.kind = static_cast<uint32_t>(random() >> (random() % 64));
    std::memcpy(first, &record, sizeof record);
    for (int turn = 0; turn < 10 && take(both.rings, *both.core, both.sink); ++turn) both.core->flush(both.sink);
    const double count = statistic(*both.core, "count", 0);
    CHECK(count == 0 || count == 1);
  }
}

}  // namespace

int main() {
  ringAndSocketFoldTheSameBits();
  aPlaceIsFreeWhenItsFrameIsFoldedAndNotBefore();
  sleepIsRefusedWhileSomethingLiesThere();
  ringsAreOfferedToThisHostWithinTheBound();
  ringsOfClientsThatAreGoneAreDropped();
  recordsThatCannotBeEndTheRing();
  return result("rings");
}
