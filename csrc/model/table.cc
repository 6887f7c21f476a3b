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

size_t head_bytes_of(const table_shape& shape) {
  return sizeof(row_head) + (shape.lanes > 0 || shape.tail ? sizeof(row_tail) : 0);
}

// What an index of so many buckets may hold: 14 rows a bucket, load 0.875.
uint64_t rows_max_of(uint64_t buckets) { return buckets * (bucket::slots - 2); }

}  // namespace

table::table(const table_shape& shape)
    : lanes_(shape.lanes),
      head_bytes_(head_bytes_of(shape)),
      has_names_(shape.names),
      stripes_(new stripe[stripes]) {
  const auto pool_of = [](size_t row_bytes) {
    const uint32_t shift = chunk_shift(row_bytes, chunk_bytes_aim);
    return chunk_pool{shift, row_bytes << shift, {}, {}};
  };
  head_pool_ = pool_of(head_bytes_);
  lane_pool_ = pool_of(std::max<size_t>(lanes_, 1) * sizeof(coordinate));
  for (size_t s = 0; s < stripes; ++s) {
    claim(index_bytes(first_buckets));
    stripes_[s].now = make_index(first_buckets);
  }
}

table::~table() {
  reclaim();
  for (size_t s = 0; s < stripes; ++s) free_index(stripes_[s].now);
}

size_t table::index_bytes(uint64_t count) const {
  const uint64_t rows = rows_max_of(count);
  const size_t chunks = (rows >> head_pool_.shift) + 1;
  const size_t lane_chunks = lanes_ == 0 ? 0 : (rows >> lane_pool_.shift) + 1;
  return count * sizeof(bucket) + sizeof(index) + (chunks + lane_chunks) * sizeof(char*);
}

table::index* table::make_index(uint64_t count) const {
  const size_t chunks = (rows_max_of(count) >> head_pool_.shift) + 1;
  const size_t bytes = index_bytes(count);
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

bool table::claim(uint64_t bytes) {
  uint64_t now = allocated_bytes();
  do {
    if (limit_ != 0 && now + bytes > limit_) return false;
  } while (!__atomic_compare_exchange_n(&allocated_, &now, now + bytes, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  return true;
}

bool table::refuse() {
  __atomic_fetch_add(&refused_, 1, __ATOMIC_RELAXED);
  return false;
}

bool table::take_chunk(chunk_pool& pool, char** chunks, uint32_t row) {
  char*& chunk = chunks[row >> pool.shift];
  if (pool.offset(row) != 0 || chunk != nullptr) return true;
  const std::lock_guard<std::mutex> hold(pools_lock_);
  if (!pool.free.empty()) {
    chunk = pool.free.back();
    pool.free.pop_back();
    __atomic_fetch_sub(&free_, pool.bytes, __ATOMIC_RELAXED);
    return true;
  }
  if (!claim(pool.bytes)) return refuse();
  if (pool.without.empty()) {
    chunk = arena_.take(pool.bytes);
  } else {
    chunk = pool.without.back();
    pool.without.pop_back();
  }
  return true;
}

bool table::add_name(stripe& s, std::string_view name) {
  const size_t more = s.names.bytes_to_add(name), before = s.names.memory_bytes();
  if (more > 0 && !claim(more)) return refuse();
  s.names.add(name);
  // What was outgrown is free again, and the library may have rounded.
  if (more > 0)
    __atomic_fetch_add(&allocated_, s.names.memory_bytes() - before - more, __ATOMIC_RELAXED);
  return true;
}

// A row that nobody can find yet; none when it would take more memory than the limit allows.
row_ref table::make_row(stripe& s, uint64_t id, std::string_view name, bool lanes) {
  if (s.rows == stripe_rows_max) throw std::bad_alloc();
  const uint64_t buckets = s.now->count;
  if (s.rows + 1 > rows_max_of(buckets) &&
      !grow(s, buckets + std::max(buckets / 4, first_buckets))) {
    return {};
  }
  if (!take_chunk(head_pool_, s.now->chunks, s.rows)) return {};
  uint32_t number = lanes_refused;
  if (lanes && lanes_ > 0) {
    number = make_lanes(s);
    if (number == lanes_refused) return {};
  }
  if (has_names_ && !add_name(s, name)) {
    if (number != lanes_refused) --s.lane_rows;
    return {};
  }
  row_head* const head = at(s.now, s.rows);
  *head = {id, {0, 0}};
  if (has_tail()) *tail_at(head) = {0, 0};
  if (number == lanes_refused) return {head, nullptr};
  tail_at(head)->link = row_tail::has_lanes | number;
  return {head, lanes_at(s.now, number)};
}

// Lanes of zeros that belong to no row yet.
uint32_t table::make_lanes(stripe& s) {
  const uint32_t number = s.lane_rows;
  if (!take_chunk(lane_pool_, s.now->lane_chunks, number)) return lanes_refused;
  coordinate* const lanes = lanes_at(s.now, number);
  std::fill(lanes, lanes + lanes_, coordinate{0, 0});
  s.lane_rows = number + 1;
  return number;
}

void table::publish_lanes(row_head* head, uint32_t number) {
  __atomic_store_n(&tail_at(head)->link, row_tail::has_lanes | number, __ATOMIC_RELEASE);
}

// True when the lanes are due. The last sight is left uncounted, so that it comes again when their
// memory was refused.
bool table::count_sight(row_head* head) const {
  uint32_t* const link = &tail_at(head)->link;
  uint32_t seen = __atomic_load_n(link, __ATOMIC_RELAXED);
  do {
    if ((seen & row_tail::has_lanes) != 0) return false;
    if (seen + 1 >= lanes_after_) return true;
  } while (!__atomic_compare_exchange_n(link, &seen, seen + 1, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  return false;
}

row_ref table::restore(uint64_t id, std::string_view name, row_tail tail) {
  stripe& s = stripe_of(id);
  const std::lock_guard<spin_lock> hold(s.lock);
  if (search(s.now, id) != nullptr) return {};
  const row_ref row = make_row(s, id, name, (tail.link & row_tail::has_lanes) != 0);
  if (has_tail()) {
    if (row.v == nullptr) tail_at(row.head)->link = tail.link & row_tail::low_bits;
    tail_at(row.head)->stamp = tail.stamp;
  }
  publish(s, row);
  return row;
}

void table::publish(stripe& s, row_ref row) {
  place(s.now, row.id(), s.rows);
  __atomic_store_n(&s.rows, s.rows + 1, __ATOMIC_RELAXED);
}

// Reads the ids from the rows, in order, rather than the old slots at random.
bool table::grow(stripe& s, uint64_t larger_buckets) {
  if (!claim(index_bytes(larger_buckets))) return refuse();
  const uint64_t buckets = s.now->count;
  index* const larger = make_index(larger_buckets);
  const size_t chunks = (rows_max_of(buckets) >> head_pool_.shift) + 1;
  std::copy(s.now->chunks, s.now->chunks + chunks, larger->chunks);
  if (lanes_ > 0) {
    const size_t lane_chunks = (rows_max_of(buckets) >> lane_pool_.shift) + 1;
    std::copy(s.now->lane_chunks, s.now->lane_chunks + lane_chunks, larger->lane_chunks);
  }
  for (uint32_t row = 0; row < s.rows; ++row) place(larger, at(s.now, row)->id, row);
  s.retired.push_back(s.now);
  __atomic_fetch_add(&retired_bytes_, s.now->bytes, __ATOMIC_RELAXED);
  __atomic_store_n(&s.now, larger, __ATOMIC_RELEASE);
  return true;
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
    for (index* const old : stripes_[s].retired) {
      unclaim(old->bytes);
      free_index(old);
    }
    stripes_[s].retired.clear();
  }
  __atomic_store_n(&retired_bytes_, uint64_t{0}, __ATOMIC_RELAXED);
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
