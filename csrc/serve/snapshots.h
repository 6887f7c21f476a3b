// What was scored, kept until it is known what was shown: the few items of a request that were
// become training samples, of the very features that were scored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "serve/request_record.h"

namespace fmtrain {

constexpr size_t request_id_bytes_max = 4096;

// A shown item as it was scored, the user's features first.
struct snapshot_sample {
  uint64_t item;
  float label;
  size_t features;
  const uint64_t* id;  // (features)
  const float* x;      // (features)
};

// A request in one piece of memory; its x take none where all of them are 1.
class kept_request {
 public:
  // What a request takes beside that piece: itself, and its place in a list and in a map.
  static constexpr size_t overhead_bytes = 256;

  kept_request() = default;
  // Throws std::bad_alloc.
  kept_request(std::string_view request_id, const request_record& record, int64_t now);

  // Points into the piece, which stays where it is when the request is moved.
  std::string_view request_id() const;
  int64_t kept_at() const { return kept_at_; }
  // overhead_bytes, 8 a feature and 16 an item; 4 more a feature where an x is not 1.
  size_t bytes() const { return overhead_bytes + size_; }

  // Calls for the shown items that the request has, in the order shown, until a call gives false;
  // returns how often. An item that was scored twice is as it was scored last. labels: nullptr for
  // zeros. Throws std::bad_alloc.
  using visitor = std::function<bool(const snapshot_sample&)>;
  size_t for_each(const uint64_t* shown, const float* labels, size_t count,
                  const visitor& visit) const;

 private:
  // The parts of the piece, in their order; behind them is the request's id.
  const uint64_t* items() const { return reinterpret_cast<const uint64_t*>(piece_.get()); }
  const uint64_t* begins() const { return items() + items_; }
  const uint64_t* user_ids() const { return begins() + items_ + 1; }
  const uint64_t* ids() const { return user_ids() + user_; }
  const float* user_xs() const { return reinterpret_cast<const float*>(ids() + features_); }
  const float* xs() const { return user_xs() + user_; }

  std::unique_ptr<char[]> piece_;
  size_t size_ = 0;                             // of the piece
  size_t items_ = 0, user_ = 0, features_ = 0;  // features_: of all items
  size_t id_bytes_ = 0;
  bool all_ones_ = true;
  int64_t kept_at_ = 0;
};

struct snapshot_stats {
  uint64_t requests = 0, bytes = 0;                        // there now
  uint64_t kept = 0, taken = 0, expired = 0, evicted = 0;  // requests so far
};

// Any thread may call anything. A call holds one lock, of the part that the request's id falls
// into, and copies, calls back and gives memory back without it.
//
// Each part has its share of the bytes, so the bound holds at every moment over all of them, and
// what leaves is the oldest request of a part: of all requests it is among the oldest, as ids are
// spread by their hash. A request larger than a share is not kept.
class snapshots {
 public:
  static constexpr size_t parts_max = 16;
  // No smaller part is made: a store of less than two of them is one part.
  static constexpr size_t part_bytes_min = size_t{8} << 20;

  // max_age: in the unit of `now`; 0: no bound.
  snapshots(size_t max_bytes, int64_t max_age);

  // Replaces a request of the same id. Throws std::bad_alloc, and then the id is kept no more.
  // `now`: CLOCK_MONOTONIC, or a test's.
  status keep(std::string_view request_id, const request_record& record, int64_t now);
  // Moves it out. False: it is not there, or too old.
  bool take(std::string_view request_id, int64_t now, kept_request* out);
  // Those that are too old have left.
  snapshot_stats stats(int64_t now);

 private:
  using requests = std::list<kept_request>;  // the oldest first

  struct alignas(64) part {
    std::mutex lock;  // guards all below
    requests order;
    // Keys point into the requests.
    std::unordered_map<std::string_view, requests::iterator> by_id;
    snapshot_stats stats;
  };

  part& part_of(std::string_view request_id);
  // Under the part's lock: moves a request, or those that are too old, to `gone`.
  static void remove(part& from, requests::iterator what, requests* gone);
  void expire(part& from, int64_t now, requests* gone) const;
  bool is_old(const kept_request& what, int64_t now) const {
    return max_age_ > 0 && now - what.kept_at() > max_age_;
  }

  const size_t max_bytes_;
  const int64_t max_age_;
  std::vector<part> parts_;
  const size_t part_bytes_;
};

}  // namespace fmtrain
