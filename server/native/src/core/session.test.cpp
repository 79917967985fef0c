// SPDX-License-Identifier: Apache-2.0
/* Sessions: sequences, duplicates, gaps, everything that can be wrong with a frame, attempts and epochs. */
#include "core/testing.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

void framesAreFoldedInOrderAndOnce() {
  const RankOptions study = aStudy();
  auto core = aCore(study);
  Sink sink;
  const Client client{&study, "p", 0};
  deliver(*core, "p", client.open(), sink);
  CHECK(sink.replies.back().kind == Reply::Opened && sink.replies.back().held == 0 && sink.replies.back().instance == 1 && sink.replies.back().attempt == 1);
  deliver(*core, "p", client.data(0, 0, 1), sink);
  deliver(*core, "p", client.data(0, 0, 1), sink);
  CHECK(sink.replies.size() == 1);  // nothing is acknowledged before the flush
  core->flush(sink);
  CHECK(sink.replies.back().kind == Reply::Ack && sink.replies.back().held == 1);
  CHECK(core->takeReport().counters.duplicatesTotal == 1);
  CHECK(statistic(*core, "count", 0) == 1);
  deliver(*core, "p", client.data(0, 2, 3), sink);
  CHECK(sink.refusal() == "ESEQUENCE" && sink.replies.back().retry == 2);
  const size_t before = sink.replies.size();
  deliver(*core, "p", client.data(0, 1, 2), sink);  // silence until it opens again
  CHECK(sink.replies.size() == before);
  deliver(*core, "p", client.open(2), sink);
  CHECK(sink.replies.back().kind == Reply::Opened && sink.replies.back().held == 1);
  deliver(*core, "p", client.data(0, 1, 2), sink);
  deliver(*core, "p", client.data(0, 2, 3), sink);
  core->flush(sink);
  CHECK(finished(*core, 0));
  const Report report = core->takeReport();
  CHECK(report.completed.size() == 1 && report.completed[0].state == 2 && report.completed[0].attempt == 1);
  CHECK(report.active.size() == 1 && report.active[0].firstStep == 3);
}

void oneMessageMayCarryManyFrames() {
  const RankOptions study = aStudy();
  auto core = aCore(study);
  Sink sink;
  const Client client{&study, "p", 0};
  deliver(*core, "p", client.open(), sink);
  auto batch = std::make_shared<std::vector<std::byte>>();
  for (uint32_t step = 0; step < 3; ++step) {
    const Frame frame = client.data(0, step, step + 1);
    batch->insert(batch->end(), frame->begin(), frame->end());
  }
  deliver(*core, "p", batch, sink);
  core->flush(sink);
  CHECK(finished(*core, 0));
  CHECK(sink.replies.back().held == 3);
}

using Change = void (*)(mlp_data_header&);
struct Case {
  const char* code;
  uint8_t retry;
  bool fault;
  Change change;
};

void wrongFramesAreRefused() {
  const Case cases[] = {
      {"EEPOCH", 1, false, [](mlp_data_header& h) { h.epoch = 2; }},
      {"ESESSION", 2, false, [](mlp_data_header& h) { h.client = 78; }},
      {"ESESSION", 2, false, [](mlp_data_header& h) { h.attempt = 2; }},
      {"EATTEMPT", 0, false, [](mlp_data_header& h) { h.attempt = 0; }},
      {"ESESSION", 2, false, [](mlp_data_header& h) { h.client_rank = 1; }},
      {"ESIMULATION", 0, false, [](mlp_data_header& h) { h.simulation = 4; }},
      {"EFIELD_UNKNOWN", 0, true, [](mlp_data_header& h) { h.field = 1; }},
      {"ESTEP", 0, true, [](mlp_data_header& h) { h.step = 3; }},
      {"EBLOCK", 0, true, [](mlp_data_header& h) { h.offset = 1; }},
      {"EBLOCK", 0, true, [](mlp_data_header& h) { h.count = 9; }},
      {"ENONFINITE", 0, true, [](mlp_data_header& h) { h.flags = MLP_FLAG_NON_FINITE; }},
      {"ESEQUENCE", 2, false, [](mlp_data_header& h) { h.sequence = 7; }},
  };
  for (const Case& c : cases) {
    const RankOptions study = aStudy();
    auto core = aCore(study);
    Sink sink;
    const Client client{&study, "p", 0};
    deliver(*core, "p", client.open(), sink);
    mlp_data_header h = client.header(0, 0, 1);
    c.change(h);
    deliver(*core, "p", client.seal(h), sink);
    core->flush(sink);
    if (sink.refusal() != c.code) std::fprintf(stderr, "expected %s, got %s\n", c.code, sink.refusal().c_str());
    CHECK(sink.refusal() == c.code);
    CHECK(sink.replies.back().retry == c.retry);
    const Report report = core->takeReport();
    CHECK(report.faults.size() == (c.fault ? 1u : 0u));
    CHECK(report.counters.foldedUnitsTotal == 0);
    if (!c.fault) continue;
    CHECK(report.faults[0].code == c.code && report.faults[0].attempt == 1);
    deliver(*core, "p", client.open(), sink);
    CHECK(sink.refusal() == "EATTEMPT");  // the attempt has failed
  }
}

void damagedBytesAreSentAgain() {
  const RankOptions study = aStudy();
  auto core = aCore(study);
  Sink sink;
  const Client client{&study, "p", 0};
  deliver(*core, "p", client.open(), sink);
  const auto flipped = std::make_shared<std::vector<std::byte>>(*client.data(0, 0, 1));
  (*flipped)[64] ^= std::byte{1};
  deliver(*core, "p", flipped, sink);
  CHECK(sink.refusal() == "EFRAME_CRC" && sink.replies.back().retry == 2 && sink.replies.back().simulation == 0);
  deliver(*core, "p", client.open(), sink);
  deliver(*core, "p", client.seal(client.header(0, 0, 1), false), sink);
  CHECK(sink.refusal() == "EFRAME_PAYLOAD" && sink.replies.back().retry == 2);
  deliver(*core, "p", client.open(), sink);
  const Frame whole = client.data(0, 0, 1);
  deliver(*core, "p", std::make_shared<std::vector<std::byte>>(whole->begin(), whole->end() - 8), sink);
  CHECK(sink.refusal() == "EFRAME_SHORT");
  runAll(*core, client, sink);
  CHECK(finished(*core, 0));
}

void everyPrefixAndEveryFlippedBitIsSurvived() {
  const RankOptions study = aStudy();
  auto core = aCore(study);
  const Client client{&study, "p", 0};
  for (const Frame& good : {client.open(), client.data(0, 0, 1), client.close()}) {
    Sink sink;
    for (size_t size = 0; size < good->size(); ++size)
      deliver(*core, "q", std::make_shared<std::vector<std::byte>>(good->begin(), good->begin() + static_cast<long>(size)), sink);
    for (size_t bit = 0; bit < good->size() * 8; ++bit) {
      auto bad = std::make_shared<std::vector<std::byte>>(*good);
      (*bad)[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      deliver(*core, "q", bad, sink);
    }
    core->flush(sink);
  }
  CHECK(core->takeReport().counters.foldedUnitsTotal == 0);
  Sink sink;
  Client fresh = client;
  fresh.attempt = 2;
  runAll(*core, fresh, sink);
  CHECK(finished(*core, 0));
}

void strangersAreRefused() {
  const RankOptions study = aStudy();
  auto core = aCore(study);
  Sink sink;
  Client client{&study, "p", 0};
  client.token = "secreT";
  deliver(*core, "p", client.open(), sink);
  CHECK(sink.refusal() == "ETOKEN");
  client.token = "";
  deliver(*core, "p", client.open(), sink);
  CHECK(sink.refusal() == "ETOKEN");
  client.token = "secret";
  deliver(*core, "p", client.open(), sink);
  Client second = client;
  second.id = 78;
  deliver(*core, "q", second.open(), sink);
  CHECK(sink.refusal() == "ETAKEN");
  // A frame of the session from another peer is not the session's.
  deliver(*core, "q", client.data(0, 0, 1), sink);
  CHECK(sink.refusal() == "ESESSION");
  Client larger = client;
  larger.attempt = 2;
  larger.ranks = 2;
  deliver(*core, "p", client.data(0, 0, 1), sink);
  deliver(*core, "p", larger.open(), sink);
  CHECK(sink.refusal() == "ECOMMUNICATOR");
  CHECK(core->takeReport().faults.size() == 1);
}

void anOlderAttemptIsFencedAndANewerGoesOn() {
  const RankOptions study = aStudy();
  auto core = aCore(study);
  Sink sink;
  const Client first{&study, "p", 0};
  deliver(*core, "p", first.open(), sink);
  deliver(*core, "p", first.data(0, 0, 1), sink);
  core->attempt(0, 0, 2, false);
  deliver(*core, "p", first.data(0, 1, 2), sink);
  CHECK(sink.refusal() == "EATTEMPT");
  core->setEpoch(4);
  Client second = first;
  second.attempt = 2;
  second.id = 78;
  deliver(*core, "q", second.open(), sink);
  CHECK(sink.refusal() == "EEPOCH" && sink.replies.back().retry == 1);
  second.epoch = 4;
  runAll(*core, second, sink);
  CHECK(finished(*core, 0));
  CHECK(statistic(*core, "count", 0) == 1);
  core->setEpoch(3);  // an old head that wakes up
  CHECK(core->epoch() == 4);
}

void severalClientRanksMakeOneSimulation() {
  RankOptions study = aStudy();
  study.fields[0].cellBegin = 2;  // this rank has cells 2…7 of ten
  study.fields[0].cellEnd = 8;
  auto core = aCore(study);
  for (uint32_t r = 0; r < 3; ++r) {
    Sink sink;
    const Client client{.study = &study, .peer = "p", .simulation = 0, .rank = r, .ranks = 3};
    deliver(*core, "p", client.open(), sink);
    for (uint32_t step = 0; step < 3; ++step) {
      mlp_data_header h = client.header(0, step, step + 1);
      const uint64_t end = std::min<uint64_t>(h.offset + h.count, 8);
      h.offset = std::max<uint64_t>(h.offset, 2);
      h.count = end - h.offset;
      deliver(*core, "p", client.seal(h), sink);
    }
    core->flush(sink);
    CHECK(sink.refusal().empty());
    CHECK(finished(*core, 0) == (r == 2));
  }
  CHECK(std::abs(statistic(*core, "mean", 1, 0, 5) - valueOf(0, 0, 0, 1, 7)) < 1e-12);
}

}  // namespace

int main() {
  framesAreFoldedInOrderAndOnce();
  oneMessageMayCarryManyFrames();
  wrongFramesAreRefused();
  damagedBytesAreSentAgain();
  everyPrefixAndEveryFlippedBitIsSurvived();
  strangersAreRefused();
  anOlderAttemptIsFencedAndANewerGoesOn();
  severalClientRanksMakeOneSimulation();
  return result("session");
}
