#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace fmtrain {
namespace {

constexpr uint32_t polynomial = 0x82F63B78u;  // reflected

std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) ? polynomial : 0);
    table[i] = c;
  }
  return table;
}

#if defined(__x86_64__)
bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }

__attribute__((target("sse4.2"))) uint32_t crc32c_instruction(uint32_t crc, const char* p,
                                                              size_t size) {
  uint64_t c = ~crc;
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    c = _mm_crc32_u64(c, word);
  }
  for (; size > 0; ++p, --size) {
    c = _mm_crc32_u8(static_cast<uint32_t>(c), static_cast<unsigned char>(*p));
  }
  return ~static_cast<uint32_t>(c);
}
#elif defined(__aarch64__) && defined(__linux__)
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

__attribute__((target("+crc"))) uint32_t crc32c_instruction(uint32_t crc, const char* p,
                                                            size_t size) {
  uint32_t c = ~crc;
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    c = __crc32cd(c, word);
  }
  for (; size > 0; ++p, --size) c = __crc32cb(c, static_cast<unsigned char>(*p));
  return ~c;
}
#else
bool has_instruction() { return false; }
uint32_t crc32c_instruction(uint32_t crc, const char* p, size_t size) {
  return crc32c_portable(crc, p, size);
}
#endif

}  // namespace

uint32_t crc32c_portable(uint32_t crc, const void* data, size_t size) {
  static const std::array<uint32_t, 256> table = make_table();
  const auto* p = static_cast<const unsigned char*>(data);
  uint32_t c = ~crc;
  for (size_t i = 0; i < size; ++i) c = table[(c ^ p[i]) & 0xFF] ^ (c >> 8);
  return ~c;
}

uint32_t crc32c(uint32_t crc, const void* data, size_t size) {
  static const bool instruction = has_instruction();
  if (instruction) return crc32c_instruction(crc, static_cast<const char*>(data), size);
  return crc32c_portable(crc, data, size);
}

}  // namespace fmtrain
