// A model: hyper-parameters, the bias, the table of rows, and what it has seen.
//
// A row holds the FTRL state of its feature, a coordinate (z, n) for w and one for each factor of
// v. The weights are functions of the state and are computed when needed (weights_of).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/spin_lock.h"
#include "model/encoding.h"
#include "model/expiry.h"
#include "model/ftrl.h"
#include "model/hyper.h"
#include "model/learner.h"
#include "model/start.h"
#include "model/table.h"

namespace fmtrain {

// Doubles: every sample adds to the bias, and a float n stops growing at 2^24 times its step.
struct bias_state {
  double z = 0, n = 0;
};

struct counters {
  uint64_t samples = 0;   // learned from
  double weight_sum = 0;  // of their weights
  double label_sum = 0;   // of weight * label: label_sum / weight_sum is the mean label
};

// The hyper-parameters in the form that the update uses.
struct optimiser {
  explicit optimiser(const hyper& h)
      : w(h.alpha, h.beta, h.l1, h.l2),
        v(h.v_alpha, h.v_beta, h.v_l1, h.v_l2),
        bias(h.alpha, h.beta, h.l1_of_bias(), h.l2_of_bias()) {}
  ftrl<float> w, v;
  ftrl<double> bias;
};

class model {
 public:
  // `h` has passed check_hyper. tail: rows have one, with factors or without (table_shape).
  model(const hyper& h, bool names, bool tail = false)
      : hyper_(h),
        optimiser_(h),
        table_(std::make_unique<table>(table_shape{static_cast<size_t>(h.factors), names, tail})) {
    table_->set_lanes_after(static_cast<uint32_t>(h.v_min_count));
  }

  const hyper& hypers() const { return hyper_; }
  const optimiser& update_rule() const { return optimiser_; }
  size_t factors() const { return static_cast<size_t>(hyper_.factors); }
  // Learning rates and penalties may change between runs; what shapes the rows may not.
  status change_hyper(const hyper& h);

  table& rows() { return *table_; }
  const table& rows() const { return *table_; }

  bias_state bias;
  mutable spin_lock bias_lock;
  counters seen;
  encoding encoded;

  double bias_weight() const;

  // Of the tables, names included.
  uint64_t memory_bytes() const {
    return table_->memory_bytes() + (has_stored() ? stored.rows->memory_bytes() : 0);
  }

  // Sets the state of new lanes, a new row's or those that a row gets later, before others see
  // them.
  void create(row_ref row) const {
    if (hyper_.v_start == v_start::kept && row.v != nullptr) keep_start(row);
  }

  // Rows that are not seen any more may leave the model. Rules other than those that were there
  // start the age of every row anew when time is measured otherwise; rows get the room for their
  // stamps when they have none (by a copy of the table).
  const expiry_rules& expiry() const { return expiry_; }
  status set_expiry(const std::vector<std::string>& rules, uint64_t now_minutes);
  // Of a file, before there are rows: what expiry().text() was.
  status restore_expiry(const std::string& text) { return expiry_.parse(text); }
  // In the units of expiry's clock: set by whoever trains.
  void set_time(uint32_t now) { time_.store(now, std::memory_order_relaxed); }
  uint32_t time() const { return time_.load(std::memory_order_relaxed); }
  void stamp(row_ref row) const {
    if (expiry_.on()) table::stamp(row.head, time());
  }
  // How many rows have left.
  uint64_t expire();
  // Rows whose id is `leaving` leave. Nobody else holds the model. How many they were.
  template <class Leaving>
  uint64_t drop(const Leaving& leaving) {
    return table_->retain([&leaving](row_ref row, std::string_view) { return !leaving(row.id()); });
  }

  // Of one row: w; and *w, v (factors).
  float w_of(row_ref row) const {
    return hyper_.linear ? optimiser_.w.weight(row.w().z, row.w().n) : 0.0f;
  }
  void weights_of(row_ref row, float* w, float* v) const;

  // What the state of v's lanes does not say alone: untouched ones hold their start, force_v_sparse
  // clears those of a zero w. state, v: (factors).
  void start_or_clear(uint64_t id, const coordinate* state, float w, float* v) const;
  // Whether start_or_clear is needed for every row, and not only where some n is 0.
  bool clears_lanes() const { return hyper_.force_v_sparse; }

  // Weights as another program stored them beside the state: alphaFM's are one update old, and its
  // predictions use them. They stand in the place of z. Dropped by the first training run.
  struct stored_weights {
    double bias = 0;
    std::unique_ptr<table> rows;
  };
  stored_weights stored;
  bool has_stored() const { return stored.rows != nullptr; }
  // False when there are none: the state decides.
  bool stored_weights_of(uint64_t id, float* w, float* v) const;

 private:
  void keep_start(row_ref row) const;
  void give_tails();

  hyper hyper_;
  optimiser optimiser_;
  expiry_rules expiry_;
  std::atomic<uint32_t> time_{0};
  std::unique_ptr<table> table_;
};

}  // namespace fmtrain
