// What a model is, apart from how it is stored and trained: a width and two functions on a small
// matrix of weights. A learner knows no lock, slot, hash or optimiser. LR is FM with no factors.
//
// The sample's rows, gathered:
//     w (features)            linear weights
//     v (features, factors)   factors; absent for LR
//     x (features)            values
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace fmtrain {

struct gathered {
  std::vector<float> w;    // (features)
  std::vector<float> v;    // (features, factors)
  std::vector<float> sum;  // (factors), S_f = sum_i v_if x_i

  void reserve(size_t features, size_t factors) {
    if (w.size() < features) w.resize(features);
    if (v.size() < features * factors) v.resize(features * factors);
    if (sum.size() < factors) sum.resize(factors);
  }
};

// sum_i w_i x_i, in doubles: the product of two floats is exact in one. Four partial sums: one long
// chain of additions would wait for each to finish.
inline double linear_score(const float* w, const float* x, size_t features) {
  const auto term = [w, x](size_t i) {
    return static_cast<double>(w[i]) * static_cast<double>(x[i]);
  };
  double partial[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= features; i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) partial[lane] += term(i + lane);
  }
  for (; i < features; ++i) partial[0] += term(i);
  return (partial[0] + partial[1]) + (partial[2] + partial[3]);
}

// Factorization machine of order 2 (Rendle, "Factorization Machines", ICDM 2010):
//     score = sum w_i x_i + 1/2 sum_f [ (sum_i v_if x_i)^2 - sum_i v_if^2 x_i^2 ]
// Width is the number of factors known to the compiler, or any_width: the same text, its loops
// unrolled or not.
constexpr int any_width = -1;
constexpr size_t factors_max = 1024;

template <int Width>
struct fm {
  static constexpr int width = Width;
  explicit fm(size_t factors) : factors_(factors) {}

  size_t factors() const { return Width == any_width ? factors_ : static_cast<size_t>(Width); }

  // Without the bias. Leaves S_f in rows.sum for the gradient.
  double score(gathered& rows, const float* x, size_t features) const {
    const size_t k = factors();
    float* const sum = rows.sum.data();
    std::fill(sum, sum + k, 0.0f);
    float squares[Width == any_width ? factors_max : static_cast<size_t>(Width)] = {};
    for (size_t i = 0; i < features; ++i) {
      const float* const v = rows.v.data() + i * k;
      const float xi = x[i];
      for (size_t f = 0; f < k; ++f) {
        const float term = v[f] * xi;
        sum[f] += term;
        squares[f] += term * term;
      }
    }
    double pairs = 0;
    for (size_t f = 0; f < k; ++f) {
      const auto s = static_cast<double>(sum[f]);
      pairs += s * s - static_cast<double>(squares[f]);
    }
    return linear_score(rows.w.data(), x, features) + 0.5 * pairs;
  }

  // d loss / d v_if = slope x_i (S_f - v_if x_i), slope = omega (p - y). g: (factors)
  void gradient(const gathered& rows, float slope, float xi, size_t i, float* g) const {
    const size_t k = factors();
    const float* const v = rows.v.data() + i * k;
    const float* const sum = rows.sum.data();
    const float scale = slope * xi;
    for (size_t f = 0; f < k; ++f) g[f] = scale * (sum[f] - v[f] * xi);
  }

 private:
  size_t factors_;
};

struct lr {
  static constexpr int width = 0;
  explicit lr(size_t) {}
  static constexpr size_t factors() { return 0; }
  double score(gathered& rows, const float* x, size_t features) const {
    return linear_score(rows.w.data(), x, features);
  }
  void gradient(const gathered&, float, float, size_t, float*) const {}
};

// The one switch from a run-time width to a compile-time type.
template <class Function>
auto with_learner(size_t factors, Function&& function) {
  switch (factors) {
    case 0: return function(lr(factors));
    case 4: return function(fm<4>(factors));
    case 8: return function(fm<8>(factors));
    case 16: return function(fm<16>(factors));
    default: return function(fm<any_width>(factors));
  }
}

}  // namespace fmtrain
