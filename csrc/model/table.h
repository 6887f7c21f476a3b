// The feature table: id -> row, for a hundred million rows and more.
//
// 64 stripes by the id's top bits, each a lock, an open-addressing index and its rows. The index is
// buckets of 16 slots of 4 bytes, a cache line each (bucket.h): a bucket's number comes from the id
// by multiplication, so the index need not be a power of two and grows by a quarter; what does not
// fit goes into the next bucket. Rows live in chunks of an arena and never move: a row found once
// serves gather and scatter. One stripe grows at a time, under its lock.
//
//     head  = id (8 bytes), z and n of w          16 bytes; with a tail 24
//     tail  = link to the lanes or a count, stamp      only when the shape asks for it
//     lanes = z and n of each factor               8 bytes a factor, 8-byte aligned pairs
//     index = 4 bytes / load, load in (0.7, 0.875]     4.6 to 5.7 bytes a row
//
// Finding takes no lock, whoever inserts meanwhile: slots are published after the row they name, a
// row's id never changes, and an index that was outgrown is kept until reclaim(). `Locking` says
// whether other threads may be about; alone spares the atomic instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/prefetch.h"
#include "base/spin_lock.h"
#include "model/bucket.h"
#include "model/ftrl.h"

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

// Behind the head of a row whose table has lanes.
struct row_tail {
  uint32_t link;   // 0: no lanes yet; else lane_number + 1, and the top bit is the lanes' lock
  uint32_t spare;  // 0
};

// A view of one row: valid as long as the table. `v` is null in a table without lanes.
struct row_ref {
  row_head* head = nullptr;
  coordinate* v = nullptr;  // (lanes)

  explicit operator bool() const { return head != nullptr; }
  uint64_t id() const { return head->id; }
  coordinate& w() const { return head->w; }
};

// Names by row number, end to end: present only when the model keeps names.
class name_list {
 public:
  void add(std::string_view name) {
    bytes_.append(name);
    end_.push_back(bytes_.size());
  }
  std::string_view at(size_t row) const {
    const uint64_t begin = row == 0 ? 0 : end_[row - 1];
    return {bytes_.data() + begin, static_cast<size_t>(end_[row] - begin)};
  }
  size_t text_bytes() const { return bytes_.size(); }
  size_t memory_bytes() const { return bytes_.capacity() + end_.capacity() * sizeof(uint64_t); }

 private:
  std::string bytes_;
  std::vector<uint64_t> end_;
};

class table {
 public:
  static constexpr size_t stripes = 64;
  static constexpr size_t stripe_rows_max = (size_t{1} << bucket::number_bits) - 2;

  table(size_t lanes, bool names);
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  size_t lanes() const { return lanes_; }
  bool has_names() const { return has_names_; }
  bool has_tail() const { return head_bytes_ > sizeof(row_head); }

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
  row_head* guess(uint64_t id) const {
    const index* const now = index_of(id);
    const bucket& home = now->buckets[bucket_of(id, now->count)];
    const uint32_t found = home.match(tag_of(id));
    if (found == 0) return nullptr;
    row_head* const head = at(now, home.number(__builtin_ctz(found)));
    prefetch_to_write(head);
    return head;
  }

  // The row of `id`, created when new: its state is zero until `create(row_ref)` has set it, which
  // runs under the stripe's lock before others see the row.
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
    const row_ref row = make_row(s, id, name);
    create(row);
    publish(s, row);
    return row;
  }

  // No row: a false row_ref.
  template <class Locking>
  row_ref find(uint64_t id, row_head* guessed = nullptr) const {
    row_head* const head =
        guessed != nullptr && guessed->id == id ? guessed : search(index_of(id), id);
    return head == nullptr ? row_ref() : row_ref{head, lanes_of(head)};
  }

  // Of a row's lanes, while they are written. w has none: it is exchanged whole.
  static void lock_lanes(row_head* head);
  static void unlock_lanes(row_head* head);

  uint64_t rows_of_stripe(uint64_t id) const { return stripe_of(id).rows; }

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
  void for_each(Visit&& visit) const {
    for (size_t s = 0; s < stripes; ++s) {
      const index* const now = stripes_[s].now;
      for (uint32_t row = 0; row < stripes_[s].rows; ++row) {
        row_head* const head = at(now, row);
        visit(row_ref{head, lanes_of(head)},
              has_names_ ? stripes_[s].names.at(row) : std::string_view());
      }
    }
  }

 private:
  // A chunk is about this large: 64 half-empty last chunks cost a megabyte.
  static constexpr size_t chunk_bytes_aim = size_t{32} << 10;
  static constexpr uint32_t lanes_locked = 1u << 31;

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
    const uint32_t offset = row & ((1u << chunk_shift_) - 1);
    return reinterpret_cast<row_head*>(now->chunks[row >> chunk_shift_] +
                                       size_t{offset} * head_bytes_);
  }
  static row_tail* tail_of(row_head* head) { return reinterpret_cast<row_tail*>(head + 1); }
  coordinate* lanes_of(row_head* head) const {
    if (lanes_ == 0) return nullptr;
    const uint32_t number = __atomic_load_n(&tail_of(head)->link, __ATOMIC_ACQUIRE) & ~lanes_locked;
    if (number == 0) return nullptr;
    // The index of now, not the one the row was found in: it may be older than the lanes.
    const uint32_t row = number - 1, offset = row & ((1u << lane_chunk_shift_) - 1);
    return reinterpret_cast<coordinate*>(
               index_of(head->id)->lane_chunks[row >> lane_chunk_shift_]) +
           size_t{offset} * lanes_;
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

  row_ref make_row(stripe& s, uint64_t id, std::string_view name);
  void publish(stripe& s, row_ref row);
  void grow(stripe& s, uint64_t buckets);
  index* make_index(uint64_t count) const;
  void free_index(index* old) const;
  static void place(index* in, uint64_t id, uint32_t row);

  const size_t lanes_;
  const size_t head_bytes_;
  const uint32_t chunk_shift_, lane_chunk_shift_;  // log2 of rows a chunk
  const bool has_names_;
  uint64_t retired_bytes_ = 0;
  arena arena_;
  std::unique_ptr<stripe[]> stripes_;
};

}  // namespace fmtrain
