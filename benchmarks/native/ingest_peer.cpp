// SPDX-License-Identifier: Apache-2.0
/*
 * What a server would do that only received: processes that send fields over a plain ZeroMQ PUSH, and one that receives them from a PULL
 * and either throws them away or folds them, in the same loop, with the kernels of our server. No header, no hash, no acknowledgement,
 * no exactly-once, no checkpoint. Values and number of messages are those of sender.c. Prints bytes a second from the first message
 * received to the last folded, as JSON. Usage: ingest_peer <discard|fold> <cells> <steps> <simulations> <senders> [f32]
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "field_statistics.h"

using namespace melissa;

namespace {

// As deep as the send window of our client, in bytes, and never fewer than some messages.
constexpr size_t QUEUE_BYTES = 16 << 20;
constexpr size_t QUEUE_MESSAGES_MIN = 8;

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Task {
  bool folds;
  size_t cells, steps, simulations, senders;
  DType dtype;
  size_t bytes() const { return cells * (dtype == DType::Float32 ? 4 : 8); }
  int queue() const { return static_cast<int>(std::max(QUEUE_MESSAGES_MIN, QUEUE_BYTES / bytes())); }
  size_t share(size_t sender) const { return simulations / senders + (sender < simulations % senders ? 1 : 0); }
};

/* Each message begins with its step: what a receiver needs to know at least. */
[[noreturn]] void send(const Task& task, size_t sender, const std::string& endpoint) {
  void* const context = zmq_ctx_new();
  void* const socket = zmq_socket(context, ZMQ_PUSH);
  const int queue = task.queue();
  zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, sizeof queue);
  if (zmq_connect(socket, endpoint.c_str()) != 0) _exit(1);
  std::vector<double> wide(task.cells);
  std::vector<float> narrow(task.cells);
  for (size_t i = 0; i < task.cells; i++) narrow[i] = static_cast<float>(wide[i] = 0.5 * static_cast<double>(i % 977));
  const void* const values = task.dtype == DType::Float32 ? static_cast<const void*>(narrow.data()) : wide.data();
  for (size_t s = 0; s < task.share(sender); s++)
    for (uint64_t step = 0; step < task.steps; step++) {
      zmq_msg_t message;
      zmq_msg_init_size(&message, 8 + task.bytes());
      std::memcpy(zmq_msg_data(&message), &step, 8);
      std::memcpy(static_cast<char*>(zmq_msg_data(&message)) + 8, values, task.bytes());
      if (zmq_msg_send(&message, socket, 0) < 0) _exit(1);
    }
  zmq_close(socket);
  zmq_ctx_term(context);
  _exit(0);
}

std::byte* allocate(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) std::abort();
  madvise(p, bytes, MADV_HUGEPAGE);
  std::memset(p, 0, bytes);
  return static_cast<std::byte*>(p);
}

int receive(const Task& task, void* socket) {
  StatisticsSpec spec;
  spec.dtype = task.dtype, spec.moments = 4, spec.extrema = true;
  const FieldStatistics statistics(spec);
  std::vector<std::byte*> states;
  for (size_t s = 0; s < task.steps && task.folds; s++) states.push_back(allocate(statistics.bytes(task.cells)));
  const size_t messages = task.steps * task.simulations;
  double begun = 0;
  for (size_t m = 0; m < messages; m++) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, 0) < 0) return 1;
    if (m == 0) begun = now();
    if (task.folds) {
      uint64_t step;
      std::memcpy(&step, zmq_msg_data(&message), 8);
      const void* values = static_cast<const char*>(zmq_msg_data(&message)) + 8;
      statistics.foldSamples(states[step], 0, task.cells, &values, 1);
    }
    zmq_msg_close(&message);
  }
  const double seconds = now() - begun;
  double mean = 0;
  if (task.folds) statistics.derive(states[0], task.cells - 1, task.cells, "mean", 0, &mean);
  std::printf("{\"bytesPerSecond\":%.6g,\"messagesPerSecond\":%.6g,\"mean\":%.17g}\n", static_cast<double>((messages - 1) * task.bytes()) / seconds,
              static_cast<double>(messages - 1) / seconds, mean);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fprintf(stderr, "usage: ingest_peer <discard|fold> <cells> <steps> <simulations> <senders> [f32]\n"), 2;
  const auto number = [&](int i) { return static_cast<size_t>(std::strtoull(argv[i], nullptr, 10)); };
  const Task task{std::strcmp(argv[1], "fold") == 0, number(2), number(3), number(4), number(5), argc > 6 ? DType::Float32 : DType::Float64};
  // The senders are made before there is a context, and are told the endpoint by a pipe: a context does not survive a fork.
  int pipes[2];
  if (pipe(pipes) != 0) return 1;
  for (size_t sender = 0; sender < task.senders; sender++) {
    if (fork() != 0) continue;
    char endpoint[64] = {};
    if (read(pipes[0], endpoint, sizeof endpoint) != sizeof endpoint) _exit(1);
    send(task, sender, endpoint);
  }
  void* const context = zmq_ctx_new();
  void* const socket = zmq_socket(context, ZMQ_PULL);
  const int queue = task.queue();
  zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue);
  char endpoint[64] = {};
  size_t size = sizeof endpoint;
  if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0) return 1;
  for (size_t sender = 0; sender < task.senders; sender++)
    if (write(pipes[1], endpoint, sizeof endpoint) != sizeof endpoint) return 1;
  const int result = receive(task, socket);
  for (size_t sender = 0; sender < task.senders; sender++) wait(nullptr);
  zmq_close(socket);
  zmq_ctx_term(context);
  return result;
}
