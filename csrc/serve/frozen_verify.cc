// What opening left: the large sections and what lies between them, then the golden rows.
#include <cmath>
#include <new>

#include "base/crc32c.h"
#include "serve/frozen.h"
#include "serve/row_pack.h"

namespace fmtrain {

using namespace serving_format;

namespace {

const char* what(const section& s) {
  switch (static_cast<section_kind>(s.kind)) {
    case section_kind::meta: return "meta section";
    case section_kind::encoder: return "encoder";
    case section_kind::curve: return "calibration curve";
    case section_kind::index: return "index";
    case section_kind::ids: return "ids";
    case section_kind::weights: return "weights";
  }
  return "sections";
}

bool all_zero(const char* first, const char* last) {
  unsigned char any = 0;
  for (; first != last; ++first) any |= static_cast<unsigned char>(*first);
  return any == 0;
}

bool all_finite(const float* x, size_t count) {
  bool finite = true;
  for (size_t i = 0; i < count; ++i) finite &= std::isfinite(x[i]);
  return finite;
}

}  // namespace

status frozen::check_sections() const {
  const char* end = memory_.data() + sizeof(front) + sections_.size() * sizeof(section);
  for (const section& s : sections_) {
    const char* const begin = memory_.data() + s.offset;
    if (!all_zero(end, begin)) {
      return damaged("there is something between its sections");
    }
    if (crc32c(0, begin, s.bytes) != s.crc) {
      return damaged(std::string("the checksum of its ") + what(s) + " does not match");
    }
    end = begin + s.bytes;
  }
  return {};
}

// Ids rise, and so do their buckets: one walk over both.
status frozen::check_ids() const {
  const uint64_t features = meta_.features;
  for (uint64_t i = 1; i < features; ++i) {
    if (ids_[i] <= ids_[i - 1]) return damaged("its ids are not in order");
  }
  for (size_t i = 0; i < ids_behind; ++i) {
    if (ids_[features + i] != ~uint64_t{0}) return damaged("its ids do not end as they should");
  }
  uint64_t at = 0;
  for (uint64_t bucket = 0; bucket < meta_.buckets; ++bucket) {
    if (index_[bucket] != at) return damaged("its index does not fit its ids");
    while (at < features && bucket_of(ids_[at], meta_.buckets) == bucket) ++at;
  }
  return index_[meta_.buckets] == features ? status() : damaged("its index does not fit its ids");
}

status frozen::check_weights() const {
  const row_shape shape(meta_.precision, factors());
  std::vector<float> row(shape.width());
  for (uint64_t i = 0; i < meta_.features; ++i) {
    shape.unpack(weights_, i, row.data());
    if (!all_finite(row.data(), row.size())) return damaged("a weight in it is not finite");
    if (meta_.precision != precision::int8 || i % block_rows != 0) continue;
    float scales[2];
    std::memcpy(scales, shape.scales_of(weights_, i), sizeof scales);
    if (!all_finite(scales, 2) || scales[0] < 0 || scales[1] < 0) {
      return damaged("a scale in it is not finite, or is negative");
    }
  }
  const uint64_t last = meta_.features % block_rows;
  if (meta_.precision == precision::int8 && last != 0) {
    const char* const end = weights_ + weights_bytes(meta_);
    if (!all_zero(end - (block_rows - last) * shape.row_bytes(), end)) {
      return damaged("its last block does not end with zeros");
    }
  }
  return {};
}

status frozen::verify() {
  if (verified()) return {};
  try {
    FMTRAIN_TRY(check_sections());
    FMTRAIN_TRY(check_ids());
    FMTRAIN_TRY(check_weights());
    const status golden = check_golden(plan(), score_of(*this), golden_, true);
    if (!golden.ok()) return {errc::selftest, name_ + ": " + golden.message()};
  } catch (const std::bad_alloc&) {
    return {errc::memory, name_ + ": there is not enough memory to verify it"};
  }
  verified_.store(true, std::memory_order_release);
  return {};
}

}  // namespace fmtrain
