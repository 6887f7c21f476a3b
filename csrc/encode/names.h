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

// Whether no byte of a text needs an escape, eight at a time. Reads up to 8 bytes behind it.
inline bool is_plain(std::string_view text) {
  constexpr uint64_t ones = ~uint64_t{0} / 255, tops = ones * 128;
  // Bit 7 of a byte says that it is below `n` (at most 128), or `c`; higher bytes' may be wrong
  // where a lower one hits, which does not matter here (Anderson, "Bit Twiddling Hacks").
  const auto below = [](uint64_t word, uint64_t n) { return (word - ones * n) & ~word & tops; };
  const auto equals = [&below](uint64_t word, char c) {
    return below(word ^ (ones * static_cast<unsigned char>(c)), 1);
  };
  for (size_t at = 0; at < text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    // What is behind the text counts as a letter.
    const size_t left = text.size() - at;
    if (left < 8) {
      const uint64_t mask = (uint64_t{1} << (8 * left)) - 1;
      word = (word & mask) | (ones * 'a' & ~mask);
    }
    const uint64_t hits = below(word, 0x21) | equals(word, 0x7f) | equals(word, ':') |
                          equals(word, '%') | equals(word, '&');
    if (hits != 0) return false;
  }
  return true;
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
