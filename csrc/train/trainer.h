// One pass of training: a stream whose consumer is the hot loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "feature/sample_stream.h"
#include "io/turns.h"
#include "model/model.h"
#include "train/meter.h"
#include "train/step.h"

namespace fmtrain {

struct train_progress {
  meter window;  // since the last window() call
  meter total;
  uint64_t features = 0;
  uint64_t memory_bytes = 0;  // of the table
  economy_report thrift;
};

struct train_options {
  size_t threads = 1;
  // The bytes that one thread would leave, whatever the number of threads: they parse side by side
  // and learn in turn, chunk by chunk.
  bool deterministic = false;
  economy_options thrift = {};
};

class trainer : private batch_consumer {
 public:
  // The model outlives the trainer and is not read by others until finish().
  trainer(model& m, const train_options& options, const parse_options& parsing);

  sample_stream& input() { return stream_; }
  const economy& thrift() const { return thrift_; }

  // What was learned so far. With `close_window` the next window starts here. Any time, from the
  // calling thread.
  train_progress progress(bool close_window);

  // Waits for the workers and adds what they saw to the model's counters, once.
  status finish();

 private:
  struct alignas(64) worker_state {
    std::mutex lock;  // held while a batch is learned: against a snapshot and a pause
    meter window;
    step_scratch scratch;
    std::vector<step_result> results;  // (samples of the batch)
    // With other workers about: what this one keeps to itself for a while.
    std::unique_ptr<hot_rows> hot;
    bias_state bias, bias_base;
    bool pause_is_due = false;  // for the economy
    // Deterministic: what was parsed and waits for its turn, and batches to parse into.
    std::vector<batch> waiting, spare;
    const batch_source* source = nullptr;  // of those that wait
  };

  status consume(size_t worker, uint64_t order, const batch_source& source, batch& in) override;
  status finish_source(size_t worker, uint64_t order) override;
  void put_by(worker_state& state, const batch_source& source, batch& in);
  void learn_now(worker_state& state, const batch_source& source, const batch& in);
  template <class Locking, size_t Lanes>
  void learn_batch(worker_state& state, bias_state& bias, const batch& in);
  void merge_bias(worker_state& state);
  // Runs `change` while no worker learns.
  template <class Change>
  void pause(const Change& change);
  void pause_if_due(const worker_state& state);
  void settle_all();

  model& model_;
  economy thrift_;
  const bool in_turn_;
  const bool alone_;  // one worker learns at a time
  turns turns_;
  const learner learner_;
  std::mutex pause_lock_;
  std::atomic<bool> pausing_{false};
  bool finished_ = false;
  meter total_, window_;
  std::vector<std::unique_ptr<worker_state>> workers_;
  sample_stream stream_;
};

}  // namespace fmtrain
