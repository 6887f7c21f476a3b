// THE hot loop: gather the rows of a sample's features, score them, take the gradient of the loss,
// scatter it through FTRL. It serves every learner, with other threads about (shared) or without
// (alone), and knows nothing of text.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/buffer.h"
#include "base/prefetch.h"
#include "feature/batch.h"
#include "model/gather.h"
#include "model/learner.h"
#include "model/loss.h"
#include "model/model.h"
#include "train/economy.h"
#include "train/hot_rows.h"
#include "train/known_rows.h"

namespace fmtrain {

// What one worker needs while learning; reused from sample to sample.
struct step_scratch {
  buffer<row_ref> rows;  // (features of the batch)
  known_rows known;      // of the block that the batch is from
  feature_list unknown;
  feature_list mine, common;  // shared: which rows are this worker's own copies, which are not
  gathered before, after;     // states of the sample
  weights at;
  gradients g;
};

// The learned sample, or why it was refused.
struct step_result {
  float score = 0;
  bool refused = false;  // the score or a gradient is not finite: nothing was touched
};

// Looks features up so that their cache misses overlap. `which(j)`, j < count, is a feature of the
// batch. With an economy that is on, rows[i] is null where feature i has no row yet.
template <class Locking, class Which>
void find_rows(model& m, economy* thrift, const batch& in, row_ref* rows, size_t count,
               const Which& which) {
  table& all = m.rows();
  const auto create = [&m](row_ref made) { m.create(made); };
  for (size_t j = 0; j < count; ++j) all.prefetch(in.id[which(j)]);
  for (size_t j = 0; j < count; ++j) rows[which(j)].head = all.guess<to_write>(in.id[which(j)]);
  for (size_t j = 0; j < count; ++j) {
    const size_t i = which(j);
    if (thrift != nullptr) {
      rows[i] = thrift->find<Locking>(in, i, rows[i].head);
      if (!rows[i]) continue;
    } else {
      rows[i] = all.find_or_insert<Locking>(in.id[i], in.name_of(i), create, rows[i].head);
    }
    if (m.factors() == 0) continue;
    if (rows[i].v == nullptr) rows[i] = all.sight(rows[i], create);
    all.prefetch_lanes<to_write>(rows[i]);
  }
}

// Where the source has numbered its distinct features, each is looked up once. With an economy that
// is on, every visit counts: nothing is skipped.
template <class Locking, class Which>
void find_new_rows(model& m, economy* thrift, const batch& in, step_scratch& scratch, size_t count,
                   const Which& which) {
  row_ref* const rows = scratch.rows.data();
  if (in.dictionary == nullptr || thrift != nullptr || m.hypers().v_min_count > 1) {
    return find_rows<Locking>(m, thrift, in, rows, count, which);
  }
  feature_list& unknown = scratch.unknown;
  scratch.known.take(m.rows(), in, rows, count, which, unknown);
  find_rows<Locking>(m, nullptr, in, rows, unknown.size(),
                     [&unknown](size_t j) { return unknown[j]; });
  scratch.known.learn(in, rows, unknown);
}

inline void find_rows(model& m, const batch& in, step_scratch& scratch, economy* thrift = nullptr) {
  scratch.rows.reserve(in.features);
  find_new_rows<alone>(m, thrift, in, scratch, in.features, [](size_t j) { return j; });
}

// The same with other threads about: hot rows come from the worker's own copies.
inline void find_rows(model& m, const batch& in, hot_rows& hot, step_scratch& scratch,
                      economy* thrift = nullptr) {
  row_ref* const rows = scratch.rows.reserve(in.features);
  const feature_list& common = scratch.common;
  hot.find(in, rows, scratch.mine, scratch.common);
  find_new_rows<shared>(m, thrift, in, scratch, common.size(),
                        [&common](size_t j) { return common[j]; });
}

// Once the batch is learned: a copy that was made before would lack what the batch taught its row.
inline void vote_for_hot(const batch& in, hot_rows& hot, const step_scratch& scratch) {
  const feature_list& common = scratch.common;
  for (size_t j = hot.first_vote(); j < common.size(); j += hot_rows::visits_a_vote) {
    hot.vote(in.id[common[j]], scratch.rows[common[j]]);
  }
}

template <class Locking>
void scatter_w(const ftrl<float>& rule, coordinate* at, coordinate before, coordinate after,
               float g, float w) {
  coordinate now;
  while (!exchange<Locking>(at, before, after, &now)) {
    before = after = now;
    rule.update(after.z, after.n, g, w);
  }
}

template <class Locking>
void scatter_v(const ftrl<float>& rule, row_ref row, const coordinate* before,
               const coordinate* after, const float* g, const float* v, size_t lanes) {
  if constexpr (Locking::is_shared) table::lock_lanes(row.head);
  uint64_t changed = 0;
  for (size_t f = 0; f < lanes; ++f) {
    changed |= bits_of(load<Locking>(row.v + f)) ^ bits_of(before[f]);
  }
  if (changed == 0) {
    for (size_t f = 0; f < lanes; ++f) store<Locking>(row.v + f, after[f]);
  } else {
    for (size_t f = 0; f < lanes; ++f) {
      coordinate now = load<Locking>(row.v + f);
      rule.update(now.z, now.n, g[f], v[f]);
      store<Locking>(row.v + f, now);
    }
  }
  if constexpr (Locking::is_shared) table::unlock_lanes(row.head);
}

// Lanes: the number of factors where the compiler is to know it, or 0. `bias` is this worker's.
template <class Locking, size_t Lanes>
step_result learn(const model& m, const learner& learn_as, const batch& in, size_t sample,
                  bias_state& bias, step_scratch& s) {
  const optimiser& rule = m.update_rule();
  const kernels& use = best_kernels();
  const uint32_t first = in.begin[sample], features = in.begin[sample + 1] - first;
  const size_t k = Lanes == 0 ? m.factors() : Lanes;
  const float* const x = in.x.data() + first;
  const row_ref* const rows = s.rows.data() + first;
  s.before.reserve(features, k);
  s.after.reserve(features, k);
  s.at.reserve(features, k);
  s.g.reserve(features, k);

  gather<Locking, Lanes>(rows, features, k, m.clears_lanes(), s.before);
  weigh(m, use, rows, features, s.before, s.at);
  const double bias_weight = m.hypers().bias ? rule.bias.weight(bias.z, bias.n) : 0.0;

  step_result result;
  result.score = static_cast<float>(bias_weight + learn_as.score(s.at, x, features));
  const auto slope =
      static_cast<float>(in.weight[sample] * (sigmoid(result.score) - in.label[sample]));
  const float steepest = learn_as.gradient(s.at, x, slope, features, s.g);
  // A NaN anywhere makes the score NaN; an infinite S_f makes a gradient too large.
  result.refused = !(std::fabs(result.score) < INFINITY) || !(std::fabs(slope) <= gradient_max) ||
                   !(steepest <= gradient_max);
  if (result.refused) {
    // The next sample's features begin where this one's end.
    s.mine.skip_until(first + features);
    s.common.skip_until(first + features);
    return result;
  }

  const bool linear = m.hypers().linear;
  if (linear) {
    use.update(rule.w, s.before.w.data(), s.g.w.data(), s.at.w.data(), s.after.w.data(), features);
  }
  if (k > 0) {
    use.update(rule.v, s.before.v.data(), s.g.v.data(), s.at.v.data(), s.after.v.data(),
               features * k);
  }
  const auto scatter = [&](auto locking, uint32_t i) {
    using how = decltype(locking);
    const row_ref row = rows[i];
    if (!row) return;
    if (linear) {
      scatter_w<how>(rule.w, &row.head->w, s.before.w[i], s.after.w[i], s.g.w[i], s.at.w[i]);
    }
    if (k > 0 && row.v != nullptr) {
      scatter_v<how>(rule.v, row, s.before.v.data() + i * k, s.after.v.data() + i * k,
                     s.g.v.data() + i * k, s.at.v.data() + i * k, k);
    }
  };
  if constexpr (Locking::is_shared) {
    s.mine.visit_until(first + features, [&](uint32_t i) { scatter(alone(), i - first); });
    s.common.visit_until(first + features, [&](uint32_t i) { scatter(shared(), i - first); });
  } else {
    for (uint32_t i = 0; i < features; ++i) scatter(alone(), i);
  }
  if (m.hypers().bias) rule.bias.update(bias.z, bias.n, static_cast<double>(slope), bias_weight);
  return result;
}

}  // namespace fmtrain
