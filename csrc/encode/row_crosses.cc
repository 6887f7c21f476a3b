// Crosses: every combination of the features that they are made of.

#include <cstring>

#include "encode/row_encoder.h"
#include "encode/transform.h"
#include "feature/hash.h"

namespace fmtrain {

size_t row_encoder::bytes_of(const std::vector<part>& parts) {
  size_t bytes = 0;
  for (const part& p : parts) bytes += p.size;
  return bytes;
}

// Every combination of the parts, the first part's slowest. False when there are too many.
bool row_encoder::make_cross(size_t feature, batch& out) {
  const feature_plan& plan = plan_.plan().features[feature];
  static const std::vector<part> nothing = {{0, 0, 1}};
  const std::vector<part>& first = parts_[plan.parts[0]];
  const std::vector<part>& second = parts_[plan.parts[1]];
  const bool three = plan.parts.size() > 2;
  const std::vector<part>& third = three ? parts_[plan.parts[2]] : nothing;
  // Each factor is below 2^24, the longest line: the product does not overflow.
  const size_t pairs = first.size() * second.size();
  if (pairs == 0 || third.empty()) return true;
  if (pairs > row_features_max || pairs * third.size() > row_features_max) return false;
  // Each name stands in as many combinations as there are of the others. Two cells of megabytes
  // could make terabytes.
  const size_t bytes = bytes_of(first) * (second.size() * third.size()) +
                       bytes_of(second) * (first.size() * third.size()) + bytes_of(third) * pairs;
  if (name_bytes_ + bytes > row_name_bytes_max) return false;
  out.reserve_features(plan_.plan().features.size() + pairs * third.size());
  for (const part& a : first) {
    for (const part& b : second) {
      for (const part& c : third) put_cross(a, b, three ? &c : nullptr, out);
    }
  }
  return true;
}

void row_encoder::put_cross(const part& a, const part& b, const part* c, batch& out) {
  const size_t size = a.size + 1 + b.size + (c != nullptr ? 1 + c->size : 0);
  if (scratch_.size() < size + padding_bytes) scratch_.resize(size + padding_bytes);
  char* at = scratch_.data();
  const auto append = [this, &at](const part& p) {
    std::memcpy(at, part_names_.data() + p.at, p.size);
    at += p.size;
  };
  append(a);
  *at++ = '&';
  append(b);
  double x = static_cast<double>(float_of(static_cast<double>(a.x) * b.x));
  if (c != nullptr) {
    *at++ = '&';
    append(*c);
    x *= c->x;
  }
  put(scratch_.data(), size, hash_padded(scratch_.data(), size, plan_.hash_seed()), float_of(x),
      out);
}

}  // namespace fmtrain
