// The feature table: id -> row, for a hundred million rows and more.
//
// 256 stripes by the id's top byte, each a lock, an open-addressing index and an arena of rows.
// A slot of the index is 4 bytes: 8 bits of fingerprint, 24 of row number; 0 is empty. It is probed
// linearly from a home computed by multiplication, so its capacity need not be a power of two and
// grows by half. Rows live in chunks of an arena and never move: a row found once serves gather and
// scatter. One stripe grows at a time, under its lock.
//
//     row = id (8 bytes), then `row_floats` floats        LR: 16 bytes, FM k = 8: 80 bytes
//     index = 4 bytes / load, load in (0.57, 0.85]        4.7 to 7 bytes a row
//
// `Locking` says whether other threads may be about: shared takes the stripe's lock, alone does
// not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/spin_lock.h"

namespace fmtrain {

struct shared {
  template <class Lock>
  static std::unique_lock<Lock> hold(Lock& lock) {
    return std::unique_lock<Lock>(lock);
  }
};

struct alone {
  struct nothing {};
  template <class Lock>
  static nothing hold(Lock&) {
    return {};
  }
};

// A view of one row: valid as long as the table.
class row_ref {
 public:
  row_ref() = default;
  explicit row_ref(char* at) : at_(at) {}
  explicit operator bool() const { return at_ != nullptr; }
  uint64_t id() const {
    uint64_t id;
    std::memcpy(&id, at_, sizeof id);
    return id;
  }
  float* values() const { return reinterpret_cast<float*>(at_ + sizeof(uint64_t)); }
  char* bytes() const { return at_; }

 private:
  char* at_ = nullptr;
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
  static constexpr size_t stripes = 256;
  static constexpr size_t stripe_rows_max = (size_t{1} << 24) - 2;

  table(size_t row_floats, bool names);
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  size_t row_floats() const { return row_floats_; }
  size_t row_bytes() const { return row_bytes_; }
  bool has_names() const { return has_names_; }

  // Starts fetching the part of the index where `id` is looked for. Never waits, never faults.
  void prefetch(uint64_t id) const {
    const stripe& s = stripe_of(id);
    const uint64_t capacity = __atomic_load_n(&s.capacity, __ATOMIC_RELAXED);
    const uint32_t* const slots = __atomic_load_n(&s.slots, __ATOMIC_RELAXED);
    const uint64_t home = home_of(id, capacity);
    // An index that grows meanwhile only makes this a useless fetch.
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(slots) +
                                                     home * sizeof(uint32_t)));
  }

  // The row of `id`, created when new: its values are zero until `create(values)` has set them,
  // which runs under the stripe's lock.
  template <class Locking, class Create>
  row_ref find_or_insert(uint64_t id, std::string_view name, Create&& create) {
    stripe& s = stripe_of(id);
    [[maybe_unused]] const auto hold = Locking::hold(s.lock);
    uint64_t slot = 0;
    row_ref row = probe(s, id, &slot);
    if (row) return row;
    row = insert(s, id, slot, name);
    create(row.values());
    return row;
  }

  // No row: a false row_ref.
  template <class Locking>
  row_ref find(uint64_t id) const {
    const stripe& s = stripe_of(id);
    [[maybe_unused]] const auto hold = Locking::hold(s.lock);
    uint64_t slot = 0;
    return probe(s, id, &slot);
  }

  // The lock under which the row's values are read and written.
  spin_lock& lock_of(uint64_t id) const { return stripe_of(id).lock; }

  uint64_t rows_of_stripe(uint64_t id) const { return stripe_of(id).rows; }

  // Approximate while others insert.
  uint64_t rows() const;
  uint64_t memory_bytes() const;
  // Of the names alone, end to end; nobody may be writing.
  uint64_t name_bytes() const;

  // In stripe order, then in order of insertion; nobody may be writing.
  // visit(row_ref, name): name is empty without names.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (size_t s = 0; s < stripes; ++s) {
      for (uint32_t row = 0; row < stripes_[s].rows; ++row) {
        visit(at(stripes_[s], row), has_names_ ? stripes_[s].names.at(row) : std::string_view());
      }
    }
  }

 private:
  // A chunk is about this large: 256 half-empty last chunks cost a few megabytes.
  static constexpr size_t chunk_bytes_aim = size_t{32} << 10;
  static constexpr uint32_t first_capacity = 64;

  struct alignas(64) stripe {
    mutable spin_lock lock;
    uint32_t rows = 0;
    uint64_t capacity = 0;      // slots
    uint32_t* slots = nullptr;  // (capacity), owned
    std::vector<char*> chunks;  // (rows >> chunk_shift_, rounded up), in the arena
    name_list names;
  };

  static constexpr uint32_t row_bits = 24;
  static uint32_t make_slot(uint64_t id, uint32_t row) {
    return (static_cast<uint32_t>(id & 0xFF) << row_bits) | (row + 1);
  }
  static uint64_t home_of(uint64_t id, uint64_t capacity) {
    return (((id >> 24) & 0xFFFFFFFFu) * capacity) >> 32;
  }
  stripe& stripe_of(uint64_t id) const { return stripes_[id >> 56]; }

  row_ref at(const stripe& s, uint32_t row) const {
    const uint32_t offset = row & ((1u << chunk_shift_) - 1);
    return row_ref(s.chunks[row >> chunk_shift_] + size_t{offset} * row_bytes_);
  }

  // The row, or a false one with *slot at the empty slot where it belongs.
  row_ref probe(const stripe& s, uint64_t id, uint64_t* slot) const {
    uint64_t i = home_of(id, s.capacity);
    for (;;) {
      const uint32_t found = s.slots[i];
      if (found == 0) break;
      if ((found >> row_bits) == (id & 0xFF)) {
        const row_ref row = at(s, (found & ((1u << row_bits) - 1)) - 1);
        if (row.id() == id) return row;
      }
      if (++i == s.capacity) i = 0;
    }
    *slot = i;
    return {};
  }

  row_ref insert(stripe& s, uint64_t id, uint64_t slot, std::string_view name);
  void grow(stripe& s);
  static uint64_t place(const uint32_t* slots, uint64_t capacity, uint64_t id);

  const size_t row_floats_;
  const size_t row_bytes_;
  const uint32_t chunk_shift_;  // log2 of rows a chunk
  const bool has_names_;
  arena arena_;
  std::unique_ptr<stripe[]> stripes_;
};

}  // namespace fmtrain
