// The arithmetic of one sample over contiguous arrays, compiled once for every instruction set from
// one plain text (kernels.inc) and chosen when the program starts. Nothing in it may round
// differently: each set returns the same bits (tests/cpp/test_kernels.cc).
//
// Arrays may be read and written up to a cache line past their end (see buffer).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"
#include "model/ftrl.h"

namespace fmtrain {

struct running_score;

struct kernels {
  const char* name;

  // states (count) -> weights (count)
  void (*weigh)(const ftrl<float>& rule, const coordinate* states, float* weights, size_t count);
  // One step of FTRL on every coordinate: before (count), gradients and the weights they were taken
  // at -> after (count).
  void (*update)(const ftrl<float>& rule, const coordinate* before, const float* g,
                 const float* weights, coordinate* after, size_t count);

  // sum_i w_i x_i
  double (*linear_score)(const float* w, const float* x, size_t features);
  // g_i = slope x_i. Returns the largest |g_i|, not finite when any is not.
  float (*linear_gradient)(const float* x, float slope, size_t features, float* g);

  // Of an FM with `factors` lanes; see learner.h. sum (factors) is S_f, kept for the gradient.
  double (*fm_score)(const float* v, const float* x, size_t features, size_t factors, float* sum);
  float (*fm_gradient)(const float* v, const float* x, const float* sum, float slope,
                       size_t features, size_t factors, float* g);

  // The two scores at once and piece by piece, of rows where they lie: w, then the lanes. Features
  // added in the same order give the same bits as linear_score + fm_score.
  void (*add_rows)(const float* const* rows, const float* x, size_t features, size_t factors,
                   running_score* score);
};

// Of the eight partial sums of linear_score.
FMTRAIN_INLINE double linear_total(const double* partial) {
  return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
         ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

// A score in the making: what its features so far add up to. Copied, it can go on in many ways.
struct running_score {
  double linear[8];  // sums of w x; feature i's is in i % 8
  size_t features;   // so far
  float* sum;        // (factors), S_f
  float* square;     // (factors), sums of v^2 x^2

  void clear(size_t factors) {
    features = 0;
    for (double& partial : linear) partial = 0;
    for (size_t f = 0; f < factors; ++f) sum[f] = square[f] = 0;
  }
  // linear_score + fm_score of the features so far.
  double total(size_t factors) const;
};

// Of this processor.
const kernels& best_kernels();
// Null when this build or this processor has none of the kind.
const kernels* kernels_of(simd level);

}  // namespace fmtrain
