// Enumerations whose values have names.
#pragma once

#include <cstddef>
#include <string_view>

namespace fmtrain {

// words: of the values from 0 on. False: the text is none of them.
template <class Enum, size_t Count>
bool find_word(std::string_view text, const char* const (&words)[Count], Enum* out) {
  for (size_t i = 0; i < Count; ++i) {
    if (text != words[i]) continue;
    *out = static_cast<Enum>(i);
    return true;
  }
  return false;
}

}  // namespace fmtrain
