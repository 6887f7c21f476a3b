// A bucket of the table's index: 16 slots in one cache line, searched at once. A slot is a tag of 8
// bits, 0 when it is empty, and a row number of 24.
//
// One writer at a time; readers at any time. A slot's number is written before its tag.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fmtrain {

struct alignas(64) bucket {
  static constexpr uint32_t slots = 16;
  static constexpr uint32_t number_bits = 24;

  // Of tags, a byte a slot: which slots have this one. Bit i stands for slot i.
  uint32_t match(uint8_t tag) const {
    const uint64_t low = __atomic_load_n(&tags_[0], __ATOMIC_ACQUIRE);
    const uint64_t high = __atomic_load_n(&tags_[1], __ATOMIC_ACQUIRE);
#if defined(__SSE2__)
    const __m128i all = _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
    const __m128i same = _mm_cmpeq_epi8(all, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<uint32_t>(_mm_movemask_epi8(same));
#else
    return match_word(low, tag) | match_word(high, tag) << 8;
#endif
  }
  uint32_t empty() const { return match(0); }

  uint32_t number(uint32_t slot) const {
    return __atomic_load_n(&low_[slot], __ATOMIC_RELAXED) |
           static_cast<uint32_t>(__atomic_load_n(&high_[slot], __ATOMIC_RELAXED)) << 16;
  }

  // `tag` is not 0, the slot was empty.
  void fill(uint32_t slot, uint8_t tag, uint32_t number) {
    __atomic_store_n(&low_[slot], static_cast<uint16_t>(number), __ATOMIC_RELAXED);
    __atomic_store_n(&high_[slot], static_cast<uint8_t>(number >> 16), __ATOMIC_RELAXED);
    const uint64_t word = tags_[slot / 8] | static_cast<uint64_t>(tag) << (slot % 8 * 8);
    __atomic_store_n(&tags_[slot / 8], word, __ATOMIC_RELEASE);
  }

  // What match() does eight slots at a time where there is no SSE2; public for its test. A byte of
  // `same` is 0 where the tag matches; the sum carries into a byte's top bit exactly
  // where it is not 0.
  static uint32_t match_word(uint64_t word, uint8_t tag) {
    constexpr uint64_t low_bits = 0x7f7f7f7f7f7f7f7fULL, ones = 0x0101010101010101ULL;
    const uint64_t same = word ^ (ones * tag);
    const uint64_t zero = ~(((same & low_bits) + low_bits) | same | low_bits);
    return static_cast<uint32_t>(((zero >> 7) * 0x0102040810204080ULL) >> 56);
  }

 private:
  uint64_t tags_[2];
  uint16_t low_[slots];
  uint8_t high_[slots];
};
static_assert(sizeof(bucket) == 64, "one cache line a lookup");

}  // namespace fmtrain
