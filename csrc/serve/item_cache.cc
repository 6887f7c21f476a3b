#include "serve/item_cache.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/arena.h"
#include "feature/hash.h"

namespace fmtrain {
namespace {

constexpr uint64_t asked = 1;  // bit of a tag

uint64_t load_pair(const float* from, size_t count) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, count * sizeof(float));
  return bits;
}

}  // namespace

item_cache::item_cache(uint64_t bytes, size_t factors)
    : factors_(factors), entry_words_(3 + 2 * ((factors + 1) / 2)) {
  const uint64_t set_bytes = ways * (1 + entry_words_) * sizeof(word);
  sets_ = std::max<uint64_t>(1, bytes / set_bytes);
  bytes_ = sets_ * set_bytes;
  // Pages of zeros: tags and sequences begin as 0.
  static_assert(sizeof(word) == sizeof(uint64_t), "zeros are words of 0");
  memory_ = allocate_pages(bytes_);
  tags_ = reinterpret_cast<word*>(memory_);
  entries_ = tags_ + sets_ * ways;
}

item_cache::~item_cache() { free_pages(memory_, bytes_); }

// Hosts number their items as they like.
uint64_t item_cache::mixed(uint64_t item) {
  const uint64_t bits = hash_detail::mix_final(item + 0x9e3779b97f4a7c15ULL) & ~asked;
  return bits == 0 ? 2 : bits;
}

uint64_t item_cache::set_of(uint64_t item) const {
  __extension__ typedef unsigned __int128 word128;
  return static_cast<uint64_t>((static_cast<word128>(mixed(item)) * sets_) >> 64);
}

size_t item_cache::way_of(const word* tags, uint64_t tag) const {
  size_t way = 0;
  while (way < ways && (tags[way].load(std::memory_order_relaxed) & ~asked) != tag) ++way;
  return way;
}

void item_cache::prefetch_next(uint64_t item) const {
  const uint64_t set = set_of(item);
  const size_t way = way_of(tags_of(set), mixed(item));
  if (way == ways) return;
  const auto* const entry = reinterpret_cast<const char*>(entry_of(set, way));
  for (size_t at = 0; at < entry_words_ * sizeof(word); at += 64) __builtin_prefetch(entry + at);
}

bool item_cache::find(uint64_t item, const item_sums& out) {
  const uint64_t tag = mixed(item), set = set_of(item);
  word* const tags = tags_of(set);
  const size_t way = way_of(tags, tag);
  if (way == ways) return false;
  const word* const entry = entry_of(set, way);
  const uint64_t sequence = entry[0].load(std::memory_order_acquire);
  if (sequence % 2 != 0 || sequence == 0) return false;
  // Each load keeps the second look at the sequence behind it.
  const auto load = [entry](size_t i) { return entry[i].load(std::memory_order_acquire); };
  if (load(1) != item) return false;
  const uint64_t linear = load(2);
  std::memcpy(out.linear, &linear, sizeof linear);
  size_t at = 3;
  for (float* const to : {out.sum, out.square}) {
    for (size_t f = 0; f < factors_; f += 2) {
      const uint64_t pair = load(at++);
      std::memcpy(to + f, &pair, std::min<size_t>(2, factors_ - f) * sizeof(float));
    }
  }
  if (entry[0].load(std::memory_order_relaxed) != sequence) return false;
  if ((tags[way].load(std::memory_order_relaxed) & asked) == 0) {
    tags[way].store(tag | asked, std::memory_order_relaxed);
  }
  return true;
}

// The item's own way, a free one, or one that was not asked for since the last time round.
size_t item_cache::victim(word* tags, uint64_t tag) const {
  size_t found = ways;
  const size_t start = tag >> 8 & (ways - 1);
  for (size_t i = 0; i < ways; ++i) {
    const size_t way = (start + i) % ways;
    const uint64_t seen = tags[way].load(std::memory_order_relaxed);
    if ((seen & ~asked) == tag || seen == 0) return way;
    if (found == ways && (seen & asked) == 0) found = way;
  }
  if (found < ways) return found;
  for (size_t way = 0; way < ways; ++way) {
    tags[way].store(tags[way].load(std::memory_order_relaxed) & ~asked, std::memory_order_relaxed);
  }
  return start;
}

void item_cache::put(uint64_t item, const item_sums& of) {
  const uint64_t tag = mixed(item), set = set_of(item);
  word* const tags = tags_of(set);
  const size_t way = victim(tags, tag);
  word* const entry = entry_of(set, way);
  uint64_t sequence = entry[0].load(std::memory_order_relaxed);
  if (sequence % 2 != 0 ||
      !entry[0].compare_exchange_strong(sequence, sequence + 1, std::memory_order_acq_rel)) {
    return;
  }
  // Each store keeps the odd sequence before it.
  const auto store = [entry](size_t i, uint64_t bits) {
    entry[i].store(bits, std::memory_order_release);
  };
  uint64_t linear;
  std::memcpy(&linear, of.linear, sizeof linear);
  store(1, item);
  store(2, linear);
  size_t at = 3;
  for (const float* const from : {of.sum, of.square}) {
    for (size_t f = 0; f < factors_; f += 2) {
      store(at++, load_pair(from + f, std::min<size_t>(2, factors_ - f)));
    }
  }
  entry[0].store(sequence + 2, std::memory_order_release);
  tags[way].store(tag, std::memory_order_relaxed);
}

}  // namespace fmtrain
