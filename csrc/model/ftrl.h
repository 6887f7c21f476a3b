// FTRL-Proximal, per coordinate (McMahan et al., "Ad Click Prediction: a View from the Trenches",
// KDD 2013, algorithm 1). The state is z and n; the weight is a function of them:
//
//     w = 0                                                      if |z| <= l1
//     w = -(z - sgn(z) l1) / ((beta + sqrt(n)) / alpha + l2)     otherwise
//     sigma = (sqrt(n + g^2) - sqrt(n)) / alpha
//     z += g - sigma w;  n += g^2
//
// The difference of roots is written g^2 / (sqrt(n + g^2) + sqrt(n)): in floats the plain form
// loses every digit once n is large. Coordinates are independent and nothing branches, so loops
// over them vectorise. Everything here is always inlined: kernels compile it once an instruction
// set, and no linker may take one set's copy for another's.
#pragma once

#define FMTRAIN_INLINE inline __attribute__((always_inline))

namespace fmtrain {

// One coordinate's state. 8 bytes: another thread sees it old or new, never half.
struct alignas(8) coordinate {
  float z, n;
};

namespace ftrl_detail {
FMTRAIN_INLINE float root(float x) { return __builtin_sqrtf(x); }
FMTRAIN_INLINE double root(double x) { return __builtin_sqrt(x); }
FMTRAIN_INLINE float magnitude(float x) { return __builtin_fabsf(x); }
FMTRAIN_INLINE double magnitude(double x) { return __builtin_fabs(x); }
FMTRAIN_INLINE float with_sign(float x, float sign) { return __builtin_copysignf(x, sign); }
FMTRAIN_INLINE double with_sign(double x, double sign) { return __builtin_copysign(x, sign); }
template <class Real>
struct limits;
template <>
struct limits<float> {
  static constexpr float largest = __FLT_MAX__, smallest = __FLT_MIN__;
};
template <>
struct limits<double> {
  static constexpr double largest = __DBL_MAX__, smallest = __DBL_MIN__;
};
}  // namespace ftrl_detail

template <class Real>
struct ftrl {
  Real beta, l1, l2;
  Real per_alpha;  // 1 / alpha

  ftrl(double alpha, double beta_, double l1_, double l2_)
      : beta(static_cast<Real>(beta_)),
        l1(static_cast<Real>(l1_)),
        l2(static_cast<Real>(l2_)),
        per_alpha(static_cast<Real>(1 / alpha)) {}

  FMTRAIN_INLINE Real weight(Real z, Real n) const {
    using namespace ftrl_detail;
    const Real beyond = magnitude(z) - l1;
    const Real excess = beyond < 0 ? Real(0) : beyond;
    return -with_sign(excess, z) / ((beta + root(n)) * per_alpha + l2);
  }

  // (sqrt(n + square) - sqrt(n)) / alpha, where `after` is n + square. The smallest normal keeps
  // 0 / 0 away; it is lost in any sum that matters.
  FMTRAIN_INLINE Real sigma(Real n, Real square, Real after) const {
    using namespace ftrl_detail;
    return square / (root(after) + root(n) + limits<Real>::smallest) * per_alpha;
  }

  // `g` and `w` are finite, |g| <= gradient_max; z and n stay finite: they saturate at the largest
  // finite number instead of overflowing.
  FMTRAIN_INLINE void update(Real& z, Real& n, Real g, Real w) const {
    const Real square = g * g;
    const Real after = below_largest(n + square);
    z = within_largest(z + (g - sigma(n, square, after) * w));
    n = after;
  }

  // Adds what a copy learned to the state it was taken from, which others have moved meanwhile.
  // z is not additive: of the copy's change, its gradients G are, and the proximal part is taken
  // anew at the joint n, with the mean weight w_ref that the copy had (taken as the mean of its
  // first and its last): z += G - sigma(n, Q) w_ref, n += Q.
  FMTRAIN_INLINE void merge(Real& z, Real& n, Real base_z, Real base_n, Real copy_z,
                            Real copy_n) const {
    const Real square = copy_n - base_n;
    const Real after = below_largest(n + square);
    const Real reference = (weight(base_z, base_n) + weight(copy_z, copy_n)) * Real(0.5);
    const Real proximal = (sigma(base_n, square, copy_n) - sigma(n, square, after)) * reference;
    z = within_largest(z + ((copy_z - base_z) + proximal));
    n = after;
  }

  // The z that makes weight(z, n) return `w`: the inverse of the closed form. Where w is 0 any
  // |z| <= l1 would do; 0 is returned.
  Real z_for(Real w, Real n) const {
    using namespace ftrl_detail;
    if (w == 0) return 0;
    return -(w * ((beta + root(n)) * per_alpha + l2) + with_sign(l1, w));
  }

 private:
  FMTRAIN_INLINE static Real below_largest(Real x) {
    constexpr Real largest = ftrl_detail::limits<Real>::largest;
    return x < largest ? x : largest;
  }
  FMTRAIN_INLINE static Real within_largest(Real x) {
    constexpr Real largest = ftrl_detail::limits<Real>::largest;
    const Real high = x < largest ? x : largest;
    return high < -largest ? -largest : high;
  }
};

// A gradient beyond this is junk in the input (its square nears the end of the floats): the sample
// is refused before it touches the table.
constexpr float gradient_max = 0x1p62f;

}  // namespace fmtrain
