// SPDX-License-Identifier: Apache-2.0
/* Data frames: from the header's checks to the consumers' queues. */
#include <algorithm>
#include <cstring>

#include "core/hash.h"
#include "core/limits.h"
#include "core/rank_core.h"
#include "core/refusals.h"

namespace melissa {

namespace {
/* In the place of an owner's size: whatever is held of a message that was lent is copied. */
constexpr uint64_t LENT = UINT64_MAX;
}  // namespace

struct RankCore::DataFrame {
  const std::byte* values;
  uint64_t bytes;
  const Owner* owner;
  uint64_t ownerBytes;
};

void RankCore::onData(std::string_view peer, Bytes message, const Owner& owner, ReplySink& sink) {
  size_t at = 0;
  while (at < message.size()) {
    const Bytes rest = message.subspan(at);
    mlp_data_header header{};
    const mlp_status status = mlp_decode_data_header(raw(rest), rest.size(), &header);
    if (status != MLP_OK) return onDamaged(peer, rest, status, sink);
    const DataFrame frame{rest.data() + MLP_DATA_HEADER_BYTES, mlp_data_payload_bytes(header.dtype, header.count), &owner, owner == nullptr ? LENT : message.size()};
    if (!onFrame(peer, header, frame, sink)) return;
    at += header.frame_bytes;
    if (flushIsDue()) foldQueued();
  }
}

/*
 * A message that cannot be decoded. If it looks like a frame of a session of the same peer, that session is told to open again (the
 * frame may have been damaged on its way); any other sender is told once what it did.
 */
void RankCore::onDamaged(std::string_view peer, Bytes rest, mlp_status status, ReplySink& sink) {
  const auto number = [&](size_t offset, size_t size) {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= std::to_integer<uint32_t>(rest[offset + i]) << (8 * i);
    return value;
  };
  if (status == MLP_EVERSION && rest.size() >= 6)
    return refuse(peer, UINT32_MAX, 0, 0, refusals::version(static_cast<uint16_t>(number(4, 2))), sink);
  if (rest.size() >= MLP_DATA_HEADER_BYTES && status != MLP_EFRAME_MAGIC) {
    Session* s = sessions_.find(number(24, 4), number(40, 4));
    if (s != nullptr && s->peer == peer) {
      if (s->awaitingOpen) return;
      s->awaitingOpen = true;
      return refuse(peer, s->simulation, s->draw, s->attempt, refusals::damaged(status), sink);
    }
  }
  refuse(peer, UINT32_MAX, 0, 0, refusals::frame(status), sink);
}

Session* RankCore::sessionOf(std::string_view peer, const mlp_data_header& h, ReplySink& sink) {
  const auto refused = [&](const Refusal& why) -> Session* {
    refuse(peer, h.simulation, h.draw, h.attempt, why, sink);
    return nullptr;
  };
  if (h.simulation >= simulations_.size()) return refused(refusals::simulation(h.simulation));
  Session* s = sessions_.find(h.simulation, h.client_rank);
  const bool own = s != nullptr && s->peer == peer && s->client == h.client && s->draw == h.draw && s->attempt == h.attempt;
  if (own && s->awaitingOpen) {
    ++counters_.refusedTotal;
    return nullptr;
  }
  if (h.epoch < epoch_) {
    if (own) s->awaitingOpen = true;
    return refused(refusals::epoch(h.epoch, epoch_));
  }
  if (own) return s;
  const SimulationRecord& record = simulations_.record(h.simulation);
  const bool older = h.draw < record.draw || (h.draw == record.draw && h.attempt < record.attempt);
  if (older || record.faulted) return refused(refusals::attempt(record.draw, record.attempt));
  return refused(refusals::session());
}

bool RankCore::inOrder(Session& s, const mlp_data_header& h, ReplySink& sink) {
  if (h.sequence <= s.held) {
    ++counters_.duplicatesTotal;
    sessions_.touch(s);
    return false;
  }
  if (h.sequence == s.held + 1) return true;
  s.awaitingOpen = true;
  refuse(s.peer, s.simulation, s.draw, s.attempt, refusals::sequence(h.sequence, s.held + 1), sink);
  return false;
}

/* False when the rest of the message is of no use. */
bool RankCore::onFrame(std::string_view peer, const mlp_data_header& h, DataFrame frame, ReplySink& sink) {
  Session* session = sessionOf(peer, h, sink);
  if (session == nullptr || !inOrder(*session, h, sink)) return true;
  if (simulations_.record(h.simulation).finished) {
    ++counters_.duplicatesTotal;
  } else {
    BlockPtr block = blockOf(*session, h, frame, sink);
    if (block == nullptr) return true;
    ActiveSimulation& s = *simulations_.active(h.simulation);
    if (s.fields[block->field].arrived.test(block->unit))
      ++counters_.duplicatesTotal;
    else
      accept(s, std::move(block));
  }
  session->held = h.sequence;
  session->accepted += frame.bytes;
  sessions_.touch(*session);
  touched_.insert(h.simulation);
  return true;
}

/* Null after a refusal or a fault; the session may be gone then. */
BlockPtr RankCore::blockOf(const Session& session, const mlp_data_header& h, const DataFrame& frame, ReplySink& sink) {
  const std::string peer = session.peer;
  const auto failed = [&](const Refusal& why) -> BlockPtr {
    fault(peer, h.simulation, h.draw, h.attempt, why, sink);
    return nullptr;
  };
  const auto again = [&](const Refusal& why) -> BlockPtr {
    sessions_.find(h.simulation, h.client_rank)->awaitingOpen = true;
    refuse(peer, h.simulation, h.draw, h.attempt, why, sink);
    return nullptr;
  };
  const int64_t position = positionOf(h.field);
  if (position < 0) return failed(refusals::fieldUnknown(h.field));
  const uint32_t f = static_cast<uint32_t>(position);
  const FieldOptions& field = options_.fields[f];
  if (h.dtype != static_cast<uint8_t>(field.statistics.dtype)) return failed(refusals::fieldType(field.name));
  const ActiveSimulation* s = simulations_.active(h.simulation);
  const FieldLayout* layout = s == nullptr ? nullptr : s->fields[f].layout;
  if (layout == nullptr) return again(refusals::notAnnounced(field.name));
  const auto step = std::lower_bound(field.keptSteps.begin(), field.keptSteps.end(), h.step);
  if (step == field.keptSteps.end() || *step != h.step) return failed(refusals::step(field.name, h.step));
  const int64_t at = layout->blockOf(h.client_rank);
  if (at < 0) return failed(refusals::block(field.name));
  const LayoutBlock& overlap = layout->blocks[static_cast<size_t>(at)];
  if (h.offset != overlap.offset || h.count != overlap.count) return failed(refusals::block(field.name));
  const bool nonFinite = (h.flags & MLP_FLAG_NON_FINITE) != 0;
  if (nonFinite && field.statistics.nonFinite == NonFinite::Reject) return failed(refusals::nonFinite(field.name, h.step));
  if (payloadHash(frame.values, frame.bytes) != h.payload_hash) return again(refusals::payload());

  BlockPtr block = std::make_shared<Block>();
  block->simulation = h.simulation;
  block->draw = h.draw;
  block->field = static_cast<uint16_t>(f);
  block->stepIndex = static_cast<uint32_t>(step - field.keptSteps.begin());
  block->unit = static_cast<uint64_t>(block->stepIndex) * layout->blocks.size() + static_cast<uint64_t>(at);
  block->begin = h.offset - field.cellBegin;
  block->end = block->begin + h.count;
  block->payloadHash = h.payload_hash;
  block->values = frame.values;
  block->bytes = frame.bytes;
  block->owner = *frame.owner;
  block->ownerBytes = frame.ownerBytes;
  return block;
}

void RankCore::accept(ActiveSimulation& s, BlockPtr block) {
  if (keepsRaw(block->simulation)) raw_->write(*block);
  s.fields[block->field].arrived.set(block->unit);
  changed_.insert(block->simulation);
  if (options_.partialWhole) {
    hold(block);
    s.whole.push_back(std::move(block));
  } else {
    dispatch(s, block);
  }
}

/* A small block of a large message would keep all of the message, and one that was lent is not ours to keep: they are copied out. */
void RankCore::hold(const BlockPtr& block) {
  constexpr uint64_t slackBytes = 4096;
  if (block->heldBytes == nullptr && block->ownerBytes > 2 * block->bytes + slackBytes) {
    auto copy = std::make_shared<std::vector<std::byte>>(block->values, block->values + block->bytes);
    block->values = copy->data();
    block->ownerBytes = block->bytes;
    block->owner = std::move(copy);
  }
  block->hold(*heldBytes_);
}

/* Gives the block to each consumer that has not folded its unit yet. */
void RankCore::dispatch(ActiveSimulation& s, const BlockPtr& block) {
  Bits& cells = s.fields[block->field].cells;
  if (!cells.test(block->unit)) {
    if (simulations_.cellsConsume(block->simulation, block->field))
      queue_.addCells(block);
    else
      cells.set(block->unit);
  }
  if (simulations_.covarianceConsumes(block->simulation)) dispatchToPairs(s, block);
  if (simulations_.groupConsumes(block->field)) dispatchToGroup(block->simulation, block);
}

void RankCore::dispatchToGroup(uint32_t simulation, const BlockPtr& block) {
  Group::FieldState& g = simulations_.activateGroup(simulation).fields[block->field];
  if (g.folded.test(block->unit)) return;
  std::vector<BlockPtr>& members = g.waiting[block->unit];
  members.resize(options_.groupSize);
  members[simulations_.member(simulation)] = block;
  if (std::any_of(members.begin(), members.end(), [](const BlockPtr& m) { return m == nullptr; })) return hold(block);
  queue_.addGroup({simulations_.groupOf(simulation), std::move(members)});
  g.waiting.erase(block->unit);
}

void RankCore::dispatchToPairs(ActiveSimulation& s, const BlockPtr& block) {
  const uint64_t blocks = s.fields[block->field].layout->blocks.size();
  for (uint32_t c = 0; c < options_.covariances.size(); ++c) {
    const CovarianceOptions& pair = options_.covariances[c];
    if (pair.first != block->field && pair.second != block->field) continue;
    const int64_t step = arena_.pairStep(c, block->field, block->stepIndex);
    if (step < 0) continue;
    const uint64_t unit = static_cast<uint64_t>(step) * blocks + block->unit % blocks;
    if (s.covariances[c].test(unit)) continue;
    const uint64_t key = static_cast<uint64_t>(c) << 40 | unit;
    const auto waiting = s.waitingPairs.find(key);
    if (waiting == s.waitingPairs.end() || waiting->second->field == block->field) {
      hold(block);
      s.waitingPairs[key] = block;
      continue;
    }
    const BlockPtr other = waiting->second;
    s.waitingPairs.erase(waiting);
    const bool isFirst = pair.first == block->field;
    queue_.addPair({c, static_cast<uint32_t>(step), isFirst ? block : other, isFirst ? other : block});
  }
}

}  // namespace melissa
