// How rows leave: a stripe's rows, lanes and names move down over those that go, its index is made
// anew, and the chunks behind the last row wait for later rows. See table::retain.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/arena.h"
#include "model/table.h"

namespace fmtrain {
namespace {
constexpr uint32_t nobody = ~0u;
}  // namespace

void name_list::retain(const std::vector<bool>& kept) {
  size_t row_to = 0;
  uint64_t to = 0, begin = 0;
  for (size_t row = 0; row < kept.size(); ++row) {
    const uint64_t end = end_[row];
    if (kept[row]) {
      std::memmove(bytes_.data() + to, bytes_.data() + begin, end - begin);
      to += end - begin;
      end_[row_to++] = to;
    }
    begin = end;
  }
  bytes_.resize(to);
  end_.resize(row_to);
  if (bytes_.size() < bytes_.capacity() / 2) bytes_.shrink_to_fit();
  if (end_.size() < end_.capacity() / 2) end_.shrink_to_fit();
}

uint64_t table::compact(stripe& s, const std::vector<bool>& kept) {
  const std::lock_guard<spin_lock> hold(s.lock);
  const uint32_t before = s.rows;
  // Memory first: once rows have moved, nothing may stop until the index knows.
  std::vector<uint32_t> owner(lanes_ > 0 ? s.lane_rows : 0, nobody);
  {
    const std::lock_guard<std::mutex> hold_pools(pools_lock_);
    head_pool_.free.reserve(head_pool_.free.size() + (before >> head_pool_.shift) + 2);
    if (lanes_ > 0)
      lane_pool_.free.reserve(lane_pool_.free.size() + (s.lane_rows >> lane_pool_.shift) + 2);
  }
  uint32_t to = 0;
  for (uint32_t row = 0; row < before; ++row) {
    if (!kept[row]) continue;
    if (row != to) {
      std::memcpy(static_cast<void*>(at(s.now, to)), static_cast<const void*>(at(s.now, row)),
                  head_bytes_);
    }
    ++to;
  }
  __atomic_store_n(&s.rows, to, __ATOMIC_RELAXED);
  if (has_names_) {
    const size_t bytes = s.names.memory_bytes();
    s.names.retain(kept);
    unclaim(bytes - s.names.memory_bytes());
  }
  if (lanes_ > 0) compact_lanes(s, owner);
  release_chunks(head_pool_, s.now->chunks, s.now->lane_chunks, to);
  rebuild_index(s);
  return before - to;
}

// Lanes lie in the order in which rows got them, which is not that of the rows.
void table::compact_lanes(stripe& s, std::vector<uint32_t>& owner) {
  for (uint32_t row = 0; row < s.rows; ++row) {
    const uint32_t link = tail_at(at(s.now, row))->link;
    if ((link & row_tail::has_lanes) != 0) owner[link & row_tail::low_bits] = row;
  }
  uint32_t to = 0;
  for (uint32_t number = 0; number < s.lane_rows; ++number) {
    if (owner[number] == nobody) continue;
    const coordinate* const from = lanes_at(s.now, number);
    if (number != to) std::copy(from, from + lanes_, lanes_at(s.now, to));
    tail_at(at(s.now, owner[number]))->link = row_tail::has_lanes | to;
    ++to;
  }
  char* const end = reinterpret_cast<char*>(s.now->buckets) + s.now->bytes;
  release_chunks(lane_pool_, s.now->lane_chunks, reinterpret_cast<char**>(end), to);
  s.lane_rows = to;
}

// All chunks from `first` to `last` that the first `rows` rows do not need.
void table::release_chunks(chunk_pool& pool, char** first, char** last, uint32_t rows) {
  const std::lock_guard<std::mutex> hold(pools_lock_);
  const uint64_t needed = (uint64_t{rows} + (1u << pool.shift) - 1) >> pool.shift;
  for (char** chunk = first + needed; chunk < last; ++chunk) {
    if (*chunk == nullptr) continue;
    pool.free.push_back(*chunk);
    *chunk = nullptr;
    __atomic_fetch_add(&free_, pool.bytes, __ATOMIC_RELAXED);
  }
}

// In its place, or in a smaller one where much has gone: the old one is then freed.
void table::rebuild_index(stripe& s) {
  const uint64_t needed = s.rows / (bucket::slots - 2) * 8 / 7 + 4;
  index* smaller = nullptr;
  if (needed < s.now->count - s.now->count / 4) {
    try {
      smaller = make_index(needed);
    } catch (const std::bad_alloc&) {
      // The one that is there serves as well.
    }
  }
  if (smaller != nullptr) {
    index* const old = s.now;
    std::copy(old->chunks, old->chunks + (s.rows >> head_pool_.shift) + 1, smaller->chunks);
    if (lanes_ > 0) {
      const size_t chunks = (s.lane_rows >> lane_pool_.shift) + 1;
      std::copy(old->lane_chunks, old->lane_chunks + chunks, smaller->lane_chunks);
    }
    __atomic_fetch_add(&allocated_, smaller->bytes, __ATOMIC_RELAXED);
    unclaim(old->bytes);
    __atomic_store_n(&s.now, smaller, __ATOMIC_RELEASE);
    free_index(old);
  } else {
    std::memset(static_cast<void*>(s.now->buckets), 0, s.now->count * sizeof(bucket));
  }
  for (uint32_t row = 0; row < s.rows; ++row) place(s.now, at(s.now, row)->id, row);
}

void table::trim() {
  const std::lock_guard<std::mutex> hold(pools_lock_);
  for (chunk_pool* const pool : {&head_pool_, &lane_pool_}) {
    for (char* const chunk : pool->free) give_back_pages(chunk, pool->bytes);
    unclaim(pool->free.size() * pool->bytes);
    pool->without.insert(pool->without.end(), pool->free.begin(), pool->free.end());
    pool->free.clear();
  }
  __atomic_store_n(&free_, uint64_t{0}, __ATOMIC_RELAXED);
}

}  // namespace fmtrain
