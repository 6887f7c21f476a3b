// Cells of values that come as numbers, or as text that must be copied.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include "encode/cell.h"
#include "encode/row_texts.h"

namespace fmtrain {

inline void set_number(double value, cell* out) {
  out->kind = cell_kind::number;
  out->number = value;
}

inline void set_digits_at(char* to, const char* end, row_texts& texts, cell* out) {
  const auto size = static_cast<size_t>(end - to);
  texts.keep(size);
  out->kind = cell_kind::text;
  out->plain = true;
  out->text = to;
  out->size = static_cast<uint32_t>(size);
}

// A whole number as a text: all of its digits.
template <class T>
void set_digits(T value, row_texts& texts, cell* out) {
  constexpr size_t most = 32;
  char* const to = texts.room(most);
  set_digits_at(to, std::to_chars(to, to + most, value).ptr, texts, out);
}

// text: below 4 GiB.
inline void set_copy(std::string_view text, row_texts& texts, cell* out) {
  out->kind = cell_kind::text;
  out->text = texts.copy(text.data(), text.size());
  out->size = static_cast<uint32_t>(text.size());
}

}  // namespace fmtrain
