// Logistic loss with soft labels y in [0, 1] and a sample weight omega, which is one factor of the
// gradient (weighted logistic regression is nothing else).
#pragma once

#include <algorithm>
#include <cmath>

namespace fmtrain {

inline double sigmoid(double score) {
  // Both branches exponentiate a number <= 0: no overflow.
  if (score >= 0) return 1 / (1 + std::exp(-score));
  const double e = std::exp(score);
  return e / (1 + e);
}

// -y log p - (1 - y) log(1 - p), straight from the score.
inline double logloss(double label, double score) {
  return std::max(score, 0.0) - label * score + std::log1p(std::exp(-std::fabs(score)));
}

}  // namespace fmtrain
