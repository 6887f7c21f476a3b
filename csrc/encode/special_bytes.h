// Where a raw row's cells end, and which of their bytes a feature's name must escape: a bit for
// each, 64 bytes a word, found for the whole row at once as in feature/separators.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fmtrain {

// What a text sample cannot hold in a name, beside the letters of names themselves (names.h).
inline bool must_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f || c == ':' || c == '%' || c == '&';
}

// Marks what must be escaped and the dialect's two bytes; quote 0 adds nothing, as must_escape(0).
// words (bytes / 64, rounded up). Reads whole blocks of 64 bytes: see padding_bytes in hash.h.
using mark_special_function = void (*)(const char* text, size_t bytes, char separator, char quote,
                                       uint64_t* words);
extern const mark_special_function mark_special;  // the fastest of this processor

// All that this build and processor have, the plain one first; for tests.
struct mark_special_list {
  mark_special_function functions[4];
  size_t count;
};
mark_special_list all_mark_special();

}  // namespace fmtrain
