#include "train/admission.h"

#include <algorithm>
#include <mutex>

#include "base/arena.h"
#include "feature/hash.h"

namespace fmtrain {
namespace {

constexpr uint64_t low_byte = 255;
constexpr size_t first_slots = 8;

// Where the search for an id begins: its bits again mixed, as a stripe's ids may share their top.
size_t home_of(uint64_t id, size_t slots) {
  const uint64_t mixed = hash_detail::mix_final(id) >> 32;
  return static_cast<size_t>(mixed * slots >> 32);
}

// A feature's counters in its word: three different ones of 16, any three alike. The hash's low
// half has chosen the word.
struct counters_of {
  explicit counters_of(uint64_t hash) {
    const auto a = static_cast<uint32_t>(hash >> 60);
    const uint32_t b = 1 + static_cast<uint32_t>((hash >> 46 & 0x3fff) * 15 >> 14);
    uint32_t c = 1 + static_cast<uint32_t>((hash >> 32 & 0x3fff) * 14 >> 14);
    c += c >= b;
    shift[0] = a * 4;
    shift[1] = ((a + b) & 15) * 4;
    shift[2] = ((a + c) & 15) * 4;
  }
  static uint32_t at(uint64_t word, uint32_t its_shift) {
    return static_cast<uint32_t>(word >> its_shift) & 15;
  }
  uint32_t least(uint64_t word) const {
    return std::min({at(word, shift[0]), at(word, shift[1]), at(word, shift[2])});
  }
  // The word with those of them that are `least` one higher.
  uint64_t raised(uint64_t word, uint32_t least) const {
    uint64_t after = word;
    for (const uint32_t its_shift : shift) {
      if (at(word, its_shift) == least) after += uint64_t{1} << its_shift;
    }
    return after;
  }
  uint32_t shift[3];
};

}  // namespace

admission::admission(uint64_t filter_bytes) : filter_bytes_(filter_bytes / 8 * 8) {
  if (filter_bytes_ > 0) {
    words_ = reinterpret_cast<uint64_t*>(allocate_pages(filter_bytes_));
  } else {
    exact_.reset(new stripe[stripes]);
  }
}

admission::~admission() {
  if (words_ != nullptr) free_pages(reinterpret_cast<char*>(words_), filter_bytes_);
}

// ---- exact ----

// The slot of the id, or the free one where it belongs.
size_t admission::find_slot(const std::vector<uint64_t>& slots, uint64_t id) {
  for (size_t at = home_of(id | low_byte, slots.size());;
       at = at + 1 == slots.size() ? 0 : at + 1) {
    if (slots[at] == 0 || (slots[at] & ~low_byte) == (id & ~low_byte)) return at;
  }
}

void admission::grow(stripe& s) {
  std::vector<uint64_t> larger(s.slots.empty() ? first_slots : s.slots.size() * 5 / 4);
  for (const uint64_t slot : s.slots) {
    if (slot != 0) larger[find_slot(larger, slot)] = slot;
  }
  s.slots.swap(larger);
}

// Moves later slots up, so that no search ends at the gap before what it looks for.
void admission::erase(stripe& s, size_t gap) {
  const size_t size = s.slots.size();
  const auto next = [size](size_t at) { return at + 1 == size ? 0 : at + 1; };
  for (size_t at = next(gap); s.slots[at] != 0; at = next(at)) {
    const size_t home = home_of(s.slots[at] | low_byte, size);
    const size_t from_home = (at + size - home) % size, from_gap = (at + size - gap) % size;
    if (from_home < from_gap) continue;
    s.slots[gap] = s.slots[at];
    gap = at;
  }
  s.slots[gap] = 0;
  --s.used;
}

bool admission::admit_exactly(uint64_t id, uint32_t needed) {
  if (needed <= 1) return true;
  stripe& s = exact_[id & low_byte];
  const std::lock_guard<spin_lock> hold(s.lock);
  if ((s.used + 1) * 5 > s.slots.size() * 4) grow(s);
  const size_t at = find_slot(s.slots, id);
  const uint64_t seen = s.slots[at] & low_byte;
  if (seen + 1 >= needed) {
    if (seen > 0) erase(s, at);
    return true;
  }
  if (seen == 0) ++s.used;
  s.slots[at] = (id & ~low_byte) | (seen + 1);
  return false;
}

uint64_t admission::waiting() const {
  uint64_t sum = 0;
  for (size_t s = 0; exact() && s < stripes; ++s) {
    const std::lock_guard<spin_lock> hold(exact_[s].lock);
    sum += exact_[s].used;
  }
  return sum;
}

// ---- filter ----

uint64_t admission::word_of(uint64_t hash) const {
  return ((hash & 0xFFFFFFFFu) * (filter_bytes_ / 8)) >> 32;
}

bool admission::admit_by_filter(uint64_t id, uint32_t needed) {
  const uint64_t hash = hash_detail::mix_final(id);
  uint64_t* const at = words_ + word_of(hash);
  const counters_of mine(hash);
  uint64_t before = __atomic_load_n(at, __ATOMIC_RELAXED), after = 0;
  do {
    const uint32_t seen = mine.least(before);
    if (seen + 1 >= needed || seen == filter_max) return true;
    after = mine.raised(before, seen);
  } while (
      !__atomic_compare_exchange_n(at, &before, after, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return false;
}

double admission::early_share(uint32_t needed) const {
  if (exact() || needed <= 1) return 0;
  constexpr uint64_t probes = 4096;
  uint64_t early = 0;
  for (uint64_t i = 0; i < probes; ++i) {
    const uint64_t hash = hash_detail::mix_final((i + 1) * 0x9e3779b97f4a7c15ULL);
    const uint64_t word = __atomic_load_n(words_ + word_of(hash), __ATOMIC_RELAXED);
    early += counters_of(hash).least(word) + 1 >= needed;
  }
  return static_cast<double>(early) / static_cast<double>(probes);
}

// ---- both ----

void admission::age() {
  constexpr uint64_t lower_bits = 0x7777777777777777ULL;
  for (uint64_t i = 0; i < filter_bytes_ / 8; ++i) {
    if (words_[i] != 0) words_[i] = words_[i] >> 1 & lower_bits;
  }
  for (size_t s = 0; exact() && s < stripes; ++s) {
    stripe& old = exact_[s];
    const std::lock_guard<spin_lock> hold(old.lock);
    std::vector<uint64_t> left;
    for (const uint64_t slot : old.slots) {
      const uint64_t count = (slot & low_byte) / 2;
      if (count > 0) left.push_back((slot & ~low_byte) | count);
    }
    std::vector<uint64_t> slots(left.size() * 5 / 3 + first_slots);
    for (const uint64_t slot : left) slots[find_slot(slots, slot)] = slot;
    old.used = left.size();
    old.slots.swap(slots);
  }
}

uint64_t admission::memory_bytes() const {
  uint64_t sum = filter_bytes_;
  for (size_t s = 0; exact() && s < stripes; ++s) {
    const std::lock_guard<spin_lock> hold(exact_[s].lock);
    sum += exact_[s].slots.capacity() * sizeof(uint64_t);
  }
  return exact() ? sum + stripes * sizeof(stripe) : sum;
}

}  // namespace fmtrain
