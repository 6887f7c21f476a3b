#include "base/md5.h"

#include <algorithm>
#include <cstring>

namespace fmtrain {
namespace {

// floor(2^32 |sin(i + 1)|), RFC 1321, 3.4.
constexpr uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr int turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

uint32_t rotate(uint32_t x, int by) { return (x << by) | (x >> (32 - by)); }

}  // namespace

void md5::take_block(const unsigned char* block) {
  uint32_t word[16];
  for (size_t i = 0; i < 16; ++i) {
    word[i] = uint32_t{block[4 * i]} | uint32_t{block[4 * i + 1]} << 8 |
              uint32_t{block[4 * i + 2]} << 16 | uint32_t{block[4 * i + 3]} << 24;
  }
  uint32_t a = state_[0], b = state_[1], c = state_[2], d = state_[3];
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t mixed = 0, at = 0;
    switch (i / 16) {
      case 0: mixed = (b & c) | (~b & d), at = i; break;
      case 1: mixed = (d & b) | (~d & c), at = 5 * i + 1; break;
      case 2: mixed = b ^ c ^ d, at = 3 * i + 5; break;
      default: mixed = c ^ (b | ~d), at = 7 * i;
    }
    const uint32_t sum = a + mixed + sines[i] + word[at % 16];
    a = d, d = c, c = b;
    b += rotate(sum, turns[i / 16][i % 4]);
  }
  state_[0] += a, state_[1] += b, state_[2] += c, state_[3] += d;
}

void md5::add(const void* data, size_t size) {
  const auto* p = static_cast<const unsigned char*>(data);
  const size_t open = bytes_ % block_bytes;
  bytes_ += size;
  if (open > 0) {
    const size_t more = std::min(size, block_bytes - open);
    std::memcpy(open_ + open, p, more);
    if (open + more < block_bytes) return;
    take_block(open_);
    p += more, size -= more;
  }
  for (; size >= block_bytes; p += block_bytes, size -= block_bytes) take_block(p);
  if (size > 0) std::memcpy(open_, p, size);
}

std::string md5::hex() {
  const uint64_t bits = bytes_ * 8;
  const unsigned char padding[block_bytes] = {0x80};
  add(padding, 1 + (2 * block_bytes - 9 - bytes_ % block_bytes) % block_bytes);
  add(&bits, sizeof bits);  // little endian, as we are
  std::string digits;
  for (const uint32_t word : state_) {
    for (int shift = 0; shift < 32; shift += 8) {
      digits.push_back("0123456789abcdef"[(word >> shift >> 4) & 15]);
      digits.push_back("0123456789abcdef"[(word >> shift) & 15]);
    }
  }
  return digits;
}

}  // namespace fmtrain
