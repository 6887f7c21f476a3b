// The score of a model's samples: what predicts, and what a model file's golden rows are held to.
#pragma once

#include "base/buffer.h"
#include "feature/batch.h"
#include "model/gather.h"
#include "model/model.h"

namespace fmtrain {

// The raw score of every sample of `in`, with the lookups' cache misses overlapped. Thread-safe.
struct score_scratch {
  buffer<row_ref> rows;
  gathered states;
  weights at;
};
void score_batch(const model& m, const batch& in, score_scratch& scratch, float* scores);

// The same of one sample, as golden rows want it. `m` outlives it.
sample_score score_of(const model& m);

}  // namespace fmtrain
