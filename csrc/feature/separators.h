// Where the tokens of a line end: a bit for every space, tab, colon and newline, 64 bytes a word.
// Found for a whole line at once, because a scan from token to token waits for each to end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace fmtrain {

// words (bytes / 64, rounded up). Reads whole blocks of 64 bytes: see padding_bytes in hash.h.
using mark_separators_function = void (*)(const char* text, size_t bytes, uint64_t* words);
extern const mark_separators_function mark_separators;  // the fastest of this processor

// All that this build and processor have, the plain one first; for tests.
simd_list<mark_separators_function> all_mark_separators();

// Walks the bits in order.
class separators {
 public:
  // `words` begin at `text`; there must be a separator at or before their end.
  separators(const char* text, const uint64_t* words) : text_(text), words_(words), bits_(*words) {}

  const char* next() {
    while (bits_ == 0) {
      bits_ = *++words_;
      text_ += 64;
    }
    const char* const at = text_ + __builtin_ctzll(bits_);
    bits_ &= bits_ - 1;
    return at;
  }

 private:
  const char* text_;
  const uint64_t* words_;
  uint64_t bits_;
};

}  // namespace fmtrain
