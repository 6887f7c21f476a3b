#include <cstring>
#include <unordered_map>

#include "encode/column_list.h"
#include "encode/names.h"
#include "encode/row_reader.h"
#include "encode/special_bytes.h"
#include "feature/hash.h"
#include "feature/separators.h"

namespace fmtrain {
namespace {

// What reading a row takes beside its bytes; kept from row to row.
class row_scratch {
 public:
  // The special bytes of [first, last) and then `last`, whatever stands there.
  separators mark(const char* first, const char* last, const dialect& how) {
    bytes_ = static_cast<size_t>(last - first);
    used_ = 0;
    if (words_.size() <= bytes_ / 64) words_.resize(bytes_ / 64 + 1);
    mark_special(first, bytes_ + 1, how.separator, how.quote, words_.data());
    const uint64_t end = uint64_t{1} << (bytes_ % 64);
    uint64_t& word = words_[bytes_ / 64];
    word = (word & (end - 1)) | end;
    return {first, words_.data()};
  }

  // Text is shorter unquoted than quoted, so a whole row fits once there is room for its bytes:
  // the room grows only while no cell points into it.
  void append(const char* first, const char* last) {
    if (text_.size() < bytes_ + padding_bytes) text_.resize(bytes_ + padding_bytes);
    const auto size = static_cast<size_t>(last - first);
    std::memcpy(text_.data() + used_, first, size);
    used_ += size;
  }
  size_t used() const { return used_; }
  const char* text() const { return text_.data(); }

 private:
  std::vector<uint64_t> words_;
  std::vector<char> text_;
  size_t bytes_ = 0, used_ = 0;
};

struct cell_text {
  const char* text;
  size_t size;
  bool plain;
};

// Dropped where the dialect trims; a separator or a quote is one first.
bool is_blank(char c, const dialect& how) {
  return (c == ' ' || c == '\t') && c != how.separator && c != how.quote;
}

// The cell whose quote stands at `open`, the next of `marks` but for blanks before it. Returns the
// cell's end, or nullptr where the quote is not closed or text follows the closing one.
const char* read_quoted(const char* open, const char* last, const dialect& how, bool trims,
                        separators& marks, row_scratch& scratch, cell_text* out) {
  while (marks.next() != open) {
  }
  const char* from = open + 1;
  const char* at = nullptr;
  const size_t copy_at = scratch.used();
  bool plain = true, copied = false;
  for (;;) {
    at = marks.next();
    if (at == last) return nullptr;
    if (*at == how.quote && (at + 1 == last || at[1] != how.quote)) break;
    plain = plain && !needs_escape(*at);
    if (*at != how.quote) continue;
    marks.next();  // the second of two
    scratch.append(from, at + 1);
    from = at + 2;
    copied = true;
  }
  *out = {from, static_cast<size_t>(at - from), plain};
  if (copied) {
    scratch.append(from, at);
    *out = {scratch.text() + copy_at, scratch.used() - copy_at, plain};
  }
  for (const char* behind = at + 1;; ++behind) {
    const char* const end = marks.next();
    if (end != behind) return nullptr;
    if (end == last || *end == how.separator) return end;
    if (!trims || !is_blank(*end, how)) return nullptr;
  }
}

// The cell at `begin`, up to the next separator.
template <bool trims>
const char* read_unquoted(const char* begin, const char* last, const dialect& how,
                          separators& marks, cell_text* out) {
  const char* end = marks.next();
  size_t escapes = 0;
  for (; *end != how.separator && end != last; end = marks.next()) {
    escapes += needs_escape(*end) ? 1 : 0;
  }
  const char* to = end;
  if constexpr (trims) {
    const auto whole = static_cast<size_t>(end - begin);
    while (begin < to && is_blank(*begin, how)) ++begin;
    while (begin < to && is_blank(to[-1], how)) --to;
    escapes -= whole - static_cast<size_t>(to - begin);  // a blank must be escaped
  }
  *out = {begin, static_cast<size_t>(to - begin), escapes == 0};
  return end;
}

// Hands cell after cell to `take`, which returns false for one too many.
template <bool quotes, bool trims, class Take>
parse_result split(const char* first, const char* last, const dialect& how, row_scratch& scratch,
                   Take take) {
  separators marks = scratch.mark(first, last, how);
  for (const char* begin = first;; ++begin) {
    cell_text got;
    const char* end = nullptr;
    const char* open = begin;
    if constexpr (quotes && trims) {
      while (open < last && is_blank(*open, how)) ++open;
    }
    if (quotes && open < last && *open == how.quote) {
      end = read_quoted(open, last, how, trims, marks, scratch, &got);
      if (end == nullptr) return {line_kind::open_quote, open};
    } else {
      end = read_unquoted<trims>(begin, last, how, marks, &got);
    }
    if (!take(got)) return {line_kind::ragged, begin};
    if (end == last) return {line_kind::sample, last};
    begin = end;
  }
}

template <bool quotes, bool trims>
class delimited_reader : public row_reader {
 public:
  delimited_reader(const dialect& how, const row_layout& layout)
      : how_(how), column_at_(layout.column_at) {
    std::vector<bool> given(layout.columns);
    for (const int32_t column : column_at_) {
      if (column != row_layout::unread) given[static_cast<size_t>(column)] = true;
    }
    for (size_t i = 0; i < given.size(); ++i) {
      if (!given[i]) absent_.push_back(i);
    }
  }

  parse_result read(const char* first, const char* last, cell* cells) override {
    const size_t count = column_at_.size();
    if (first == last && count != 1) return {line_kind::blank, first};
    const auto bytes = static_cast<size_t>(last - first);
    if (bytes > UINT32_MAX) return {line_kind::too_long, first};
    const int32_t* const column_at = column_at_.data();
    size_t i = 0;
    const parse_result got =
        split<quotes, trims>(first, last, how_, scratch_, [&](const cell_text& text) {
          if (i == count) return false;
          const int32_t column = column_at[i++];
          if (column == row_layout::unread) return true;
          cell& to = cells[column];
          to.kind = cell_kind::text;
          to.plain = text.plain;
          to.size = static_cast<uint32_t>(text.size);
          to.text = text.text;
          return true;
        });
    if (is_bad(got.kind)) return got;
    if (i != count) return {line_kind::ragged, last};
    for (const size_t column : absent_) cells[column] = cell();
    return got;
  }

 private:
  const dialect how_;
  const std::vector<int32_t> column_at_;
  std::vector<size_t> absent_;  // columns that no cell gives
  row_scratch scratch_;
};

}  // namespace

status read_header(const char* first, const char* last, const dialect& how,
                   const std::vector<std::string>& columns, const std::vector<bool>& required,
                   const std::string& input, row_layout* out) {
  const auto wrong = [&](const std::string& what) {
    return status(errc::invalid, input + ": the header " + what);
  };
  const char* begin = first;
  if (last - begin >= 3 && std::memcmp(begin, "\xEF\xBB\xBF", 3) == 0) begin += 3;
  if (begin == last) return wrong("is an empty line");

  row_scratch scratch;
  std::vector<std::string_view> names;
  const auto take = [&](const cell_text& text) {
    names.emplace_back(text.text, text.size);
    return true;
  };
  const parse_result got = how.quote == 0
                               ? (how.trim ? split<false, true>(begin, last, how, scratch, take)
                                           : split<false, false>(begin, last, how, scratch, take))
                           : how.trim ? split<true, true>(begin, last, how, scratch, take)
                                      : split<true, false>(begin, last, how, scratch, take);
  if (is_bad(got.kind)) {
    return wrong("has a quote that is not closed, at byte " +
                 std::to_string(got.where - first + 1));
  }
  std::unordered_map<std::string_view, size_t> at;
  for (size_t i = 0; i < names.size(); ++i) {
    // Cells without a name are nobody's, however many there are.
    if (!names[i].empty() && !at.emplace(names[i], i).second) {
      return wrong("has the column '" + shown_column(names[i]) + "' twice");
    }
  }
  row_layout layout;
  layout.columns = columns.size();
  layout.column_at.assign(names.size(), row_layout::unread);
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto found = at.find(columns[i]);
    if (found != at.end()) {
      layout.column_at[found->second] = static_cast<int32_t>(i);
    } else if (required[i]) {
      return wrong("has no column '" + shown_column(columns[i]) +
                   "'; it has: " + listed_columns(names));
    }
  }
  *out = std::move(layout);
  return {};
}

std::unique_ptr<row_reader> make_delimited_reader(const dialect& how, const row_layout& layout) {
  if (how.quote == 0) {
    if (how.trim) return std::make_unique<delimited_reader<false, true>>(how, layout);
    return std::make_unique<delimited_reader<false, false>>(how, layout);
  }
  if (how.trim) return std::make_unique<delimited_reader<true, true>>(how, layout);
  return std::make_unique<delimited_reader<true, false>>(how, layout);
}

}  // namespace fmtrain
