// Samples on their way into a block of the input cache: collected batch by batch, then encoded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "feature/batch.h"
#include "feature/cache_format.h"

namespace fmtrain {

class cache_builder {
 public:
  explicit cache_builder(bool names) : with_names_(names) {}

  bool empty() const { return label_.empty(); }
  uint64_t samples() const { return label_.size(); }
  size_t features() const { return local_.size(); }

  // Adds the samples of `in` from `first` on until the block is full; returns which one is next.
  // An empty block takes at least one.
  size_t add(const batch& in, size_t first);

  // The block, raw; the builder is empty afterwards.
  status encode(std::string_view source, std::string* raw);

 private:
  bool takes(const batch& in, size_t sample) const;
  void add_features(const batch& in, size_t sample);
  uint32_t place_of(const batch& in, size_t feature);
  void grow_slots();
  cache_front make_front(std::string_view source) const;
  // Column-major order of the features, and the dictionary in order of first appearance in it.
  void turn(std::vector<uint32_t>* place, std::vector<uint32_t>* order);
  void put_columns(const cache_front& front, std::string* raw);
  void clear();

  const bool with_names_;
  // One entry a sample.
  std::vector<float> label_, weight_;
  std::vector<uint64_t> line_;
  std::vector<uint32_t> count_, key_size_;
  // One entry a feature, in the order in which they came.
  std::vector<uint32_t> local_;
  std::vector<float> value_;
  // One entry a distinct feature, in order of first appearance.
  std::vector<uint64_t> id_;
  std::vector<uint32_t> name_at_, name_size_;
  std::vector<uint32_t> slots_;  // hash table: 1 + index into id_, 0 where free
  std::string keys_, names_;
};

}  // namespace fmtrain
