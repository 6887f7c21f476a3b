#include "train/trainer.h"

#include <utility>

namespace fmtrain {

trainer::trainer(model& m, size_t threads, const parse_options& options)
    : model_(m),
      alone_(threads == 1),
      workers_([threads] {
        std::vector<std::unique_ptr<worker_state>> states(threads);
        for (auto& state : states) state = std::make_unique<worker_state>();
        return states;
      }()),
      stream_(threads, options, *this) {
  // From here on the state alone decides what is predicted.
  m.stored = {};
}

template <class Locking, class Learner>
void trainer::learn_batch(const Learner& learner, worker_state& state, const batch& in) {
  find_rows<Locking>(model_, in, state.scratch.rows);
  for (size_t sample = 0; sample < in.samples; ++sample) {
    state.results[sample] = learn<Locking>(model_, learner, in, sample, state.scratch);
  }
}

status trainer::consume(size_t worker, uint64_t, const batch_source& source, batch& in) {
  worker_state& state = *workers_[worker];
  if (state.results.size() < in.samples) state.results.resize(in.samples);
  with_learner(model_.factors(), [&](const auto& learner) {
    if (alone_) {
      learn_batch<alone>(learner, state, in);
    } else {
      learn_batch<shared>(learner, state, in);
    }
  });
  const std::lock_guard<std::mutex> hold(state.lock);
  for (size_t sample = 0; sample < in.samples; ++sample) {
    const step_result& result = state.results[sample];
    if (result.refused) {
      stream_.refuse(source, in, sample);
    } else {
      state.window.add(static_cast<double>(in.label[sample]), static_cast<double>(result.score),
                       static_cast<double>(in.weight[sample]));
    }
  }
  return {};
}

train_progress trainer::progress(bool close_window) {
  for (const auto& worker : workers_) {
    const std::lock_guard<std::mutex> hold(worker->lock);
    window_.merge(worker->window);
    worker->window = meter();
  }
  train_progress now;
  now.window = window_;
  now.total = total_;
  now.total.merge(window_);
  if (close_window) {
    total_ = now.total;
    window_ = meter();
  }
  now.features = model_.rows().rows();
  now.memory_bytes = model_.memory_bytes();
  return now;
}

status trainer::finish() {
  status done = stream_.finish();
  if (finished_) return done;
  finished_ = true;
  const meter total = progress(false).total;
  model_.seen.samples += total.samples;
  model_.seen.weight_sum += total.weight_sum;
  model_.seen.label_sum += total.label_sum;
  return done;
}

}  // namespace fmtrain
