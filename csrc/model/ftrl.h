// FTRL-Proximal, per coordinate (McMahan et al., "Ad Click Prediction: a View from the Trenches",
// KDD 2013, algorithm 1). The state is z and n; the weight is a function of them:
//
//     w = 0                                                      if |z| <= l1
//     w = -(z - sgn(z) l1) / ((beta + sqrt(n)) / alpha + l2)     otherwise
//     sigma = (sqrt(n + g^2) - sqrt(n)) / alpha
//     z += g - sigma w;  n += g^2
//
// The difference of roots is written g^2 / (sqrt(n + g^2) + sqrt(n)): in floats the plain form
// loses every digit once n is large. Lanes are independent and branch-free, so loops over them
// vectorise.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace fmtrain {

template <class Real>
struct ftrl {
  Real beta, l1, l2;
  Real per_alpha;  // 1 / alpha

  ftrl(double alpha, double beta_, double l1_, double l2_)
      : beta(static_cast<Real>(beta_)),
        l1(static_cast<Real>(l1_)),
        l2(static_cast<Real>(l2_)),
        per_alpha(static_cast<Real>(1 / alpha)) {}

  Real weight(Real z, Real n) const {
    const Real excess = std::max(std::fabs(z) - l1, Real(0));
    return -std::copysign(excess, z) / ((beta + std::sqrt(n)) * per_alpha + l2);
  }

  // `g` and `w` are finite, |g| <= gradient_max; z and n stay finite: they saturate at the largest
  // finite number instead of overflowing.
  void update(Real& z, Real& n, Real g, Real w) const {
    constexpr Real largest = std::numeric_limits<Real>::max();
    const Real square = g * g;
    const Real n_after = std::min(n + square, largest);
    // The smallest normal keeps 0 / 0 away; it is lost in any sum that matters.
    const Real roots = std::sqrt(n_after) + std::sqrt(n) + std::numeric_limits<Real>::min();
    const Real sigma = square / roots * per_alpha;
    z = std::min(std::max(z + (g - sigma * w), -largest), largest);
    n = n_after;
  }

  // The z that makes weight(z, n) return `w`: the inverse of the closed form. Where w is 0 any
  // |z| <= l1 would do; 0 is returned.
  Real z_for(Real w, Real n) const {
    if (w == 0) return 0;
    return -(w * ((beta + std::sqrt(n)) * per_alpha + l2) + std::copysign(l1, w));
  }
};

// A gradient beyond this is junk in the input (its square nears the end of the floats): the sample
// is refused before it touches the table.
constexpr float gradient_max = 0x1p62f;

}  // namespace fmtrain
