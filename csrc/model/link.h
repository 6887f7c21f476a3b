// What a raw score becomes for whoever reads it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "model/loss.h"

namespace fmtrain {

enum class link : uint8_t { sigmoid, exp, raw };
constexpr const char* link_words[] = {"sigmoid", "exp", "raw"};

// exp(score) is clamped here so that a float holds it.
constexpr double exp_score_max = 88;

inline double apply_link(link l, double score) {
  switch (l) {
    case link::sigmoid: return sigmoid(score);
    case link::exp: return std::exp(std::min(score, exp_score_max));
    case link::raw: break;
  }
  return score;
}

}  // namespace fmtrain
