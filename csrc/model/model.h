// A model: hyper-parameters, the bias, the table of rows, and what it has seen.
//
// A row's floats are its FTRL state:  z, n of w;  then z of v (factors);  then n of v (factors).
// The weights are functions of the state and are computed when needed (weights_of).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/spin_lock.h"
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
  // `h` has passed check_hyper.
  model(const hyper& h, bool names)
      : hyper_(h), optimiser_(h), table_(2 + 2 * static_cast<size_t>(h.factors), names) {}

  const hyper& hypers() const { return hyper_; }
  const optimiser& update_rule() const { return optimiser_; }
  size_t factors() const { return static_cast<size_t>(hyper_.factors); }
  // Learning rates and penalties may change between runs; what shapes the rows may not.
  status change_hyper(const hyper& h);

  table& rows() { return table_; }
  const table& rows() const { return table_; }

  bias_state bias;
  mutable spin_lock bias_lock;
  counters seen;

  double bias_weight() const;

  // Of the tables, names included.
  uint64_t memory_bytes() const {
    return table_.memory_bytes() + (has_stored() ? stored.rows->memory_bytes() : 0);
  }

  // A new row's state, under its stripe's lock.
  void create(uint64_t id, float* state) const {
    if (hyper_.v_start == v_start::kept) keep_start(id, state);
  }

  // state (2 + 2 factors) -> *w, v (factors). Width is the learner's compile-time one.
  template <int Width>
  void weights_of(uint64_t id, const float* state, float* w, float* v) const {
    const size_t k = Width == any_width ? factors() : static_cast<size_t>(Width);
    *w = hyper_.linear ? optimiser_.w.weight(state[0], state[1]) : 0.0f;
    const float* const z = state + 2;
    const float* const n = z + k;
    float n_least = std::numeric_limits<float>::max();
    for (size_t f = 0; f < k; ++f) {
      v[f] = optimiser_.v.weight(z[f], n[f]);
      n_least = std::min(n_least, n[f]);
    }
    if (k > 0 && (n_least == 0 || hyper_.force_v_sparse)) start_or_clear(id, z, n, *w, v);
  }

  // Weights as another program stored them beside the state: alphaFM's are one update old, and its
  // predictions use them. Row: w, v (factors). Dropped by the first training run.
  struct stored_weights {
    double bias = 0;
    std::unique_ptr<table> rows;
  };
  stored_weights stored;
  bool has_stored() const { return stored.rows != nullptr; }
  // False when there are none: the state decides.
  bool stored_weights_of(uint64_t id, float* w, float* v) const;

 private:
  void keep_start(uint64_t id, float* state) const;
  // The rare lanes: untouched ones hold their start, force_v_sparse clears those of a zero w.
  void start_or_clear(uint64_t id, const float* z, const float* n, float w, float* v) const;

  hyper hyper_;
  optimiser optimiser_;
  table table_;
};

}  // namespace fmtrain
