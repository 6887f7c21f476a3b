// A row as its reader gave it, for tests of readers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "encode/row_reader.h"
#include "feature/hash.h"

namespace fmtrain {

// A line with a newline and exactly the padding that a reader may rely on behind it.
struct padded_line {
  explicit padded_line(std::string_view line)
      : text(new char[line.size() + padding_bytes + 1]), size(line.size()) {
    line.copy(text.get(), size);
    text[size] = '\n';
    for (size_t i = 0; i < padding_bytes; ++i) text[size + 1 + i] = ',';
  }
  const char* first() const { return text.get(); }
  const char* last() const { return text.get() + size; }
  std::unique_ptr<char[]> text;
  size_t size;
};

// Touches the bytes that must be readable behind a text: a sanitizer sees to it.
inline void touch_padding(const char* end) {
  volatile char sum = 0;
  for (size_t i = 0; i < padding_bytes; ++i) sum = static_cast<char>(sum ^ end[i]);
}

inline std::string text_of(const cell& c) {
  touch_padding(c.text + c.size);
  return {c.text, c.size};
}

// "a" text, #1.5 number, !1 boolean, - missing, ? invalid, [a|b:0.5] items
inline std::string shown_cell(const cell& c) {
  switch (c.kind) {
    case cell_kind::missing: return "-";
    case cell_kind::invalid: return "?";
    case cell_kind::text: return '"' + text_of(c) + '"';
    case cell_kind::number: return "#" + check::show(c.number);
    case cell_kind::boolean: return "!" + check::show(c.number);
    case cell_kind::items: break;
  }
  std::string out = "[";
  for (size_t i = 0; i < c.size; ++i) {
    const cell_item& item = c.items[i];
    touch_padding(item.text + item.size);
    if (i > 0) out += "|";
    out.append(item.text, item.size);
    if (item.has_weight) out += ":" + check::show(item.weight);
  }
  return out + "]";
}

// All cells with a space between them, or the reason and the byte where it is: "ragged@4".
inline std::string read_row(row_reader& reader, std::string_view text, size_t columns) {
  const padded_line line(text);
  std::vector<cell> cells(columns);
  for (cell& c : cells) c.kind = cell_kind::invalid;  // what a reader must not leave
  const parse_result got = reader.read(line.first(), line.last(), cells.data());
  if (got.kind != line_kind::sample) {
    CHECK(got.where >= line.first() && got.where <= line.last());
    return std::string(reason_name(got.kind)) + "@" + std::to_string(got.where - line.first());
  }
  std::string out;
  for (const cell& c : cells) out += (out.empty() ? "" : " ") + shown_cell(c);
  return out;
}

}  // namespace fmtrain
