// SPDX-License-Identifier: Apache-2.0
/*
 * The running engine with real sockets: several client threads send simulations over TCP, while the main thread takes reports,
 * asks questions and takes checkpoints. The result is that of a core that was fed in order. Under a thread sanitizer this
 * shows races, under an address sanitizer what a long study leaks. Argument: the number of simulations (300).
 */
#include <zmq.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "core/testing.h"
#include "io/engine.h"

using namespace melissa;
using namespace melissa::testing;

namespace {

constexpr uint32_t CLIENT_THREADS = 3;
constexpr int ANSWER_LIMIT_MS = 60'000;

RankOptions aLongStudy(uint32_t simulations) {
  RankOptions study = aSobolStudy(simulations / 3);
  study.fields.push_back(aField(3, "pressure"));
  study.covariances = {{0, 1}};
  study.heldBytesMax = 1 << 30;
  return study;
}

class Peer {
 public:
  Peer(void* context, const std::string& endpoint, uint32_t number) : socket_(zmq_socket(context, ZMQ_DEALER)) {
    const std::string id = "peer" + std::to_string(number);
    const int none = 0;
    zmq_setsockopt(socket_, ZMQ_ROUTING_ID, id.data(), id.size());
    zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &ANSWER_LIMIT_MS, sizeof ANSWER_LIMIT_MS);
    zmq_setsockopt(socket_, ZMQ_SNDTIMEO, &ANSWER_LIMIT_MS, sizeof ANSWER_LIMIT_MS);
    CHECK(zmq_connect(socket_, endpoint.c_str()) == 0);
  }
  ~Peer() { zmq_close(socket_); }

  bool send(const Frame& frame) { return zmq_send(socket_, frame->data(), frame->size(), 0) >= 0; }
  /* Code of the next answer about the simulation, 0 when none comes. */
  uint16_t answer(uint32_t simulation, uint64_t* held) {
    for (;;) {
      uint32_t about = simulation;
      const uint16_t code = any(&about, held);
      if (code == 0 || about == simulation) return code;
    }
  }

 private:
  uint16_t any(uint32_t* about, uint64_t* held) {
    uint8_t bytes[1024];
    const int size = zmq_recv(socket_, bytes, sizeof bytes, 0);
    mlp_envelope envelope{};
    if (size < 0 || mlp_peek_data(bytes, size, &envelope) != MLP_OK) return 0;
    mlp_ack ack{};
    mlp_arena arena{};
    if (envelope.code == MLP_CODE_ACK && mlp_decode_ack(bytes, size, &arena, &envelope, &ack) == MLP_OK) {
      if (*about == ack.simulation) *held = ack.held;
      *about = ack.simulation;
    }
    mlp_data_refused refused{};
    if (envelope.code == MLP_CODE_DATA_REFUSED && mlp_decode_data_refused(bytes, size, &arena, &envelope, &refused) == MLP_OK)
      std::fprintf(stderr, "refused: %.*s\n", static_cast<int>(refused.message.size), refused.message.data);
    mlp_arena_free(&arena);
    return envelope.code;
  }

  void* socket_;
};

bool sendSimulation(Peer& peer, const Client& client) {
  uint64_t held = 0, sequence = 0;
  if (!peer.send(client.open())) return false;
  while (const uint16_t code = peer.answer(client.simulation, &held)) {
    if (code == MLP_CODE_DATA_REFUSED) return false;
    if (code == MLP_CODE_OPENED) break;
  }
  for (uint32_t step = 0; step < 3; ++step)
    for (uint16_t field = 0; field < client.study->fields.size(); ++field)
      if (!peer.send(client.data(field, step, ++sequence))) return false;
  held = 0;
  while (held < sequence)
    if (peer.answer(client.simulation, &held) != MLP_CODE_ACK) return false;
  return peer.send(client.close());
}

void aStudyOverSockets(uint32_t simulations) {
  const RankOptions study = aLongStudy(simulations);
  char folder[] = "/tmp/melissa-engine-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  RouterConfig router;
  router.listen = "tcp://127.0.0.1:*";
  router.connectionsMax = 100;
  router.messageBytesMax = 1 << 20;
  Engine engine({study, router, folder, ""});
  std::atomic<int> wakes{0};
  std::string endpoint, why;
  CHECK(engine.start([&] { ++wakes; }, endpoint, why));

  void* context = zmq_ctx_new();
  std::atomic<uint32_t> sent{0}, sending{CLIENT_THREADS};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < CLIENT_THREADS; ++t)
    threads.emplace_back([&, t] {
      Peer peer(context, endpoint, t);
      for (uint32_t s = t; s < simulations; s += CLIENT_THREADS)
        if (sendSimulation(peer, Client{&study, "", s, 0, 1, 100 + t})) ++sent;
      --sending;
    });

  uint64_t completed = 0, checkpoint = 0;
  while (sending > 0 && failures == 0) {
    completed += engine.takeReport().completed.size();
    std::promise<size_t> consumers;
    CHECK(engine.post([&](RankCore& core) { consumers.set_value(core.digests().size()); }));
    CHECK(consumers.get_future().get() > 0);
    std::promise<bool> saved;
    CHECK(engine.checkpoint(++checkpoint, [&](const CheckpointResult& r) { saved.set_value(r.ok); }));
    CHECK(saved.get_future().get());
    CHECK(engine.committed(checkpoint));
  }
  for (std::thread& thread : threads) thread.join();
  zmq_ctx_term(context);
  CHECK(sent == simulations);

  auto reference = aCore(study);
  Sink sink;
  for (uint32_t s = 0; s < simulations; ++s) {
    runAll(*reference, Client{&study, "p", s}, sink);
    sink.replies.clear();
  }
  std::promise<bool> same;
  CHECK(engine.post([&](RankCore& core) { same.set_value(equalDigests(core, *reference)); }));
  CHECK(same.get_future().get());
  std::promise<bool> last;
  CHECK(engine.checkpoint(++checkpoint, [&](const CheckpointResult& r) { last.set_value(r.ok); }));
  CHECK(last.get_future().get());
  engine.stop();
  completed += engine.takeReport().completed.size();
  CHECK(completed >= simulations);

  Engine again({study, router, folder, ""});
  CHECK(again.restore(UINT64_MAX).number == checkpoint);
  CHECK(again.finishedBitmap() == reference->finishedBitmap());
  again.stop();
  std::filesystem::remove_all(folder);
}

}  // namespace

int main(int count, char** words) {
  aStudyOverSockets(count > 1 ? static_cast<uint32_t>(std::strtoul(words[1], nullptr, 10)) / 3 * 3 : 300);
  return result("engine_threads");
}
