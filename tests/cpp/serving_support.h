// Serving files in memory, of models with any rows.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "model/score.h"
#include "serve/freeze.h"
#include "serve/frozen.h"
#include "support.h"

namespace fmtrain {

inline status freeze_into(const model& m, const freeze_options& options, std::string* bytes,
                          freeze_counts* counts = nullptr) {
  memory_sink sink;
  freeze_counts unasked;
  const status done = freeze(m, options, sink, counts != nullptr ? counts : &unasked);
  *bytes = std::move(sink.bytes);
  return done;
}

inline std::string frozen_bytes(const model& m, const freeze_options& options = {},
                                freeze_counts* counts = nullptr) {
  std::string bytes;
  CHECK_OK(freeze_into(m, options, &bytes, counts));
  return bytes;
}

inline freeze_options in_precision(precision p) {
  freeze_options options;
  options.precision = p;
  return options;
}

inline status frozen_of(std::string_view bytes, std::unique_ptr<frozen>* out) {
  FMTRAIN_TRY(
      frozen::open_memory(bytes.data(), bytes.size(), frozen::residence::copied, "the-file", out));
  return (*out)->verify();
}

// Opened and verified; null where a check failed.
inline std::unique_ptr<frozen> thawed(std::string_view bytes) {
  std::unique_ptr<frozen> m;
  CHECK_OK(frozen_of(bytes, &m));
  return m;
}

// `rows` rows with states as training leaves them, of random ids. One in four has no weight.
inline void fill_randomly(model& m, size_t rows, test_random& random) {
  for (size_t i = 0; i < rows; ++i) {
    const bool zero = random.below(4) == 0;
    const row_ref row = m.rows().find_or_insert<alone>(random.next(), {}, [&](row_ref fresh) {
      if (!zero) m.create(fresh);
    });
    if (zero) continue;
    row.w() = {static_cast<float>(random.between(-3, 3)), static_cast<float>(random.uniform())};
    for (size_t f = 0; row.v != nullptr && f < m.factors(); ++f) {
      if (random.below(3) == 0) continue;  // untouched
      row.v[f] = {static_cast<float>(random.between(-3, 3)), static_cast<float>(random.uniform())};
    }
  }
  m.bias = {random.between(-3, 3), random.uniform()};
  m.seen = {100, 100, random.between(1, 99)};
}

inline std::vector<uint64_t> ids_of(const model& m) {
  std::vector<uint64_t> ids;
  m.rows().for_each([&](row_ref row, std::string_view) { ids.push_back(row.id()); });
  return ids;
}

// A sample of known and unknown features.
inline void draw_sample(const std::vector<uint64_t>& ids, size_t features, test_random& random,
                        batch& out) {
  golden_row row;
  for (size_t i = 0; i < features; ++i) {
    const bool known = !ids.empty() && random.below(5) != 0;
    row.id.push_back(known ? ids[random.below(ids.size())] : random.next());
    row.x.push_back(static_cast<float>(random.between(-2, 2)));
  }
  take_features(row, out);
}

inline bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace fmtrain
