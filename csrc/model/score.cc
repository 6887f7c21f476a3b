#include "model/score.h"

#include "model/learner.h"

namespace fmtrain {
namespace {

// A feature without a row scores nothing.
float score_sample(const model& m, const learner& learn_as, const batch& in, size_t sample,
                   score_scratch& scratch) {
  const uint32_t first = in.begin[sample], features = in.begin[sample + 1] - first;
  const size_t k = m.factors();
  const row_ref* const rows = scratch.rows.data() + first;
  scratch.states.reserve(features, k);
  scratch.at.reserve(features, k);
  gather<alone, 0>(rows, features, k, m.clears_lanes(), scratch.states);
  if (m.has_stored()) {
    for (uint32_t i = 0; i < features; ++i) scratch.at.w[i] = scratch.states.w[i].z;
    for (size_t i = 0; i < features * k; ++i) scratch.at.v[i] = scratch.states.v[i].z;
  } else {
    weigh(m, best_kernels(), rows, features, scratch.states, scratch.at);
  }
  return static_cast<float>(m.bias_weight() +
                            learn_as.score(scratch.at, in.x.data() + first, features));
}

}  // namespace

void score_batch(const model& m, const batch& in, score_scratch& scratch, float* scores) {
  const table& rows = m.has_stored() ? *m.stored.rows : m.rows();
  row_ref* const found = scratch.rows.reserve(in.features);
  // Nobody writes while a model scores: no lock.
  for (size_t i = 0; i < in.features; ++i) rows.prefetch(in.id[i]);
  for (size_t i = 0; i < in.features; ++i) found[i].head = rows.guess<to_read>(in.id[i]);
  for (size_t i = 0; i < in.features; ++i) {
    found[i] = rows.find(in.id[i], found[i].head);
    rows.prefetch_lanes<to_read>(found[i]);
  }
  const learner learn_as(m.factors());
  for (size_t s = 0; s < in.samples; ++s) scores[s] = score_sample(m, learn_as, in, s, scratch);
}

sample_score score_of(const model& m) {
  return [&m](const batch& in) {
    score_scratch scratch;
    float score = 0;
    score_batch(m, in, scratch, &score);
    return score;
  };
}

}  // namespace fmtrain
