// Names of an input's columns in messages: whatever they are, a message stays readable.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace fmtrain {

inline std::string shown_column(std::string_view name) {
  constexpr size_t bytes_max = 60;
  if (name.size() <= bytes_max) return std::string(name);
  size_t size = bytes_max;
  // Not within a character of UTF-8.
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
  return std::string(name.substr(0, size)) + "...";
}

template <class Names>
std::string listed_columns(const Names& names) {
  constexpr size_t names_max = 10;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), names_max); ++i) {
    out.append(i == 0 ? "" : ", ").append(shown_column(names[i]));
  }
  if (names.size() > names_max) {
    out.append(", ... (").append(std::to_string(names.size())).append(" columns)");
  }
  return out;
}

}  // namespace fmtrain
