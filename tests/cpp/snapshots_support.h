// What the tests of snapshots share: requests as a scorer records them, and samples as they came
// out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "serve/snapshots.h"
#include "support.h"

namespace fmtrain {

using test_row = std::vector<std::pair<uint64_t, float>>;

struct taken_sample {
  uint64_t item;
  float label;
  test_row features;

  bool operator==(const taken_sample& o) const {
    return item == o.item && label == o.label && features == o.features;
  }
};

inline request_record record_of(const test_row& user,
                                const std::vector<std::pair<uint64_t, test_row>>& items) {
  request_record record;
  record.clear();
  for (const auto& [id, x] : user) {
    record.user_id.push_back(id);
    record.user_x.push_back(x);
  }
  for (const auto& [item, features] : items) {
    record.item.push_back(item);
    for (const auto& [id, x] : features) {
      record.id.push_back(id);
      record.x.push_back(x);
    }
    record.begin.push_back(record.id.size());
  }
  return record;
}

// `items` items named from 0 on, with the same number of features each; an item's are told apart by
// their ids.
inline request_record plain_record(size_t items, size_t features_each, uint64_t salt = 0) {
  std::vector<std::pair<uint64_t, test_row>> rows(items);
  for (size_t i = 0; i < items; ++i) {
    rows[i].first = i;
    for (size_t f = 0; f < features_each; ++f) {
      rows[i].second.emplace_back(salt + 1000 * i + f, 1.0f);
    }
  }
  return record_of({{salt, 1.0f}}, rows);
}

inline std::vector<taken_sample> samples_of(const kept_request& request,
                                            const std::vector<uint64_t>& shown,
                                            const float* labels = nullptr) {
  std::vector<taken_sample> all;
  const size_t found =
      request.for_each(shown.data(), labels, shown.size(), [&](const snapshot_sample& s) {
        taken_sample sample{s.item, s.label, {}};
        for (size_t i = 0; i < s.features; ++i) sample.features.emplace_back(s.id[i], s.x[i]);
        all.push_back(sample);
        return true;
      });
  CHECK_EQ(found, all.size());
  return all;
}

}  // namespace fmtrain
