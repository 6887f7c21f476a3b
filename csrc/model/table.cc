#include "model/table.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace fmtrain {
namespace {

constexpr uint64_t first_buckets = 4;

uint32_t chunk_shift(size_t row_bytes, size_t chunk_bytes) {
  uint32_t shift = 0;
  while ((row_bytes << (shift + 1)) <= chunk_bytes) ++shift;
  return shift;
}

// What an index of so many buckets may hold: 14 rows a bucket, load 0.875.
uint64_t rows_max_of(uint64_t buckets) { return buckets * (bucket::slots - 2); }

}  // namespace

table::table(size_t lanes, bool names)
    : lanes_(lanes),
      head_bytes_(sizeof(row_head) + (lanes > 0 ? sizeof(row_tail) : 0)),
      chunk_shift_(chunk_shift(head_bytes_, chunk_bytes_aim)),
      lane_chunk_shift_(
          chunk_shift(std::max<size_t>(lanes, 1) * sizeof(coordinate), chunk_bytes_aim)),
      has_names_(names),
      stripes_(new stripe[stripes]) {
  for (size_t s = 0; s < stripes; ++s) stripes_[s].now = make_index(first_buckets);
}

table::~table() {
  reclaim();
  for (size_t s = 0; s < stripes; ++s) free_index(stripes_[s].now);
}

table::index* table::make_index(uint64_t count) const {
  const uint64_t rows = rows_max_of(count);
  const size_t chunks = (rows >> chunk_shift_) + 1;
  const size_t lane_chunks = lanes_ == 0 ? 0 : (rows >> lane_chunk_shift_) + 1;
  const size_t bytes =
      count * sizeof(bucket) + sizeof(index) + (chunks + lane_chunks) * sizeof(char*);
  // Buckets first: they are what must be aligned.
  char* const memory = allocate_pages(bytes);
  auto* const made = reinterpret_cast<index*>(memory + count * sizeof(bucket));
  made->count = count;
  made->bytes = bytes;
  made->buckets = reinterpret_cast<bucket*>(memory);
  made->chunks = reinterpret_cast<char**>(made + 1);
  made->lane_chunks = made->chunks + chunks;
  return made;
}

void table::free_index(index* old) const {
  free_pages(reinterpret_cast<char*>(old->buckets), old->bytes);
}

void table::place(index* in, uint64_t id, uint32_t row) {
  for (uint64_t b = bucket_of(id, in->count);; b = b + 1 == in->count ? 0 : b + 1) {
    const uint32_t empty = in->buckets[b].empty();
    if (empty == 0) continue;
    in->buckets[b].fill(static_cast<uint32_t>(__builtin_ctz(empty)), tag_of(id), row);
    return;
  }
}

// A row that nobody can find yet.
row_ref table::make_row(stripe& s, uint64_t id, std::string_view name) {
  if (s.rows == stripe_rows_max) throw std::bad_alloc();
  const uint64_t buckets = s.now->count;
  if (s.rows + 1 > rows_max_of(buckets)) grow(s, buckets + std::max(buckets / 4, first_buckets));
  const uint32_t row = s.rows;
  char** const chunk = s.now->chunks + (row >> chunk_shift_);
  if ((row & ((1u << chunk_shift_) - 1)) == 0) *chunk = arena_.take(head_bytes_ << chunk_shift_);
  row_head* const head = at(s.now, row);
  *head = {id, {0, 0}};
  coordinate* lanes = nullptr;
  if (lanes_ > 0) {
    const uint32_t lane_row = s.lane_rows;
    char** const lane_chunk = s.now->lane_chunks + (lane_row >> lane_chunk_shift_);
    if ((lane_row & ((1u << lane_chunk_shift_) - 1)) == 0) {
      *lane_chunk = arena_.take(lanes_ * sizeof(coordinate) << lane_chunk_shift_);
    }
    s.lane_rows = lane_row + 1;
    *tail_of(head) = {lane_row + 1, 0};
    lanes = lanes_of(head);
    std::fill(lanes, lanes + lanes_, coordinate{0, 0});
  }
  if (has_names_) s.names.add(name);
  return {head, lanes};
}

void table::publish(stripe& s, row_ref row) {
  place(s.now, row.id(), s.rows);
  __atomic_store_n(&s.rows, s.rows + 1, __ATOMIC_RELAXED);
}

// Reads the ids from the rows, in order, rather than the old slots at random.
void table::grow(stripe& s, uint64_t larger_buckets) {
  const uint64_t buckets = s.now->count;
  index* const larger = make_index(larger_buckets);
  const size_t chunks = (rows_max_of(buckets) >> chunk_shift_) + 1;
  std::copy(s.now->chunks, s.now->chunks + chunks, larger->chunks);
  if (lanes_ > 0) {
    const size_t lane_chunks = (rows_max_of(buckets) >> lane_chunk_shift_) + 1;
    std::copy(s.now->lane_chunks, s.now->lane_chunks + lane_chunks, larger->lane_chunks);
  }
  for (uint32_t row = 0; row < s.rows; ++row) place(larger, at(s.now, row)->id, row);
  s.retired.push_back(s.now);
  __atomic_fetch_add(&retired_bytes_, s.now->bytes, __ATOMIC_RELAXED);
  __atomic_store_n(&s.now, larger, __ATOMIC_RELEASE);
}

void table::reserve(uint64_t rows) {
  // Stripes differ by a few standard deviations of their mean.
  const uint64_t mean = rows / stripes, most = mean + mean / 50 + 1;
  for (size_t s = 0; s < stripes; ++s) {
    const uint64_t buckets = most / (bucket::slots - 2) + 1;
    if (buckets > stripes_[s].now->count) grow(stripes_[s], buckets);
  }
  reclaim();
}

void table::reclaim() {
  for (size_t s = 0; s < stripes; ++s) {
    for (index* const old : stripes_[s].retired) free_index(old);
    stripes_[s].retired.clear();
  }
  __atomic_store_n(&retired_bytes_, uint64_t{0}, __ATOMIC_RELAXED);
}

void table::lock_lanes(row_head* head) {
  uint32_t* const link = &tail_of(head)->link;
  for (int spin = 0; (__atomic_fetch_or(link, lanes_locked, __ATOMIC_ACQUIRE) & lanes_locked) != 0;
       ++spin) {
    wait_for_a_lock(spin);
  }
}

void table::unlock_lanes(row_head* head) {
  __atomic_fetch_and(&tail_of(head)->link, ~lanes_locked, __ATOMIC_RELEASE);
}

uint64_t table::rows() const {
  uint64_t sum = 0;
  for (size_t s = 0; s < stripes; ++s) sum += __atomic_load_n(&stripes_[s].rows, __ATOMIC_RELAXED);
  return sum;
}

uint64_t table::name_bytes() const {
  uint64_t sum = 0;
  for (size_t s = 0; s < stripes; ++s) sum += stripes_[s].names.text_bytes();
  return sum;
}

uint64_t table::memory_bytes() const {
  uint64_t sum = sizeof(stripe) * stripes + retired_bytes();
  for (size_t s = 0; s < stripes; ++s) {
    const std::lock_guard<spin_lock> hold(stripes_[s].lock);
    sum += stripes_[s].now->bytes + stripes_[s].rows * head_bytes_ +
           stripes_[s].lane_rows * lanes_ * sizeof(coordinate);
    if (has_names_) sum += stripes_[s].names.memory_bytes();
  }
  return sum;
}

}  // namespace fmtrain
