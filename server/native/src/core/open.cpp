// SPDX-License-Identifier: Apache-2.0
/* Open and Close: who may send, how its fields are cut, and where its sequence goes on. */
#include "core/limits.h"
#include "core/rank_core.h"
#include "core/refusals.h"

namespace melissa {

void RankCore::onOpen(std::string_view peer, Bytes message, ReplySink& sink) {
  mlp_envelope envelope{};
  mlp_open open{};
  const mlp_status status = reader_.open(message, envelope, open);
  if (status != MLP_OK) return onDamaged(peer, message, status, sink);
  if (!admit(peer, open, envelope.epoch, sink)) return;
  if (!simulations_.record(open.simulation).finished) {
    if (!admitCommunicator(peer, open, sink)) return;
    if (!announceFields(peer, open, sink)) return;
  }
  Session& session = establish(peer, open);
  sessions_.restartCredit(session);
  sink.reply(peer, writer_.opened(epoch_, options_.instance, session, sink.ring(peer, view(open.host), session.frameBytes)));
}

bool RankCore::admit(std::string_view peer, const mlp_open& open, uint32_t epoch, ReplySink& sink) {
  const auto refused = [&](const Refusal& why) {
    refuse(peer, open.simulation, open.draw, open.attempt, why, sink);
    return false;
  };
  if (!equalInConstantTime(view(open.token), options_.token)) return refused(refusals::token());
  if (epoch < epoch_) return refused(refusals::epoch(epoch, epoch_));
  if (open.simulation >= simulations_.size()) return refused(refusals::simulation(open.simulation));
  if (open.client_ranks == 0 || open.client_ranks > CLIENT_RANKS_MAX || open.client_rank >= open.client_ranks)
    return refused(refusals::communicator("the client rank is not below the number of client ranks"));
  const SimulationRecord& record = simulations_.record(open.simulation);
  const bool older = open.draw < record.draw || (open.draw == record.draw && open.attempt < record.attempt);
  if (older) return refused(refusals::attempt(record.draw, record.attempt));
  // The head leased it, or the client would not know it: its own message about it may still be on its way. Attempts whose blocks must
  // not be mixed are those of which the head would have them dropped.
  if (open.draw != record.draw || open.attempt != record.attempt) attempt(open.simulation, open.draw, open.attempt, options_.partialWhole);
  if (record.faulted) return refused(refusals::attempt(record.draw, record.attempt));
  return true;
}

bool RankCore::admitCommunicator(std::string_view peer, const mlp_open& open, ReplySink& sink) {
  ActiveSimulation& s = simulations_.activate(open.simulation);
  if (s.client != 0 && s.client != open.client) {
    refuse(peer, open.simulation, open.draw, open.attempt, refusals::taken(), sink);
    return false;
  }
  if (s.clientRanks != 0 && s.clientRanks != open.client_ranks) {
    const std::string why =
        "the simulation has counted samples of " + std::to_string(s.clientRanks) + " client ranks, this attempt has " + std::to_string(open.client_ranks);
    fault(peer, open.simulation, open.draw, open.attempt, refusals::communicator(why), sink);
    return false;
  }
  s.client = open.client;
  s.clientRanks = open.client_ranks;
  return true;
}

bool RankCore::announceFields(std::string_view peer, const mlp_open& open, ReplySink& sink) {
  for (uint32_t i = 0; i < open.fields_count; ++i)
    if (!announceField(peer, open, open.fields[i], sink)) return false;
  return true;
}

bool RankCore::announceField(std::string_view peer, const mlp_open& open, const mlp_open_fields& field, ReplySink& sink) {
  const auto failed = [&](const Refusal& why) {
    fault(peer, open.simulation, open.draw, open.attempt, why, sink);
    return false;
  };
  const int64_t position = positionOf(field.index);
  if (position < 0) return failed(refusals::fieldUnknown(field.index));
  const FieldOptions& study = options_.fields[static_cast<size_t>(position)];
  if (field.dtype != static_cast<uint8_t>(study.statistics.dtype)) return failed(refusals::fieldType(study.name));
  if (field.cells.size != 8ull * open.client_ranks)
    return failed(refusals::communicator("field \"" + study.name + "\": the number of client ranks is not the communicator's size"));
  std::string why;
  const FieldLayout* layout = layouts_.intern(static_cast<uint32_t>(position), unpackU64(field.cells), why);
  if (layout == nullptr) return failed(refusals::fieldSize(why));
  ActiveSimulation& s = *simulations_.active(open.simulation);
  if (!simulations_.announce(s, static_cast<uint32_t>(position), *layout, why)) return failed(refusals::communicator(why));
  return true;
}

Session& RankCore::establish(std::string_view peer, const mlp_open& open) {
  const uint64_t before = open.first_unacknowledged == 0 ? 0 : open.first_unacknowledged - 1;
  Session* known = sessions_.find(open.simulation, open.client_rank);
  if (known != nullptr && (known->client != open.client || known->draw != open.draw || known->attempt != open.attempt)) known = nullptr;
  if (known == nullptr) {
    Session fresh;
    fresh.client = open.client;
    fresh.clientRank = open.client_rank;
    fresh.simulation = open.simulation;
    fresh.draw = open.draw;
    fresh.attempt = open.attempt;
    known = &sessions_.open(fresh);
  }
  known->peer = peer;
  known->held = std::max(known->held, before);
  known->awaitingOpen = false;
  uint64_t largest = 0;
  if (const ActiveSimulation* s = simulations_.active(open.simulation))
    for (uint32_t f = 0; f < s->fields.size(); ++f) {
      const FieldLayout* layout = s->fields[f].layout;
      const int64_t block = layout == nullptr ? -1 : layout->blockOf(open.client_rank);
      if (block < 0) continue;
      const uint64_t valueBytes = options_.fields[f].statistics.dtype == DType::Float32 ? 4 : 8;
      largest = std::max(largest, layout->blocks[static_cast<size_t>(block)].count * valueBytes);
    }
  sessions_.setFrameBytes(*known, largest);
  return *known;
}

void RankCore::onClose(std::string_view peer, Bytes message) {
  mlp_envelope envelope{};
  mlp_close close{};
  if (reader_.close(message, envelope, close) != MLP_OK) {
    ++counters_.refusedTotal;
    return;
  }
  const Session* s = sessions_.find(close.simulation, close.client_rank);
  if (s != nullptr && s->peer == peer && s->client == close.client && s->attempt == close.attempt && s->draw == close.draw)
    sessions_.close(close.simulation, close.client_rank);
}

}  // namespace melissa
