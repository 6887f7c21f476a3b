#include "encode/profiler.h"

#include <utility>

#include "encode/row_lines.h"

namespace fmtrain {
namespace {

class profile_source : public chunk_source {
 public:
  profile_source(chunk text, std::unique_ptr<row_reader> reader, profile_input& input,
                 line_log& log)
      : number_(text.number),
        lines_(std::move(text), std::move(reader), input.plan().plan().columns.size(), log),
        input_(input),
        log_(log),
        rows_(input.plan(), input.mode()) {}

  bool fill(batch&) override {
    line_counts counts{};
    while (lines_.more()) {
      parse_result got = lines_.next();
      if (got.kind == line_kind::sample) got = rows_.add(lines_.cells());
      if (is_bad(got.kind)) {
        lines_.refuse(got.kind, got.where, rows_.cells().lead_of(got.kind));
      } else {
        ++counts[static_cast<int>(got.kind)];
      }
    }
    log_.add(counts);
    input_.seen().add(number_, rows_.take());
    return false;
  }

  const std::string& name() const override { return lines_.source(); }
  std::string_view line_at(uint64_t line) const override { return lines_.line_at(line); }
  chunk take_chunk() override { return lines_.take_chunk(); }

 private:
  const uint64_t number_;
  row_lines lines_;
  profile_input& input_;
  line_log& log_;
  row_profiler rows_;
};

class arrow_profile : public batch_source {
 public:
  arrow_profile(arrow_slice slice, uint64_t number, std::string name, profile_input& input,
                line_log& log)
      : slice_(std::move(slice)),
        number_(number),
        name_(std::move(name)),
        input_(input),
        log_(log),
        rows_(input.plan(), input.mode()) {}

  bool fill(batch&) override {
    line_counts counts{};
    arrow_scratch scratch;
    std::vector<cell> cells(slice_.batch->width());
    for (int64_t at = slice_.first; at < slice_.last; ++at) {
      slice_.batch->read(at, scratch, cells.data());
      const parse_result got = rows_.add(cells.data());
      if (!is_bad(got.kind)) {
        ++counts[static_cast<int>(got.kind)];
        continue;
      }
      const uint64_t row = slice_.batch->first_row() + static_cast<uint64_t>(at) + 1;
      log_.add_bad({name_, row, 0, got.kind, rows_.cells().lead_of(got.kind)}, {});
    }
    log_.add(counts);
    input_.seen().add(number_, rows_.take());
    return false;
  }
  const std::string& name() const override { return name_; }
  std::string_view line_at(uint64_t) const override { return {}; }

 private:
  const arrow_slice slice_;
  const uint64_t number_;
  const std::string name_;
  profile_input& input_;
  line_log& log_;
  row_profiler rows_;
};

parse_options parsing_with(chunk_format& rows) {
  parse_options parsing;
  parsing.rows = &rows;
  return parsing;
}

}  // namespace

void profile_log::add(uint64_t number, profile_block block) {
  const std::lock_guard<std::mutex> hold(lock_);
  add_guards(guards_, block.guards);
  ranges_.resize(block.ranges.size());
  for (size_t i = 0; i < block.ranges.size(); ++i) ranges_[i].add(block.ranges[i]);
  waiting_.emplace(number, std::move(block.values));
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; ++next_) {
    release(first->second);
    first = waiting_.erase(first);
  }
}

void profile_log::close() {
  const std::lock_guard<std::mutex> hold(lock_);
  for (auto& [number, values] : waiting_) release(values);
  waiting_.clear();
}

void profile_log::release(std::vector<std::vector<double>>& values) {
  ready_.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].empty()) ready_[i].push_back(std::move(values[i]));
  }
}

std::vector<std::vector<std::vector<double>>> profile_log::take() {
  const std::lock_guard<std::mutex> hold(lock_);
  return std::exchange(ready_, {});
}

std::vector<value_range> profile_log::ranges() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return ranges_;
}

guard_counts profile_log::guards() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return guards_;
}

profile_input::profile_input(const encoder& plan, row_format format, profile_rows mode)
    : mode_(mode), rows_(plan, format, {false, mode == profile_rows::checking}) {}

status profile_input::open(chunk text, line_log& log, std::unique_ptr<chunk_source>* out) {
  std::unique_ptr<row_reader> reader;
  FMTRAIN_TRY(rows_.make_reader(*text.source, text.header.get(), &reader));
  *out = std::make_unique<profile_source>(std::move(text), std::move(reader), *this, log);
  return {};
}

std::unique_ptr<batch_source> make_arrow_profile(arrow_slice slice, uint64_t number,
                                                 const std::string& name, profile_input& input,
                                                 line_log& log) {
  return std::make_unique<arrow_profile>(std::move(slice), number, name, input, log);
}

profiler::profiler(const encoder& plan, size_t threads, row_format format, profile_rows mode)
    : rows_(plan, format, mode), stream_(threads, parsing_with(rows_), *this) {}

status profiler::finish() {
  const status done = stream_.finish();
  seen().close();
  return done;
}

}  // namespace fmtrain
