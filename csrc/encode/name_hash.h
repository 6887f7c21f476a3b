// The id of a name that begins as many others do ("C1=84738", "C1=22277"): what they share is
// hashed once, and the name itself is never put together. The same number as hash_name of the
// whole.
#pragma once

#include <cstdint>
#include <string_view>

#include "feature/hash.h"

namespace fmtrain {

class name_hash {
 public:
  name_hash() = default;
  name_hash(std::string_view prefix, uint32_t seed) : h1_(seed), h2_(seed), size_(prefix.size()) {
    while (prefix.size() >= 16) {
      hash_detail::mix_block(prefix.data(), h1_, h2_);
      prefix.remove_prefix(16);
    }
    char bytes[16] = {};
    if (!prefix.empty()) std::memcpy(bytes, prefix.data(), prefix.size());
    rest_ = load(bytes);
    rest_bits_ = static_cast<uint32_t>(prefix.size() * 8);
  }

  // Reads up to 16 bytes behind the token: see padding_bytes.
  uint64_t id_of(const char* token, size_t size) const {
    using namespace hash_detail;
    uint64_t h1 = h1_, h2 = h2_;
    const size_t total = size_ + size;
    word128 carry = rest_;
    for (; size >= 16; size -= 16, token += 16) {
      const word128 bytes = load(token);
      mix(carry | (bytes << rest_bits_), h1, h2);
      carry = over(bytes);
    }
    const word128 bytes = low(load(token), size);
    const word128 last = carry | (bytes << rest_bits_);
    if (rest_bits_ / 8 + size < 16) {
      carry = last;
    } else {
      mix(last, h1, h2);
      carry = over(bytes);
    }
    return finish(h1, h2, static_cast<uint64_t>(carry), static_cast<uint64_t>(carry >> 64), total);
  }

 private:
  __extension__ typedef unsigned __int128 word128;

  static word128 load(const char* p) {
    return static_cast<word128>(hash_detail::load_64(p + 8)) << 64 | hash_detail::load_64(p);
  }
  static word128 low(word128 word, size_t bytes) {
    return word & ((static_cast<word128>(1) << (8 * bytes)) - 1);
  }
  // What of 16 bytes does not fit behind the rest.
  word128 over(word128 bytes) const { return rest_bits_ == 0 ? 0 : bytes >> (128 - rest_bits_); }

  static void mix(word128 block, uint64_t& h1, uint64_t& h2) {
    char bytes[16];
    std::memcpy(bytes, &block, sizeof block);
    hash_detail::mix_block(bytes, h1, h2);
  }

  uint64_t h1_ = 0, h2_ = 0;
  word128 rest_ = 0;  // of the prefix, behind its last whole block
  uint32_t rest_bits_ = 0;
  uint64_t size_ = 0;
};

}  // namespace fmtrain
