// Finding rows in a frozen model: every step runs over all ids before the next one begins, so that
// dozens of cache misses are in flight.
#include "base/prefetch.h"
#include "model/learner.h"
#include "serve/frozen.h"
#include "serve/row_pack.h"
#include "serve/score_sums.h"

namespace fmtrain {

using namespace serving_format;

namespace {

constexpr float zeros[factors_max + 1] = {};

// Ids compared at once.
constexpr uint32_t eight = 8;
static_assert(eight == ids_behind, "behind the last bucket as well");

// How many of the eight ids at `at` are below `id`. Where the bucket has fewer, ids of later ones
// follow, or what stands behind all: none is below.
inline uint32_t count_below(const uint64_t* at, uint64_t id) {
  uint32_t below = 0;
  for (uint32_t i = 0; i < eight; ++i) below += at[i] < id ? 1 : 0;
  return below;
}

// The row of `id`, or frozen::none, in the bucket that ends before `last`. One bucket in 47 has
// more than eight ids.
inline uint32_t find_in(const uint64_t* ids, uint32_t first, uint32_t last, uint64_t id) {
  uint32_t row = first + count_below(ids + first, id);
  while (__builtin_expect(row == first + eight && row < last, 0)) {
    first += eight;
    row = first + count_below(ids + first, id);
  }
  return row < last && ids[row] == id ? row : frozen::none;
}

// The lines of the first and the last byte: few rows have more.
inline void prefetch_ends(const char* bytes, size_t size) {
  to_read::prefetch(bytes);
  to_read::prefetch(bytes + size - 1);
}

}  // namespace

uint32_t frozen::find(uint64_t id) const {
  const uint64_t bucket = bucket_of(id, meta_.buckets);
  return find_in(ids_, index_[bucket], index_[bucket + 1], id);
}

size_t frozen::look_up(const uint64_t* id, size_t count, scratch& use, const float** rows,
                       bool* known) const {
  const uint64_t buckets = meta_.buckets;
  for (size_t i = 0; i < count; ++i) to_read::prefetch(index_ + bucket_of(id[i], buckets));
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bucket = bucket_of(id[i], buckets);
    use.first[i] = index_[bucket];
    use.last[i] = index_[bucket + 1];
    prefetch_ends(reinterpret_cast<const char*>(ids_ + use.first[i]), eight * sizeof *ids_);
  }
  const row_shape shape(meta_.precision, factors());
  const size_t row_bytes = shape.row_bytes();
  size_t unknown = 0;
  for (size_t i = 0; i < count; ++i) {
    use.row[i] = find_in(ids_, use.first[i], use.last[i], id[i]);
    const bool found = use.row[i] != none;
    unknown += found ? 0 : 1;
    if (known != nullptr) known[i] = found;
    const uint32_t row = found ? use.row[i] : 0;  // any: nothing waits for it
    prefetch_ends(shape.row_at(weights_, row), row_bytes);
    if (meta_.precision == precision::int8) to_read::prefetch(shape.scales_of(weights_, row));
  }
  for (size_t i = 0; i < count; ++i) {
    if (use.row[i] == none) {
      rows[i] = zeros;
    } else if (meta_.precision == precision::float32) {
      rows[i] = reinterpret_cast<const float*>(shape.row_at(weights_, use.row[i]));
    } else {
      float* const decoded = use.decoded.data() + i * shape.width();
      shape.unpack(weights_, use.row[i], decoded);
      rows[i] = decoded;
    }
  }
  return unknown;
}

sample_score score_of(const frozen& m) {
  return [&m](const batch& in) {
    const size_t k = m.factors();
    frozen::scratch use(k);
    score_sums score;
    score.reserve(k);
    score.clear(k);
    const float* rows[lookup_max];
    for (size_t at = 0; at < in.features; at += lookup_max) {
      const size_t count = std::min(in.features - at, lookup_max);
      m.look_up(in.id.data() + at, count, use, rows);
      best_kernels().add_rows(rows, in.x.data() + at, count, k, &*score);
    }
    return static_cast<float>(m.meta().bias + score->total(k));
  };
}

}  // namespace fmtrain
