#include "feature/line_log.h"

#include <utility>

#include "base/file.h"

namespace fmtrain {

void line_log::add(const line_counts& counts) {
  for (int kind = 0; kind < line_kinds; ++kind) {
    if (counts[kind] != 0) counts_[kind].fetch_add(counts[kind], std::memory_order_relaxed);
  }
}

void line_log::add_bad(bad_line bad, std::string_view raw) {
  counts_[static_cast<int>(bad.kind)].fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> hold(lock_);
  if (side_fd_ >= 0 && side_status_.ok() && !raw.empty()) {
    std::string line(raw);
    line.push_back('\n');
    side_status_ = write_all(side_fd_, line.data(), line.size(), "the bad-lines file");
  }
  if (bad.detail.size() > detail_bytes_max) bad.detail.resize(detail_bytes_max);
  if (examples_.size() < examples_max) examples_.push_back(std::move(bad));
}

void line_log::offer_comment(std::string_view line) {
  constexpr size_t comment_bytes_max = 4096;
  const std::lock_guard<std::mutex> hold(lock_);
  if (comment_.empty()) comment_ = line.substr(0, comment_bytes_max);
}

line_counts line_log::counts() const {
  line_counts counts{};
  for (int kind = 0; kind < line_kinds; ++kind) {
    counts[kind] = counts_[kind].load(std::memory_order_relaxed);
  }
  return counts;
}

std::vector<bad_line> line_log::examples() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return examples_;
}

std::string line_log::comment() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return comment_;
}

status line_log::side_status() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return side_status_;
}

}  // namespace fmtrain
