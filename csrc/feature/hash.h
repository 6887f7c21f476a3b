// A feature's id: the first 64 bits of MurmurHash3 x64_128 of its name (Austin Appleby, public
// domain algorithm), the number that `mmh3.hash64(name, seed, signed=False)[0]` gives in Python.
// It is part of the file format: tests/cpp/test_hash.cc pins its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fmtrain {

// Bytes that must be readable behind every name handed to hash_padded. The chunk reader keeps this
// much room behind its last byte, so that a tail is two loads and a mask, not a switch.
constexpr size_t padding_bytes = 64;

namespace hash_detail {

inline uint64_t load_64(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

inline uint64_t rotate_left(uint64_t v, int bits) { return (v << bits) | (v >> (64 - bits)); }

inline uint64_t mix_final(uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccdULL;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53ULL;
  k ^= k >> 33;
  return k;
}

// The lowest `bytes` bytes of a word, 0 <= bytes <= 8.
inline uint64_t low_bytes(uint64_t word, size_t bytes) {
  return bytes >= 8 ? word : word & ((uint64_t{1} << (8 * bytes)) - 1);
}

constexpr uint64_t c1 = 0x87c37b91114253d5ULL;
constexpr uint64_t c2 = 0x4cf5ad432745937fULL;

inline uint64_t mix_1(uint64_t k) { return rotate_left(k * c1, 31) * c2; }
inline uint64_t mix_2(uint64_t k) { return rotate_left(k * c2, 33) * c1; }

// `tail_1` and `tail_2` are the last size % 16 bytes, zero-filled.
inline uint64_t finish(uint64_t h1, uint64_t h2, uint64_t tail_1, uint64_t tail_2, size_t size) {
  h2 ^= mix_2(tail_2);
  h1 ^= mix_1(tail_1);
  h1 ^= size;
  h2 ^= size;
  h1 += h2;
  h2 += h1;
  h1 = mix_final(h1);
  h2 = mix_final(h2);
  return h1 + h2;
}

inline void mix_block(const char* p, uint64_t& h1, uint64_t& h2) {
  h1 ^= mix_1(load_64(p));
  h1 = (rotate_left(h1, 27) + h2) * 5 + 0x52dce729;
  h2 ^= mix_2(load_64(p + 8));
  h2 = (rotate_left(h2, 31) + h1) * 5 + 0x38495ab5;
}

}  // namespace hash_detail

// Reads up to 16 bytes past the name: see padding_bytes.
inline uint64_t hash_padded(const char* name, size_t size, uint32_t seed) {
  using namespace hash_detail;
  uint64_t h1 = seed, h2 = seed;
  const size_t tail = size & 15;
  const char* const tail_at = name + (size - tail);
  for (; name != tail_at; name += 16) mix_block(name, h1, h2);
  const uint64_t tail_1 = low_bytes(load_64(name), tail);
  const uint64_t tail_2 = tail > 8 ? low_bytes(load_64(name + 8), tail - 8) : 0;
  return finish(h1, h2, tail_1, tail_2, size);
}

// The same for a name with nothing readable behind it.
inline uint64_t hash_name(const char* name, size_t size, uint32_t seed) {
  using namespace hash_detail;
  uint64_t h1 = seed, h2 = seed;
  const size_t tail = size & 15;
  const char* const tail_at = name + (size - tail);
  for (; name != tail_at; name += 16) mix_block(name, h1, h2);
  char rest[16] = {};
  if (tail > 0) std::memcpy(rest, name, tail);
  return finish(h1, h2, load_64(rest), load_64(rest + 8), size);
}

}  // namespace fmtrain
