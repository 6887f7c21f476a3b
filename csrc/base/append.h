// What results are put together with: arrays end to end, numbers as text.
#pragma once

#include <charconv>
#include <string>
#include <vector>

namespace fmtrain {

template <class T>
void append_all(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// The shortest digits that read back as the same float.
inline void append_number(std::string& text, float value) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace fmtrain
