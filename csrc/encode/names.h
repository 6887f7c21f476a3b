// Names of features. A byte that a text sample cannot hold is written %XX, so that names are
// unambiguous and a printed sample is the row: all bytes up to the space, DEL, ':', '%' and '&',
// and in the schema's own names '=', '@' and '#' too.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fmtrain {

inline bool needs_escape(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u <= 0x20 || u == 0x7f || c == ':' || c == '%' || c == '&';
}

inline bool needs_escape_in_name(char c) {
  return needs_escape(c) || c == '=' || c == '@' || c == '#';
}

template <class NeedsEscape>
void append_escaped(std::string& to, std::string_view text, const NeedsEscape& needs) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (!needs(c)) {
      to.push_back(c);
      continue;
    }
    const auto u = static_cast<unsigned char>(c);
    const char code[3] = {'%', digits[u >> 4], digits[u & 15]};
    to.append(code, 3);
  }
}

inline std::string escaped_name(std::string_view name) {
  std::string escaped;
  append_escaped(escaped, name, needs_escape_in_name);
  return escaped;
}

}  // namespace fmtrain
