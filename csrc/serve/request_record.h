// What a request scored, as it was scored: features of the user and of each item.
#pragma once

#include <cstdint>
#include <vector>

namespace fmtrain {

struct request_record {
  std::vector<uint64_t> user_id;  // (user's features)
  std::vector<float> user_x;
  std::vector<uint64_t> item;   // (items), what the host calls them
  std::vector<uint64_t> begin;  // (items + 1), item i owns features [begin[i], begin[i + 1])
  std::vector<uint64_t> id;     // (items' features)
  std::vector<float> x;

  void clear() {
    user_id.clear();
    user_x.clear();
    item.clear();
    begin.assign(1, 0);
    id.clear();
    x.clear();
  }
};

}  // namespace fmtrain
