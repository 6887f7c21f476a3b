// A running score with room for its factor sums.
#pragma once

#include <algorithm>

#include "base/buffer.h"
#include "model/kernels.h"

namespace fmtrain {

class score_sums {
 public:
  // Before anything else, and again for more factors. Allocates where it grows.
  void reserve(size_t factors) {
    score_.sum = lanes_.reserve(2 * factors);
    score_.square = score_.sum + factors;
  }
  void clear(size_t factors) { score_.clear(factors); }
  void copy(const running_score& from, size_t factors) {
    std::copy_n(from.linear, 8, score_.linear);
    score_.features = from.features;
    std::copy_n(from.sum, factors, score_.sum);  // without factors both are null
    std::copy_n(from.square, factors, score_.square);
  }
  running_score& operator*() { return score_; }
  running_score* operator->() { return &score_; }

 private:
  running_score score_{};
  buffer<float> lanes_;
};

}  // namespace fmtrain
