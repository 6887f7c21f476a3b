// Where a raw row's cells end, and which of their bytes a feature's name must escape: a bit for
// each, 64 bytes a word, found for the whole row at once as in feature/separators.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace fmtrain {

// Marks what needs_escape (names.h) and the dialect's two bytes; quote 0 adds nothing to those.
// words (bytes / 64, rounded up). Reads whole blocks of 64 bytes: see padding_bytes in hash.h.
using mark_special_function = void (*)(const char* text, size_t bytes, char separator, char quote,
                                       uint64_t* words);
extern const mark_special_function mark_special;  // the fastest of this processor

// All that this build and processor have, the plain one first; for tests.
simd_list<mark_special_function> all_mark_special();

}  // namespace fmtrain
