// The lines of a chunk of raw rows, one after the other.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encode/row_reader.h"
#include "feature/line_log.h"
#include "io/chunk.h"

namespace fmtrain {

class row_lines {
 public:
  row_lines(chunk text, std::unique_ptr<row_reader> reader, size_t columns, line_log& log)
      : chunk_(std::move(text)), reader_(std::move(reader)), log_(log), cells_(columns) {
    at_ = chunk_.data.get() + chunk_.header_bytes;
    end_ = chunk_.data.get() + chunk_.size;
    line_ = chunk_.first_line + (chunk_.header_bytes > 0 ? 1 : 0);
    constexpr char mark[] = "\xEF\xBB\xBF";  // UTF-8's byte-order mark; a header's is its reader's
    const bool first = chunk_.header == nullptr && chunk_.first_line == 1;
    if (first && end_ - at_ >= 3 && std::memcmp(at_, mark, 3) == 0) at_ += 3;
    for (const uint64_t line : chunk_.too_long) {
      log_.add_bad({*chunk_.source, line, 0, line_kind::too_long, ""}, {});
    }
  }

  bool more() const { return at_ < end_; }
  const std::string& source() const { return *chunk_.source; }
  const cell* cells() const { return cells_.data(); }
  uint64_t line() const { return line_ - 1; }  // of the cells
  chunk take_chunk() { return std::move(chunk_); }

  // The next line's cells: sample, blank, or why the row is bad.
  parse_result next() {
    first_ = at_;
    newline_ = find_newline(at_);
    last_ = newline_ > first_ && newline_[-1] == '\r' ? newline_ - 1 : newline_;
    at_ = newline_ + 1;
    ++line_;
    return reader_->read(first_, last_, cells_.data());
  }

  // Logs the line as bad. `lead` goes before the text at `where` (nullptr: the line's start).
  void refuse(line_kind kind, const char* where, const std::string& lead) {
    const bool inside = where >= first_ && where <= last_;
    const char* const at = inside ? where : first_;
    const size_t size = static_cast<size_t>(last_ - at);
    const uint64_t column = inside ? static_cast<uint64_t>(at - first_) + 1 : 0;
    std::string detail = lead + std::string(at, std::min(size, line_log::detail_bytes_max));
    log_.add_bad({source(), line(), column, kind, std::move(detail)},
                 {first_, static_cast<size_t>(newline_ - first_)});
  }

  std::string_view line_at(uint64_t line) const {
    const char* p = chunk_.data.get();
    for (uint64_t at = chunk_.first_line; at < line; ++at) p = find_newline(p) + 1;
    return {p, static_cast<size_t>(find_newline(p) - p)};
  }

 private:
  const char* find_newline(const char* p) const {
    return static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end_ - p)));
  }

  chunk chunk_;
  std::unique_ptr<row_reader> reader_;
  line_log& log_;
  std::vector<cell> cells_;
  const char *at_ = nullptr, *end_ = nullptr;
  const char *first_ = nullptr, *last_ = nullptr, *newline_ = nullptr;
  uint64_t line_ = 1;
};

}  // namespace fmtrain
