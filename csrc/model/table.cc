#include "model/table.h"

#include <new>

namespace fmtrain {
namespace {

uint32_t chunk_shift(size_t row_bytes, size_t chunk_bytes) {
  uint32_t shift = 0;
  while ((row_bytes << (shift + 1)) <= chunk_bytes) ++shift;
  return shift;
}

}  // namespace

table::table(size_t row_floats, bool names)
    : row_floats_(row_floats),
      row_bytes_(sizeof(uint64_t) + row_floats * sizeof(float)),
      chunk_shift_(chunk_shift(row_bytes_, chunk_bytes_aim)),
      has_names_(names),
      stripes_(new stripe[stripes]) {
  for (size_t s = 0; s < stripes; ++s) {
    stripes_[s].slots = new uint32_t[first_capacity]();
    stripes_[s].capacity = first_capacity;
  }
}

table::~table() {
  for (size_t s = 0; s < stripes; ++s) delete[] stripes_[s].slots;
}

uint64_t table::place(const uint32_t* slots, uint64_t capacity, uint64_t id) {
  uint64_t i = home_of(id, capacity);
  while (slots[i] != 0) {
    if (++i == capacity) i = 0;
  }
  return i;
}

row_ref table::insert(stripe& s, uint64_t id, uint64_t slot, std::string_view name) {
  if (s.rows == stripe_rows_max) throw std::bad_alloc();
  const uint32_t row = s.rows;
  // Load at most 0.85, in integers.
  if ((row + 1) * uint64_t{20} > s.capacity * 17) {
    grow(s);
    slot = place(s.slots, s.capacity, id);
  }
  if ((row >> chunk_shift_) == s.chunks.size()) {
    s.chunks.push_back(arena_.take(row_bytes_ << chunk_shift_));
  }
  if (has_names_) s.names.add(name);
  const row_ref created = at(s, row);
  std::memcpy(created.bytes(), &id, sizeof id);
  std::memset(created.bytes() + sizeof id, 0, row_bytes_ - sizeof id);
  s.slots[slot] = make_slot(id, row);
  __atomic_store_n(&s.rows, row + 1, __ATOMIC_RELAXED);
  return created;
}

// Reads the ids from the rows, in order, rather than the old slots at random.
void table::grow(stripe& s) {
  const uint64_t capacity = s.capacity + s.capacity / 2;
  auto* const slots = new uint32_t[capacity]();
  for (uint32_t row = 0; row < s.rows; ++row) {
    const uint64_t id = at(s, row).id();
    slots[place(slots, capacity, id)] = make_slot(id, row);
  }
  delete[] s.slots;
  // prefetch() reads these two without the lock, and lives with any mix of old and new.
  __atomic_store_n(&s.slots, slots, __ATOMIC_RELAXED);
  __atomic_store_n(&s.capacity, capacity, __ATOMIC_RELAXED);
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
  uint64_t sum = sizeof(stripe) * stripes + rows() * row_bytes_;
  for (size_t s = 0; s < stripes; ++s) {
    sum += __atomic_load_n(&stripes_[s].capacity, __ATOMIC_RELAXED) * sizeof(uint32_t);
    if (has_names_) {
      const std::lock_guard<spin_lock> hold(stripes_[s].lock);
      sum += stripes_[s].names.memory_bytes();
    }
  }
  return sum;
}

}  // namespace fmtrain
