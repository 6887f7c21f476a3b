// What items add up to, kept from request to request: an item's linear sum and factor sums, by the
// host's name for the item. One cache belongs to one published model. Bounded; any threads; no
// locks: an entry carries a sequence number, odd while it is written, and whoever reads a torn one
// counts it as missing (a seqlock, in the form whose accesses are all atomic: Boehm, "Can Seqlocks
// Get Along with Programming Language Memory Models?", MSPC 2012).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fmtrain {

// Of an item's own features, as running_score has them.
struct item_sums {
  double* linear;
  float* sum;     // (factors)
  float* square;  // (factors)
};

class item_cache {
 public:
  // As many entries as fit, at least 8. Throws std::bad_alloc. Memory is touched as it fills.
  item_cache(uint64_t bytes, size_t factors);
  ~item_cache();
  item_cache(const item_cache&) = delete;
  item_cache& operator=(const item_cache&) = delete;

  uint64_t entries() const { return sets_ * ways; }
  // So that the cache misses of several items overlap: of all first, then next, then find.
  void prefetch_first(uint64_t item) const { __builtin_prefetch(tags_of(set_of(item))); }
  void prefetch_next(uint64_t item) const;
  // Fills what `out` points to, which means nothing where it is not there: false.
  bool find(uint64_t item, const item_sums& out);
  // Kept in the place of one that was not asked for lately. May give up, where another thread
  // writes there.
  void put(uint64_t item, const item_sums& of);

 private:
  using word = std::atomic<uint64_t>;
  static constexpr size_t ways = 8;  // of a set: its tags are a cache line

  // Tags of a set: an item's mixed number with bit 0 saying that it was asked for; 0: free. They
  // only lead to an entry, which has the item's number itself.
  word* tags_of(uint64_t set) const { return tags_ + set * ways; }
  // An entry: sequence, item, linear, then sums and squares as words of two floats.
  word* entry_of(uint64_t set, size_t way) const {
    return entries_ + (set * ways + way) * entry_words_;
  }
  static uint64_t mixed(uint64_t item);
  uint64_t set_of(uint64_t item) const;
  // The way whose tag is the item's, or `ways`.
  size_t way_of(const word* tags, uint64_t tag) const;
  size_t victim(word* tags, uint64_t tag) const;

  const size_t factors_;
  const size_t entry_words_;
  uint64_t sets_;
  uint64_t bytes_;
  char* memory_;
  word *tags_, *entries_;
};

}  // namespace fmtrain
