// THE hot loop: gather the rows of a sample's features, score them, take the gradient of the loss,
// scatter it through FTRL. It serves every learner, with other threads about (shared) or without
// (alone), and knows nothing of text.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "feature/batch.h"
#include "model/learner.h"
#include "model/model.h"
#include "train/meter.h"

namespace fmtrain {

// What one worker needs while learning; reused from sample to sample.
struct step_scratch {
  std::vector<row_ref> rows;  // (features of the batch)
  gathered weights;           // (features of the sample)
  std::vector<float> g;       // (features of the sample, factors)
};

// The learned sample, or why it was refused.
struct step_result {
  float score = 0;
  bool refused = false;  // the score or a gradient is not finite: nothing was touched
};

// Looks every feature of the batch up, so that their cache misses overlap.
template <class Locking>
void find_rows(model& m, const batch& in, std::vector<row_ref>& rows) {
  if (rows.size() < in.features) rows.resize(in.features);
  for (size_t i = 0; i < in.features; ++i) m.rows().prefetch(in.id[i]);
  for (size_t i = 0; i < in.features; ++i) {
    const uint64_t id = in.id[i];
    rows[i] = m.rows().find_or_insert<Locking>(id, in.name_of(i),
                                               [&](float* state) { m.create(id, state); });
    for (size_t line = 0; line < m.rows().row_bytes(); line += 64) {
      __builtin_prefetch(rows[i].bytes() + line, 1);
    }
  }
}

template <class Locking, class Learner>
step_result learn(model& m, const Learner& learner, const batch& in, size_t sample,
                  step_scratch& scratch) {
  const optimiser& rule = m.update_rule();
  const uint32_t first = in.begin[sample], features = in.begin[sample + 1] - first;
  const size_t k = learner.factors();
  const float* const x = in.x.data() + first;
  const row_ref* const rows = scratch.rows.data() + first;
  gathered& weights = scratch.weights;
  weights.reserve(features, k);
  if (scratch.g.size() < features * k) scratch.g.resize(features * k);

  double bias = 0;
  {
    [[maybe_unused]] const auto hold = Locking::hold(m.bias_lock);
    bias = m.bias_weight();
  }
  for (uint32_t i = 0; i < features; ++i) {
    [[maybe_unused]] const auto hold = Locking::hold(m.rows().lock_of(rows[i].id()));
    m.weights_of<Learner::width>(rows[i].id(), rows[i].values(), &weights.w[i],
                                 weights.v.data() + i * k);
  }

  step_result result;
  result.score = static_cast<float>(bias + learner.score(weights, x, features));
  const auto slope =
      static_cast<float>(in.weight[sample] * (sigmoid(result.score) - in.label[sample]));
  float steepest = std::fabs(slope);
  for (uint32_t i = 0; i < features; ++i) {
    float* const g = scratch.g.data() + i * k;
    learner.gradient(weights, slope, x[i], i, g);
    steepest = std::max(steepest, std::fabs(slope * x[i]));
    for (size_t f = 0; f < k; ++f) steepest = std::max(steepest, std::fabs(g[f]));
  }
  // A NaN anywhere makes the score NaN; an infinite S_f makes a gradient too large.
  result.refused = !(std::fabs(result.score) < INFINITY) || !(steepest <= gradient_max);
  if (result.refused) return result;

  for (uint32_t i = 0; i < features; ++i) {
    [[maybe_unused]] const auto hold = Locking::hold(m.rows().lock_of(rows[i].id()));
    float* const state = rows[i].values();
    if (m.hypers().linear) rule.w.update(state[0], state[1], slope * x[i], weights.w[i]);
    const float* const g = scratch.g.data() + i * k;
    const float* const v = weights.v.data() + i * k;
    for (size_t f = 0; f < k; ++f) rule.v.update(state[2 + f], state[2 + k + f], g[f], v[f]);
  }
  if (m.hypers().bias) {
    [[maybe_unused]] const auto hold = Locking::hold(m.bias_lock);
    rule.bias.update(m.bias.z, m.bias.n, static_cast<double>(slope), bias);
  }
  return result;
}

}  // namespace fmtrain
