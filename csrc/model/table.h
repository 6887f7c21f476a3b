// The feature table: id -> row, for a hundred million rows and more.
//
// 64 stripes by the id's top bits, each a lock, an open-addressing index and its rows. The index is
// buckets of 16 slots of 4 bytes, a cache line each (bucket.h): a bucket's number comes from the id
// by multiplication, so the index need not be a power of two and grows by a quarter; what does not
// fit goes into the next bucket. Rows live in chunks of an arena and never move: a row found once
// serves gather and scatter. One stripe grows at a time, under its lock.
//
//     head  = id (8 bytes), z and n of w          16 bytes; with a tail 24
//     tail  = link to the lanes or a count, stamp      where there are lanes or rows may expire
//     lanes = z and n of each factor               8 bytes a factor, 8-byte aligned pairs; a row
//                                                  may be without (lanes_after)
//     index = 4 bytes / load, load in (0.7, 0.875]     4.6 to 5.7 bytes a row
//
// Finding takes no lock, whoever inserts meanwhile: slots are published after the row they name, a
// row's id never changes, and an index that was outgrown is kept until reclaim(). `Locking` says
// whether other threads may be about; alone spares the atomic instructions.
//
// Rows leave only by retain(), while nobody holds one; what they lay in serves later rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/prefetch.h"
#include "base/spin_lock.h"
#include "model/bucket.h"
#include "model/ftrl.h"
#include "model/name_list.h"

namespace fmtrain {

struct shared {
  static constexpr bool is_shared = true;
};
struct alone {
  static constexpr bool is_shared = false;
};

struct row_head {
  uint64_t id;
  coordinate w;
};

// Behind the head, in a table whose shape has tails. In a model file link is has_lanes or the
// count.
struct row_tail {
  static constexpr uint32_t lanes_locked = 1u << 31, has_lanes = 1u << 30;
  static constexpr uint32_t low_bits = has_lanes - 1;
  static constexpr uint32_t time_bits = 24;

  uint32_t link;   // the bits above, and the number of the lanes or, without, how often it was seen
  uint32_t stamp;  // when it was last seen: 24 bits of time, and above them its group of expiry
};

// A view of one row: valid until retain(). `v` is null where the row has no lanes.
struct row_ref {
  row_head* head = nullptr;
  coordinate* v = nullptr;  // (lanes)

  // False: a feature that has no row.
  explicit operator bool() const { return head != nullptr; }
  uint64_t id() const { return head->id; }
  coordinate& w() const { return head->w; }
};

struct table_shape {
  size_t lanes = 0;
  bool names = false;
  bool tail = false;  // rows without lanes have one too
};

class table {
 public:
  static constexpr size_t stripes = 64;
  static constexpr size_t stripe_rows_max = (size_t{1} << bucket::number_bits) - 2;

  explicit table(const table_shape& shape);
  table(size_t lanes, bool names) : table(table_shape{lanes, names, false}) {}
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  size_t lanes() const { return lanes_; }
  bool has_names() const { return has_names_; }
  bool has_tail() const { return head_bytes_ > sizeof(row_head); }

  // A new row gets its lanes when it is seen for the so-many-th time, see sight(); 1: at once.
  void set_lanes_after(uint32_t sights) { lanes_after_ = sights; }

  // A cap on allocated_bytes(), 0: none. A row, or a row's lanes, that would need more is refused.
  void set_limit(uint64_t bytes) { limit_ = bytes; }
  uint64_t allocated_bytes() const { return __atomic_load_n(&allocated_, __ATOMIC_RELAXED); }
  // Of those, what retain() left free.
  uint64_t free_bytes() const { return __atomic_load_n(&free_, __ATOMIC_RELAXED); }
  uint64_t refused() const { return __atomic_load_n(&refused_, __ATOMIC_RELAXED); }

  // Makes room for so many rows in all, evenly spread. Nobody may be finding.
  void reserve(uint64_t rows);

  // Finding many rows at once hides their cache misses: prefetch all, then guess all, then
  // find_or_insert each with its guess.

  // Starts fetching the bucket of `id`. Never waits.
  void prefetch(uint64_t id) const {
    const index* const now = index_of(id);
    __builtin_prefetch(now->buckets + bucket_of(id, now->count));
  }

  // The first row whose tag is that of `id`, its head being fetched; most often the right one.
  // Null when there is none in the bucket.
  template <class Access>
  row_head* guess(uint64_t id) const {
    const index* const now = index_of(id);
    const bucket& home = now->buckets[bucket_of(id, now->count)];
    const uint32_t found = home.match(tag_of(id));
    if (found == 0) return nullptr;
    row_head* const head = at(now, home.number(__builtin_ctz(found)));
    Access::prefetch(head);
    return head;
  }
  // Starts fetching a row's lanes, where it has them.
  template <class Access>
  void prefetch_lanes(row_ref row) const {
    constexpr size_t lanes_a_line = 64 / sizeof(coordinate);
    if (row.v == nullptr) return;
    for (size_t lane = 0; lane < lanes_; lane += lanes_a_line) Access::prefetch(row.v + lane);
  }

  // The row of `id`, created when new: its state is zero until `create(row_ref)` has set it, which
  // runs under the stripe's lock before others see the row. False when the limit refuses it.
  template <class Locking, class Create>
  row_ref find_or_insert(uint64_t id, std::string_view name, Create&& create,
                         row_head* guessed = nullptr) {
    row_head* head = guessed;
    if (head == nullptr || head->id != id) head = search(index_of(id), id);
    if (head != nullptr) return {head, lanes_of(head)};
    stripe& s = stripe_of(id);
    const std::lock_guard<spin_lock> hold(s.lock);
    if constexpr (Locking::is_shared) {
      head = search(index_of(id), id);  // another thread may have been faster
      if (head != nullptr) return {head, lanes_of(head)};
    }
    const row_ref row = make_row(s, id, name, lanes_after_ <= 1);
    if (!row) return row;
    create(row);
    publish(s, row);
    return row;
  }

  // A row without lanes was seen once more: the row, with lanes if that was the time to get them.
  // Their state is zero until `create` has set it, before others see them. Each call counts once,
  // whatever other threads do; whoever comes to the full count makes the lanes.
  template <class Create>
  row_ref sight(row_ref row, Create&& create) {
    if (count_sight(row.head)) {
      stripe& s = stripe_of(row.head->id);
      const std::lock_guard<spin_lock> hold(s.lock);
      const uint32_t number = lanes_of(row.head) == nullptr ? make_lanes(s) : lanes_refused;
      if (number != lanes_refused) {
        row.v = lanes_at(s.now, number);
        create(row);
        publish_lanes(row.head, number);
      }
    }
    row.v = lanes_of(row.head);
    return row;
  }

  // What a file says of a row: {0, 0} without a tail.
  row_tail tail_of(row_ref row) const {
    if (!has_tail()) return {0, 0};
    const row_tail tail = *tail_at(row.head);
    const bool lanes = (tail.link & row_tail::has_lanes) != 0;
    return {lanes ? row_tail::has_lanes : tail.link & row_tail::low_bits, tail.stamp};
  }
  // And back: a row as it was, with zeros for its state. False when it is there already. Nobody
  // else may be writing, and there is no limit.
  row_ref restore(uint64_t id, std::string_view name, row_tail tail);

  // The row was seen at `time`. In a table with tails.
  static void stamp(row_head* head, uint32_t time) {
    uint32_t* const at = &tail_at(head)->stamp;
    constexpr uint32_t mask = (1u << row_tail::time_bits) - 1;
    const uint32_t before = __atomic_load_n(at, __ATOMIC_RELAXED);
    const uint32_t after = (before & ~mask) | (time & mask);
    if (after != before) __atomic_store_n(at, after, __ATOMIC_RELAXED);
  }
  // Before others see the row.
  static void set_stamp(row_head* head, uint32_t stamp) { tail_at(head)->stamp = stamp; }

  // Removes the rows for which keep(row_ref, name) is false and returns how many; the others keep
  // their order, not their places. Nobody may hold a row, or be finding.
  template <class Keep>
  uint64_t retain(const Keep& keep) {
    uint64_t removed = 0;
    for (size_t s = 0; s < stripes; ++s) removed += retain_in(s, keep);
    return removed;
  }
  template <class Keep>
  uint64_t retain_in(size_t s, const Keep& keep) {
    std::vector<bool> kept;
    bool all = true;
    kept.reserve(stripes_[s].rows);
    for_each_in(s, [&](row_ref row, std::string_view name) {
      kept.push_back(keep(row, name));
      all = all && kept.back();
    });
    return all ? 0 : compact(stripes_[s], kept);
  }
  // Gives what is free back to the system.
  void trim();

  // No row: a false row_ref.
  row_ref find(uint64_t id, row_head* guessed = nullptr) const {
    row_head* const head =
        guessed != nullptr && guessed->id == id ? guessed : search(index_of(id), id);
    return head == nullptr ? row_ref() : row_ref{head, lanes_of(head)};
  }

  // Of a row's lanes, while they are written. w has none: it is exchanged whole.
  static void lock_lanes(row_head* head) {
    uint32_t* const link = &tail_at(head)->link;
    for (int spin = 0; (__atomic_fetch_or(link, row_tail::lanes_locked, __ATOMIC_ACQUIRE) &
                        row_tail::lanes_locked) != 0;
         ++spin) {
      wait_for_a_lock(spin);
    }
  }
  // A plain store: while the lanes are locked nobody else writes their link.
  static void unlock_lanes(row_head* head) {
    uint32_t* const link = &tail_at(head)->link;
    const uint32_t locked = __atomic_load_n(link, __ATOMIC_RELAXED);
    __atomic_store_n(link, locked & ~row_tail::lanes_locked, __ATOMIC_RELEASE);
  }

  // Approximate while others insert.
  uint64_t rows() const;
  uint64_t memory_bytes() const;
  // Of outgrown indexes that wait for reclaim().
  uint64_t retired_bytes() const { return __atomic_load_n(&retired_bytes_, __ATOMIC_RELAXED); }
  // Frees them. Nobody may be finding.
  void reclaim();
  // Of the names alone, end to end; nobody may be writing.
  uint64_t name_bytes() const;

  // In stripe order, then in order of insertion; nobody may be writing.
  // visit(row_ref, name): name is empty without names.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (size_t s = 0; s < stripes; ++s) for_each_in(s, visit);
  }
  template <class Visit>
  void for_each_in(size_t s, const Visit& visit) const {
    const index* const now = stripes_[s].now;
    for (uint32_t row = 0; row < stripes_[s].rows; ++row) {
      row_head* const head = at(now, row);
      visit(row_ref{head, lanes_of(head)},
            has_names_ ? stripes_[s].names.at(row) : std::string_view());
    }
  }

 private:
  // A chunk is about this large: 64 half-empty last chunks cost a megabyte.
  static constexpr size_t chunk_bytes_aim = size_t{32} << 10;
  static constexpr uint32_t lanes_refused = ~0u;

  // Pieces of the arena of one size: a stripe's rows, or lanes, come in them.
  struct chunk_pool {
    uint32_t shift;              // log2 of rows a chunk
    size_t bytes;                // of a chunk
    std::vector<char*> free;     // counted as allocated
    std::vector<char*> without;  // without memory behind them, since trim()

    uint32_t offset(uint32_t row) const { return row & ((1u << shift) - 1); }
  };

  // One allocation, replaced by a larger one when it is full.
  struct index {
    uint64_t count;      // of buckets
    size_t bytes;        // of the allocation
    bucket* buckets;     // (count)
    char** chunks;       // (rows / rows a chunk), of heads
    char** lane_chunks;  // (rows / rows a chunk), of lanes
  };

  struct alignas(64) stripe {
    index* now = nullptr;  // written under the lock
    spin_lock lock;
    uint32_t rows = 0;
    uint32_t lane_rows = 0;
    name_list names;
    std::vector<index*> retired;
  };

  static uint8_t tag_of(uint64_t id) {
    const auto tag = static_cast<uint8_t>(id);
    return tag == 0 ? 1 : tag;
  }
  static uint64_t bucket_of(uint64_t id, uint64_t count) {
    return (((id >> 24) & 0xFFFFFFFFu) * count) >> 32;
  }
  stripe& stripe_of(uint64_t id) const { return stripes_[id >> 58]; }
  const index* index_of(uint64_t id) const {
    return __atomic_load_n(&stripe_of(id).now, __ATOMIC_ACQUIRE);
  }

  row_head* at(const index* now, uint32_t row) const {
    return reinterpret_cast<row_head*>(now->chunks[row >> head_pool_.shift] +
                                       size_t{head_pool_.offset(row)} * head_bytes_);
  }
  coordinate* lanes_at(const index* now, uint32_t number) const {
    return reinterpret_cast<coordinate*>(now->lane_chunks[number >> lane_pool_.shift]) +
           size_t{lane_pool_.offset(number)} * lanes_;
  }
  static row_tail* tail_at(row_head* head) { return reinterpret_cast<row_tail*>(head + 1); }
  coordinate* lanes_of(row_head* head) const {
    if (lanes_ == 0) return nullptr;
    const uint32_t link = __atomic_load_n(&tail_at(head)->link, __ATOMIC_ACQUIRE);
    if ((link & row_tail::has_lanes) == 0) return nullptr;
    // The index of now, not the one the row was found in: it may be older than the lanes.
    return lanes_at(index_of(head->id), link & row_tail::low_bits);
  }

  row_head* search(const index* now, uint64_t id) const {
    for (uint64_t b = bucket_of(id, now->count);; b = b + 1 == now->count ? 0 : b + 1) {
      const bucket& in = now->buckets[b];
      for (uint32_t left = in.match(tag_of(id)); left != 0; left &= left - 1) {
        row_head* const head = at(now, in.number(__builtin_ctz(left)));
        if (head->id == id) return head;
      }
      if (in.empty() != 0) return nullptr;
    }
  }

  row_ref make_row(stripe& s, uint64_t id, std::string_view name, bool lanes);
  uint32_t make_lanes(stripe& s);
  void publish(stripe& s, row_ref row);
  static void publish_lanes(row_head* head, uint32_t number);
  bool count_sight(row_head* head) const;
  bool grow(stripe& s, uint64_t buckets);
  index* make_index(uint64_t count) const;
  void free_index(index* old) const;
  static void place(index* in, uint64_t id, uint32_t row);
  size_t index_bytes(uint64_t count) const;

  // Counts what is about to be allocated; false when the limit forbids it.
  bool claim(uint64_t bytes);
  void unclaim(uint64_t bytes) { __atomic_fetch_sub(&allocated_, bytes, __ATOMIC_RELAXED); }
  bool refuse();
  // Of chunks[row >> shift], when `row` is the first of its chunk and it is not there yet.
  bool take_chunk(chunk_pool& pool, char** chunks, uint32_t row);
  bool add_name(stripe& s, std::string_view name);

  // table_retain.cc
  uint64_t compact(stripe& s, const std::vector<bool>& kept);
  void compact_lanes(stripe& s, std::vector<uint32_t>& owner);
  void release_chunks(chunk_pool& pool, char** first, char** last, uint32_t rows);
  void rebuild_index(stripe& s);

  const size_t lanes_;
  const size_t head_bytes_;
  const bool has_names_;
  uint32_t lanes_after_ = 1;
  chunk_pool head_pool_, lane_pool_;
  std::mutex pools_lock_;
  uint64_t limit_ = 0;
  uint64_t allocated_ = 0, free_ = 0, refused_ = 0;
  uint64_t retired_bytes_ = 0;
  arena arena_;
  std::unique_ptr<stripe[]> stripes_;
};

}  // namespace fmtrain
