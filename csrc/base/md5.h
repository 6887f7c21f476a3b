// MD5 (RFC 1321): what hosts know a file by. It finds damage and mix-ups, not malice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fmtrain {

class md5 {
 public:
  void add(const void* data, size_t size);
  // Of all that was added, 32 lower-case hex digits. Nothing may be added behind it.
  std::string hex();

 private:
  static constexpr size_t block_bytes = 64;

  void take_block(const unsigned char* block);

  uint32_t state_[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t bytes_ = 0;
  unsigned char open_[block_bytes];  // bytes_ % block_bytes of them are there
};

}  // namespace fmtrain
