// How often a feature without a row was seen: it gets its row when the count is full. Exactly, or
// in a filter of a fixed size.
//
// Exactly: 256 stripes by the id's low 8 bits, each a lock and an open-addressing set of 8-byte
// slots, the id's other 56 bits and the count; about 11 bytes a feature that waits, and none once
// it has its row.
//
// Filter: a counting Bloom filter (Fan et al., 2000) of 4-bit counters with conservative update
// (Estan and Varghese, 2002). A feature's three counters lie in one word of 16, so one
// compare-and-swap counts a sight, exactly once whatever other threads do. A count is never too
// low: a feature comes in at its N-th sight at the latest, or too early, where others share all of
// its counters.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/spin_lock.h"

namespace fmtrain {

class admission {
 public:
  static constexpr uint32_t exact_max = 255, filter_max = 15;

  // filter_bytes 0: exact.
  explicit admission(uint64_t filter_bytes);
  ~admission();
  admission(const admission&) = delete;
  admission& operator=(const admission&) = delete;

  bool exact() const { return words_ == nullptr; }
  uint64_t filter_bytes() const { return filter_bytes_; }

  // One sight of a feature that has no row; any thread. Whether it is at least the needed-th.
  bool admit(uint64_t id, uint32_t needed) {
    return exact() ? admit_exactly(id, needed) : admit_by_filter(id, needed);
  }

  // Halves all counts, those of 1 to nothing: what was seen long ago must not count for ever.
  // Nobody may be counting.
  void age();

  uint64_t memory_bytes() const;
  // Exact: features that wait.
  uint64_t waiting() const;
  // Filter: the share of features that would come in at their first sight.
  double early_share(uint32_t needed) const;

 private:
  static constexpr size_t stripes = 256;

  struct alignas(64) stripe {
    mutable spin_lock lock;
    uint64_t used = 0;
    std::vector<uint64_t> slots;  // id & ~255, or'ed with the count; 0: free
  };

  bool admit_exactly(uint64_t id, uint32_t needed);
  bool admit_by_filter(uint64_t id, uint32_t needed);
  static size_t find_slot(const std::vector<uint64_t>& slots, uint64_t id);
  static void grow(stripe& s);
  static void erase(stripe& s, size_t slot);
  uint64_t word_of(uint64_t hash) const;

  std::unique_ptr<stripe[]> exact_;
  uint64_t filter_bytes_ = 0;
  uint64_t* words_ = nullptr;  // (filter_bytes / 8)
};

}  // namespace fmtrain
