// Some of a batch's features.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"

namespace fmtrain {

// Features of a batch, in order, and how far a reader has come.
class feature_list {
 public:
  void clear(size_t features_max) {
    features_.reserve(features_max + 1);
    size_ = next_ = 0;
  }
  void add_if(bool wanted, size_t feature) {
    features_[size_] = static_cast<uint32_t>(feature);
    size_ += wanted;
  }
  size_t size() const { return size_; }
  size_t operator[](size_t j) const { return features_[j]; }

  // Calls visit(feature) for those before `end` that were not visited yet.
  template <class Visit>
  void visit_until(size_t end, const Visit& visit) {
    for (; next_ < size_ && features_[next_] < end; ++next_) visit(features_[next_]);
  }
  void skip_until(size_t end) {
    visit_until(end, [](uint32_t) {});
  }

 private:
  buffer<uint32_t> features_;
  size_t size_ = 0, next_ = 0;
};

}  // namespace fmtrain
