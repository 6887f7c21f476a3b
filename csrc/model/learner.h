// What a model is, apart from how it is stored and trained: two functions on a small matrix of
// weights. A learner knows no lock, row, hash or optimiser; LR is FM without factors.
//
//     x (features)            values
//     w (features)            linear weights
//     v (features, factors)   factors; absent for LR
//
// Factorization machine of order 2 (Rendle, "Factorization Machines", ICDM 2010):
//     score = sum w_i x_i + 1/2 sum_f [ (sum_i v_if x_i)^2 - sum_i v_if^2 x_i^2 ]
//     d loss / d w_i  = slope x_i,  slope = omega (p - y)
//     d loss / d v_if = slope x_i (S_f - v_if x_i),  S_f = sum_j v_jf x_j
#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "model/kernels.h"

namespace fmtrain {

constexpr size_t factors_max = 1024;

struct weights {
  buffer<float> w;    // (features)
  buffer<float> v;    // (features, factors)
  buffer<float> sum;  // (factors), S_f

  void reserve(size_t features, size_t factors) {
    w.reserve(features);
    v.reserve(features * factors);
    sum.reserve(factors);
  }
};

struct gradients {
  buffer<float> w;  // (features)
  buffer<float> v;  // (features, factors)

  void reserve(size_t features, size_t factors) {
    w.reserve(features);
    v.reserve(features * factors);
  }
};

class learner {
 public:
  explicit learner(size_t factors, const kernels& use = best_kernels())
      : factors_(factors), kernels_(&use) {}

  size_t factors() const { return factors_; }

  // Without the bias. Leaves S_f in at.sum for the gradient.
  double score(weights& at, const float* x, size_t features) const {
    const double linear = kernels_->linear_score(at.w.data(), x, features);
    if (factors_ == 0) return linear;
    return linear + kernels_->fm_score(at.v.data(), x, features, factors_, at.sum.data());
  }

  // Returns the largest magnitude in `out`, not finite when there is none.
  float gradient(const weights& at, const float* x, float slope, size_t features,
                 gradients& out) const {
    const float linear = kernels_->linear_gradient(x, slope, features, out.w.data());
    if (factors_ == 0) return linear;
    const float lanes = kernels_->fm_gradient(at.v.data(), x, at.sum.data(), slope, features,
                                              factors_, out.v.data());
    return linear > lanes ? linear : lanes;  // as written, a NaN of the lanes is kept
  }

 private:
  size_t factors_;
  const kernels* kernels_;
};

}  // namespace fmtrain
