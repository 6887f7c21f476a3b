// What became of the cells of each column: counted by the workers, summed over a run, kept with the
// model.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

namespace fmtrain {

struct column_guard {
  uint64_t rows = 0;
  uint64_t missing = 0;  // empty, a missing token, null, nan
  uint64_t nan = 0;      // of the missing ones
  uint64_t infinite = 0;
  uint64_t invalid = 0;  // no number, no timestamp, no list
  uint64_t outside = 0;  // of the column's range
  uint64_t unusual = 0;  // outside what the schema's profile saw
  void add(const column_guard& more) {
    rows += more.rows;
    missing += more.missing;
    nan += more.nan;
    infinite += more.infinite;
    invalid += more.invalid;
    outside += more.outside;
    unusual += more.unusual;
  }
};

using guard_counts = std::vector<column_guard>;  // (columns)

inline void add_guards(guard_counts& to, const guard_counts& more) {
  if (to.size() < more.size()) to.resize(more.size());
  for (size_t i = 0; i < more.size(); ++i) to[i].add(more[i]);
}

// Shared by all workers of a stream, which come here once a chunk.
class guard_log {
 public:
  void add(const guard_counts& more) {
    const std::lock_guard<std::mutex> hold(lock_);
    add_guards(sum_, more);
  }
  guard_counts counts() const {
    const std::lock_guard<std::mutex> hold(lock_);
    return sum_;
  }

 private:
  mutable std::mutex lock_;
  guard_counts sum_;
};

}  // namespace fmtrain
