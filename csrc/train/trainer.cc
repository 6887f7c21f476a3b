#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

namespace fmtrain {
namespace {

// Outgrown indexes are freed when they are worth a pause.
constexpr uint64_t retired_bytes_min = uint64_t{8} << 20;
constexpr uint64_t retired_share = 256;  // of the table

// The one switch from a run-time number of factors to one that the compiler knows.
template <class Function>
void with_lanes(size_t factors, Function&& function) {
  switch (factors) {
    case 4: return function(std::integral_constant<size_t, 4>());
    case 8: return function(std::integral_constant<size_t, 8>());
    case 16: return function(std::integral_constant<size_t, 16>());
    default: return function(std::integral_constant<size_t, 0>());
  }
}

}  // namespace

trainer::trainer(model& m, const train_options& options, const parse_options& parsing)
    : model_(m),
      thrift_(m, options.thrift),
      in_turn_(options.deterministic && options.threads > 1),
      alone_(in_turn_ || options.threads == 1),
      learner_(m.factors()),
      workers_([this, &options] {
        std::vector<std::unique_ptr<worker_state>> states(options.threads);
        for (auto& state : states) {
          state = std::make_unique<worker_state>();
          if (alone_) continue;
          state->hot = std::make_unique<hot_rows>(model_);
          state->bias = state->bias_base = model_.bias;
        }
        return states;
      }()),
      stream_(options.threads, parsing, *this) {
  // From here on the state alone decides what is predicted.
  m.stored = {};
}

template <class Locking, size_t Lanes>
void trainer::learn_batch(worker_state& state, bias_state& bias, const batch& in) {
  for (size_t sample = 0; sample < in.samples; ++sample) {
    state.results[sample] =
        learn<Locking, Lanes>(model_, learner_, in, sample, bias, state.scratch);
  }
}

void trainer::merge_bias(worker_state& state) {
  const std::lock_guard<spin_lock> hold(model_.bias_lock);
  bias_state &all = model_.bias, &base = state.bias_base, &mine = state.bias;
  model_.update_rule().bias.merge(all.z, all.n, base.z, base.n, mine.z, mine.n);
  mine = base = all;
}

template <class Change>
void trainer::pause(const Change& change) {
  const std::lock_guard<std::mutex> hold(pause_lock_);
  // Memory may run out within: the locks open all the same, or nobody ever finished.
  std::vector<std::unique_lock<std::mutex>> all;
  all.reserve(workers_.size());
  pausing_ = true;
  for (const auto& worker : workers_) all.emplace_back(worker->lock);
  pausing_ = false;
  change();
}

status trainer::consume(size_t worker, uint64_t, const batch_source& source, batch& in) {
  worker_state& state = *workers_[worker];
  if (in_turn_) {
    put_by(state, source, in);
    return {};
  }
  // Somebody waits for all workers' locks: to take this one's again and again would starve them.
  if (pausing_) const std::lock_guard<std::mutex> wait(pause_lock_);
  learn_now(state, source, in);
  pause_if_due(state);
  table& rows = model_.rows();
  if (rows.retired_bytes() > retired_bytes_min &&
      rows.retired_bytes() > rows.allocated_bytes() / retired_share) {
    pause([&rows] { rows.reclaim(); });
  }
  return {};
}

// Keeps the batch and leaves an empty one in its place.
void trainer::put_by(worker_state& state, const batch_source& source, batch& in) {
  if (state.spare.empty()) state.spare.emplace_back();
  state.source = &source;
  state.waiting.push_back(std::move(in));
  in = std::move(state.spare.back());
  state.spare.pop_back();
}

status trainer::finish_source(size_t worker, uint64_t order) {
  worker_state& state = *workers_[worker];
  if (!in_turn_) {
    state.scratch.known.forget();
    return {};
  }
  const auto start = std::chrono::steady_clock::now();
  if (!turns_.wait_for(order, [this] { return stream_.stopped(); })) return {};
  const auto turn = std::chrono::steady_clock::now();
  stream_.waited(worker, std::chrono::duration<double>(turn - start).count());
  // One thread would add to one meter: sums of doubles depend on their order.
  worker_state& learner = *workers_.front();
  for (batch& in : state.waiting) {
    learn_now(learner, *state.source, in);
    pause_if_due(learner);
    state.spare.push_back(std::move(in));
  }
  state.waiting.clear();
  learner.scratch.known.forget();
  turns_.over();
  return {};
}

void trainer::learn_now(worker_state& state, const batch_source& source, const batch& in) {
  const std::lock_guard<std::mutex> hold(state.lock);
  economy* const thrift = thrift_.on() ? &thrift_ : nullptr;
  if (state.results.size() < in.samples) state.results.resize(in.samples);
  if (alone_) {
    find_rows(model_, in, state.scratch, thrift);
    with_lanes(model_.factors(),
               [&](auto lanes) { learn_batch<alone, lanes>(state, model_.bias, in); });
    // At once: a cap counts them, and must bite at the same sample whatever the number of threads.
    if (model_.rows().retired_bytes() > 0) model_.rows().reclaim();
  } else {
    find_rows(model_, in, *state.hot, state.scratch, thrift);
    with_lanes(model_.factors(),
               [&](auto lanes) { learn_batch<shared, lanes>(state, state.bias, in); });
    vote_for_hot(in, *state.hot, state.scratch);
    state.hot->settle();
    merge_bias(state);
  }
  for (size_t sample = 0; sample < in.samples; ++sample) {
    const step_result& result = state.results[sample];
    if (result.refused) {
      stream_.refuse(source, in, sample);
    } else {
      state.window.add(static_cast<double>(in.label[sample]), static_cast<double>(result.score),
                       static_cast<double>(in.weight[sample]));
    }
  }
  state.pause_is_due = thrift != nullptr && thrift->after(in);
}

// Between batches, whoever finds that the economy wants one.
void trainer::pause_if_due(const worker_state& state) {
  if (!state.pause_is_due) return;
  pause([this] {
    settle_all();
    thrift_.tidy();
  });
}

// The rows then hold everything that was learned, and nobody holds one.
void trainer::settle_all() {
  for (const auto& worker : workers_) {
    if (alone_) break;
    worker->hot->give_up();
    merge_bias(*worker);
  }
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
  // Against a pause: rows leave in one.
  const std::lock_guard<std::mutex> hold(workers_.front()->lock);
  now.features = model_.rows().rows();
  now.memory_bytes = model_.memory_bytes();
  if (thrift_.on()) now.thrift = thrift_.report();
  return now;
}

status trainer::finish() {
  status done = stream_.finish();
  if (finished_) return done;
  finished_ = true;
  settle_all();
  model_.rows().reclaim();
  thrift_.finish();
  const meter total = progress(false).total;
  model_.seen.samples += total.samples;
  model_.seen.weight_sum += total.weight_sum;
  model_.seen.label_sum += total.label_sum;
  return done;
}

}  // namespace fmtrain
