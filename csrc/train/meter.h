// Progressive validation: every prediction is scored before its sample is learned, so the numbers
// are honest without a holdout. All sums are weighted.
//
// AUC comes from buckets of the score, 1/256 wide over [-16, 16): pairs inside one bucket count as
// ties, so the true AUC lies within auc_error() of it.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "model/loss.h"

namespace fmtrain {

class meter {
 public:
  static constexpr size_t buckets = 8192;

  void add(double label, double score, double weight) {
    ++samples;
    weight_sum += weight;
    label_sum += weight * label;
    prediction_sum += weight * sigmoid(score);
    loss_sum += weight * logloss(label, score);
    const double scaled = (score + 16) * 256;
    const size_t b = scaled < 0 ? 0 : scaled >= buckets ? buckets - 1 : static_cast<size_t>(scaled);
    positive[b] += weight * label;
    negative[b] += weight * (1 - label);
  }

  void merge(const meter& other) {
    samples += other.samples;
    weight_sum += other.weight_sum;
    label_sum += other.label_sum;
    prediction_sum += other.prediction_sum;
    loss_sum += other.loss_sum;
    for (size_t b = 0; b < buckets; ++b) {
      positive[b] += other.positive[b];
      negative[b] += other.negative[b];
    }
  }

  double mean_logloss() const { return loss_sum / weight_sum; }

  // NaN while only one class was seen.
  double auc() const {
    double below = 0, pairs = 0, p = 0;
    for (size_t b = 0; b < buckets; ++b) {
      pairs += positive[b] * (below + 0.5 * negative[b]);
      below += negative[b];
      p += positive[b];
    }
    return pairs / (p * below);
  }

  double auc_error() const {
    double tied = 0, p = 0, n = 0;
    for (size_t b = 0; b < buckets; ++b) {
      tied += positive[b] * negative[b];
      p += positive[b];
      n += negative[b];
    }
    return 0.5 * tied / (p * n);
  }

  uint64_t samples = 0;
  double weight_sum = 0, label_sum = 0, prediction_sum = 0, loss_sum = 0;
  std::array<double, buckets> positive{}, negative{};
};

}  // namespace fmtrain
