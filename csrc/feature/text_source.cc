#include "feature/text_source.h"

#include <cstring>
#include <utility>

namespace fmtrain {
namespace {

const char* find_newline(const char* first, const char* last) {
  return static_cast<const char*>(std::memchr(first, '\n', static_cast<size_t>(last - first)));
}

}  // namespace

text_source::text_source(chunk text, const parse_options& options, line_log& log)
    : chunk_(std::move(text)),
      options_(options),
      log_(log),
      at_(chunk_.data.get()),
      end_(chunk_.data.get() + chunk_.size),
      line_(chunk_.first_line) {
  // A skipped line stands before the chunk's first line, so the numbers behind it are right.
  for (const uint64_t line : chunk_.too_long) {
    log_.add_bad({*chunk_.source, line, 0, line_kind::too_long, ""}, {});
  }
}

bool text_source::fill(batch& out) {
  out.text = chunk_.data.get();
  line_counts counts{};
  while (at_ < end_ && !out.full()) {
    const char* const first = at_;
    const char* const newline = find_newline(first, end_);
    const char* const last = newline > first && newline[-1] == '\r' ? newline - 1 : newline;
    at_ = newline + 1;
    const uint64_t line = line_++;
    const parse_result got = parse_line(first, last, options_, line, out);
    if (is_bad(got.kind)) {
      log_bad(first, newline, got);
    } else {
      ++counts[static_cast<int>(got.kind)];
      if (got.kind == line_kind::comment) {
        log_.offer_comment({first, static_cast<size_t>(last - first)});
      }
    }
  }
  log_.add(counts);
  return out.samples > 0;
}

void text_source::log_bad(const char* first, const char* last, const parse_result& bad) {
  const auto column = static_cast<uint64_t>(bad.where - first) + 1;
  const std::string_view raw(first, static_cast<size_t>(last - first));
  log_.add_bad(
      {*chunk_.source, line_ - 1, column, bad.kind,
       std::string(raw.substr(static_cast<size_t>(bad.where - first), line_log::detail_bytes_max))},
      raw);
}

std::string_view text_source::line_at(uint64_t line) const {
  const char* p = chunk_.data.get();
  for (uint64_t at = chunk_.first_line; at < line; ++at) p = find_newline(p, end_) + 1;
  return {p, static_cast<size_t>(find_newline(p, end_) - p)};
}

}  // namespace fmtrain
