// Where v starts: N(0, 1) drawn as a pure function of (feature id, lane, seed). No generator, no
// state, the same on every machine: only +, *, /, sqrt, which IEEE 754 defines to the last bit
// (libm's log and cos are not), and contraction is off in the build.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "feature/hash.h"

namespace fmtrain {

// ln(x) for x in (0, 1]: exponent and atanh series of the mantissa; absolute error below 1e-12.
inline double portable_log(double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent) * 1.4142135623730951;  // in [0.707, 1.414)
  const double t = (mantissa - 1) / (mantissa + 1);
  const double square = t * t;
  double sum = 0;
  for (int power = 17; power >= 1; power -= 2) sum = sum * square + 1.0 / power;
  return 2 * t * sum + (exponent - 0.5) * 0.6931471805599453;
}

// Inverse of the normal distribution function, by P. J. Acklam's rational approximation (relative
// error below 1.2e-9), for 0 < p < 1.
inline double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  constexpr double tail = 0.02425;
  if (p > 1 - tail) return -normal_quantile(1 - p);
  if (p < tail) {
    const double q = std::sqrt(-2 * portable_log(p));
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  }
  const double q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

// 53 bits centred in their cell: never 0, and, as the largest rounds up, kept from being 1.
inline double uniform_of(uint64_t bits) {
  return std::min((static_cast<double>(bits >> 11) + 0.5) * 0x1p-53, 1 - 0x1p-53);
}

// Lane in [0, factors).
inline float start_value(uint64_t id, uint64_t lane, uint64_t seed) {
  uint64_t bits = hash_detail::mix_final(seed + 0x9e3779b97f4a7c15ULL);
  bits = hash_detail::mix_final(bits ^ id);
  bits = hash_detail::mix_final(bits + lane);
  return static_cast<float>(normal_quantile(uniform_of(bits)));
}

}  // namespace fmtrain
