// SPDX-License-Identifier: Apache-2.0
/* Who folds what and when: pick-freeze groups, covariances, partial: Whole, draws, restores. */
#include "core/testing.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

std::unique_ptr<RankCore> restored(const RankOptions& study, RankCore& from) {
  auto core = aCore(study);
  const std::vector<std::byte> books = from.saveBooks();
  std::string why;
  CHECK(core->restoreBooks(Bytes(books), why));
  std::memcpy(core->arena().base(), from.arena().base(), from.arena().bytes());
  return core;
}

void aGroupWaitsForItsLastMember() {
  const RankOptions study = aSobolStudy();
  auto core = aCore(study);
  Sink sink;
  runAll(*core, {&study, "a", 0}, sink);
  runAll(*core, {&study, "c", 2}, sink);
  CHECK(core->heldBytes() == 2 * 3 * 80);
  Report report = core->takeReport();
  CHECK(report.completed.size() == 2 && report.completed[0].state == 1);
  CHECK(statistic(*core, "count") == 1);  // A alone: C feeds no statistic of cells
  CHECK(statistic(*core, "sobolCount") == 0);
  runAll(*core, {&study, "b", 1}, sink);
  report = core->takeReport();
  CHECK(report.completed.size() == 3 && report.completed[0].state == 2);
  CHECK(core->heldBytes() == 0 && core->groupsFolded() == 1);
  CHECK(statistic(*core, "count") == 2 && statistic(*core, "sobolCount") == 1);
  CHECK(finished(*core, 0) && finished(*core, 1) && finished(*core, 2) && !finished(*core, 3));
}

void heldMembersLostInARestoreAreFoldedByTheGroupOnly() {
  const RankOptions study = aSobolStudy(1);
  auto core = aCore(study);
  Sink sink;
  runAll(*core, {&study, "a", 0}, sink);
  auto second = restored(study, *core);
  CHECK(second->heldBytes() == 0);
  for (uint32_t member : {0u, 1u, 2u}) runAll(*second, {.study = &study, .peer = "x", .simulation = member, .attempt = 2}, sink);
  CHECK(finished(*second, 0) && finished(*second, 1) && finished(*second, 2));
  CHECK(statistic(*second, "count") == 2 && statistic(*second, "sobolCount") == 1);
  auto reference = aCore(study);
  for (uint32_t member : {2u, 1u, 0u}) runAll(*reference, {&study, "x", member}, sink);
  CHECK(equalDigests(*second, *reference));
}

void aLostMemberIsReplacedByItsNextAttempt() {
  const RankOptions study = aSobolStudy(1);
  auto core = aCore(study);
  Sink sink;
  const Client half{&study, "b", 1};
  deliver(*core, "b", half.open(), sink);
  deliver(*core, "b", half.data(0, 0, 1), sink);
  core->flush(sink);
  runAll(*core, {&study, "a", 0}, sink);
  core->attempt(1, 0, 2, true);  // with what it held
  CHECK(core->heldBytes() == 3 * 80);
  runAll(*core, {&study, "c", 2}, sink);
  CHECK(core->groupsFolded() == 0);
  runAll(*core, {.study = &study, .peer = "b2", .simulation = 1, .attempt = 2, .id = 78}, sink);
  CHECK(core->groupsFolded() == 1);
  CHECK(statistic(*core, "count") == 2 && statistic(*core, "sobolCount") == 1);
}

void aRedrawRestartsTheWholeGroup() {
  const RankOptions study = aSobolStudy(2);
  auto core = aCore(study);
  Sink sink;
  runAll(*core, {&study, "a", 0}, sink);
  runAll(*core, {&study, "o", 3}, sink);
  for (uint32_t member : {0u, 1u, 2u}) core->attempt(member, 1, 1, true);
  CHECK(core->heldBytes() == 3 * 80);  // only of the other group
  deliver(*core, "a", Client{&study, "a", 0}.data(0, 0, 4), sink);
  CHECK(sink.refusal() == "EATTEMPT");
  for (uint32_t member : {0u, 1u, 2u}) runAll(*core, {.study = &study, .peer = "n", .simulation = member, .draw = 1}, sink);
  CHECK(core->groupsFolded() == 1);
  // What was folded stays: A of the first draw, A and B of the second, and A of the other group.
  CHECK(statistic(*core, "count") == 4 && statistic(*core, "sobolCount") == 1);
  const Report report = core->takeReport();
  CHECK(report.completed.back().draw == 1);
}

void aFieldMayNeedFewerMembersThanTheGroupHas() {
  RankOptions study = aSobolStudy(1);
  study.groupSize = study.simulations = 4;  // A, B, C, D
  study.fields.push_back(aField(1, "pressure"));
  study.fields[1].statistics = study.fields[0].statistics;
  study.fields[1].statistics.secondOrder = true;
  CHECK(contradiction(study).empty());
  auto core = aCore(study);
  Sink sink;
  for (uint32_t member : {3u, 1u, 0u, 2u}) runAll(*core, {&study, "x", member}, sink);
  auto small = aCore(aSobolStudy(1));
  const RankOptions smallStudy = aSobolStudy(1);
  for (uint32_t member : {0u, 1u, 2u}) runAll(*small, {&smallStudy, "x", member}, sink);
  CHECK(core->groupsFolded() == 1);
  CHECK(statistic(*core, "sobolCount", 1, 0) == 1 && statistic(*core, "sobolCount", 1, 1) == 1);
  CHECK(statistic(*core, "count", 1, 0) == statistic(*small, "count", 1, 0));
  study.groupSize = study.simulations = 2;
  CHECK(!contradiction(study).empty());
}

void membersMustHaveOneCommunicator() {
  const RankOptions study = aSobolStudy(1);
  auto core = aCore(study);
  Sink sink;
  runAll(*core, {&study, "a", 0}, sink);
  deliver(*core, "b", Client{.study = &study, .peer = "b", .simulation = 1, .ranks = 2}.open(), sink);
  CHECK(sink.refusal() == "ECOMMUNICATOR");
  CHECK(core->takeReport().faults.size() == 1);
}

RankOptions twoFields() {
  RankOptions study = aStudy(2);
  study.fields.push_back(aField(7, "pressure"));
  study.fields[1].keptSteps = {0, 2};
  study.covariances = {{0, 1}};
  return study;
}

void covariancesFoldPairsOfTheStepsThatBothFieldsKeep() {
  const RankOptions study = twoFields();
  auto core = aCore(study);
  Sink sink;
  for (uint32_t i : {0u, 1u}) {
    const Client client{&study, "p", i};
    deliver(*core, "p", client.open(), sink);
    deliver(*core, "p", client.data(1, 0, 1), sink);
    core->flush(sink);
    CHECK(core->heldBytes() == 80);
    uint64_t sequence = 1;
    for (uint32_t step : {0u, 1u, 2u}) deliver(*core, "p", client.data(0, step, ++sequence), sink);
    core->flush(sink);
    CHECK(core->heldBytes() == 80 && !finished(*core, i));
    deliver(*core, "p", client.data(1, 2, ++sequence), sink);
    core->flush(sink);
    CHECK(core->heldBytes() == 0 && finished(*core, i));
  }
  CHECK(statistic(*core, "covarianceCount", 2, COVARIANCE_FIELD) == 2);
  const double dx = valueOf(0, 0, 0, 2, 0) - valueOf(1, 0, 0, 2, 0);
  const double dy = valueOf(0, 0, 7, 2, 0) - valueOf(1, 0, 7, 2, 0);
  CHECK(std::abs(statistic(*core, "covariance", 2, COVARIANCE_FIELD) - dx * dy / 2) < 1e-9);
  std::vector<double> values;
  std::string why;
  CHECK(!readStatistic(*core, {COVARIANCE_FIELD, 1, "covariance", 0, 0, 1}, values, why));
}

void aHeldPairLostInARestoreIsFoldedOnce() {
  const RankOptions study = twoFields();
  auto core = aCore(study);
  Sink sink;
  const Client client{&study, "p", 0};
  deliver(*core, "p", client.open(), sink);
  deliver(*core, "p", client.data(0, 0, 1), sink);
  core->flush(sink);
  auto second = restored(study, *core);
  const Client again{.study = &study, .peer = "p", .simulation = 0, .attempt = 2};
  deliver(*second, "p", again.open(), sink);
  uint64_t sequence = 0;
  for (uint32_t step : {0u, 1u, 2u}) deliver(*second, "p", again.data(0, step, ++sequence), sink);
  for (uint32_t step : {0u, 2u}) deliver(*second, "p", again.data(1, step, ++sequence), sink);
  second->flush(sink);
  CHECK(finished(*second, 0));
  CHECK(statistic(*second, "count", 0) == 1 && statistic(*second, "covarianceCount", 0, COVARIANCE_FIELD) == 1);
}

void wholeSimulationsWaitForTheHead() {
  RankOptions study = aSobolStudy(1);
  study.partialWhole = true;
  auto core = aCore(study);
  Sink sink;
  const Client half{&study, "a", 0};
  deliver(*core, "a", half.open(), sink);
  deliver(*core, "a", half.data(0, 0, 1), sink);
  core->flush(sink);
  CHECK(!core->fold(0, 0, 1));  // not all of it is here
  CHECK(statistic(*core, "count") == 0);
  core->attempt(0, 0, 2, true);
  CHECK(core->heldBytes() == 0);
  for (uint32_t member : {0u, 1u, 2u}) runAll(*core, {.study = &study, .peer = "n", .simulation = member, .attempt = 2, .id = 5}, sink);
  const Report report = core->takeReport();
  CHECK(report.completed.size() == 3 && report.completed[2].state == 1);
  CHECK(statistic(*core, "count") == 0);
  for (uint32_t member : {2u, 0u, 1u}) CHECK(core->fold(member, 0, 2));
  CHECK(core->groupsFolded() == 1 && core->heldBytes() == 0);
  CHECK(statistic(*core, "count") == 2 && statistic(*core, "sobolCount") == 1);
  CHECK(core->fold(0, 0, 2));  // repeated
  CHECK(statistic(*core, "count") == 2);
}

void aFoldOfWhatWasDroppedIsDenied() {
  RankOptions study = aSobolStudy(1);
  study.partialWhole = true;
  auto core = aCore(study);
  Sink sink;
  runAll(*core, {.study = &study, .peer = "a", .simulation = 0, .attempt = 1, .id = 5}, sink);
  CHECK(core->takeReport().completed.size() == 1);
  const Client later{.study = &study, .peer = "b", .simulation = 0, .attempt = 2, .id = 6};
  deliver(*core, "b", later.open(), sink);
  CHECK(!core->fold(0, 0, 1) && !core->fold(0, 0, 2) && !core->fold(0, 1, 1) && !core->fold(1, 0, 1));
  CHECK(statistic(*core, "count") == 0 && core->heldBytes() == 0);
}

void damagedBooksAreRefused() {
  const RankOptions study = aSobolStudy();
  auto core = aCore(study);
  Sink sink;
  runAll(*core, {&study, "a", 0}, sink);
  const std::vector<std::byte> books = core->saveBooks();
  std::string why;
  for (size_t size = 0; size < books.size(); ++size) CHECK(!aCore(study)->restoreBooks(Bytes(books).first(size), why));
  const RankOptions other = aStudy();
  CHECK(!aCore(other)->restoreBooks(Bytes(books), why));
}

void aFinishedSimulationNeedsFewBytes() {
  RankOptions study = aStudy(1000);
  auto core = aCore(study);
  Sink sink;
  for (uint32_t i = 0; i < 1000; ++i) {
    const Client client{&study, "p", i};
    runAll(*core, client, sink);
    deliver(*core, "p", client.close(), sink);
  }
  CHECK(core->saveBooks().size() < 1000 * 8);
  CHECK(core->sessions().size() == 0);
}

}  // namespace

int main() {
  aGroupWaitsForItsLastMember();
  heldMembersLostInARestoreAreFoldedByTheGroupOnly();
  aLostMemberIsReplacedByItsNextAttempt();
  aRedrawRestartsTheWholeGroup();
  aFieldMayNeedFewerMembersThanTheGroupHas();
  membersMustHaveOneCommunicator();
  covariancesFoldPairsOfTheStepsThatBothFieldsKeep();
  aHeldPairLostInARestoreIsFoldedOnce();
  wholeSimulationsWaitForTheHead();
  aFoldOfWhatWasDroppedIsDenied();
  damagedBooksAreRefused();
  aFinishedSimulationNeedsFewBytes();
  return result("consumers");
}
