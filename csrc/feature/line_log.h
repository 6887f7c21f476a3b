// What became of the lines: counts by kind, the first bad ones in words, the bad lines themselves
// in a side file on request. Shared by all workers of a stream.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "feature/parser.h"

namespace fmtrain {

struct bad_line {
  std::string source;
  uint64_t line = 0;    // 1-based
  uint64_t column = 0;  // 1-based byte; 0 when the whole line is meant
  line_kind kind = line_kind::bad_label;
  std::string detail;  // the feature that is at fault, or the start of the offending text
};

using line_counts = std::array<uint64_t, line_kinds>;

class line_log {
 public:
  static constexpr size_t examples_max = 10;
  static constexpr size_t detail_bytes_max = 80;

  // Bad lines are copied to this descriptor as they were; -1: nowhere. It is not closed.
  void copy_bad_lines_to(int fd) { side_fd_ = fd; }

  // `counts` is what one chunk or batch saw: workers add up locally and come here rarely.
  void add(const line_counts& counts);
  // `raw` is the line for the side file (empty when it was not kept).
  void add_bad(bad_line bad, std::string_view raw);
  // Keeps one comment line, at most 4 KiB: the stream's first unless workers raced for it.
  void offer_comment(std::string_view line);

  line_counts counts() const;
  std::vector<bad_line> examples() const;
  std::string comment() const;
  // The side file's error, if any.
  status side_status() const;

 private:
  std::array<std::atomic<uint64_t>, line_kinds> counts_{};
  mutable std::mutex lock_;
  std::vector<bad_line> examples_;
  std::string comment_;
  int side_fd_ = -1;
  status side_status_;
};

}  // namespace fmtrain
