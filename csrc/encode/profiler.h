// A stream of rows that are looked at and not encoded: what `schema fit` learns from, and what
// `schema check` reports.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "encode/arrow_stream.h"
#include "encode/row_profiler.h"
#include "encode/row_source.h"
#include "feature/sample_stream.h"

namespace fmtrain {

// Shared by all workers of a stream, which come here once a source. Numbers are given out in the
// order of the sources, whoever was faster.
class profile_log {
 public:
  // `number`: of the source, 0, 1, 2, ...
  void add(uint64_t number, profile_block block);
  // The sources that are missing did not get to their end: do not wait for them.
  void close();

  // Numbers since the last call: (features, sources), of those that learn something.
  std::vector<std::vector<std::vector<double>>> take();
  std::vector<value_range> ranges() const;
  guard_counts guards() const;

 private:
  void release(std::vector<std::vector<double>>& values);

  mutable std::mutex lock_;
  std::map<uint64_t, std::vector<std::vector<double>>> waiting_;
  uint64_t next_ = 0;
  std::vector<std::vector<std::vector<double>>> ready_;  // (features, sources)
  std::vector<value_range> ranges_;
  guard_counts guards_;
};

// Rows as text: a source without samples a chunk.
class profile_input : public chunk_format {
 public:
  // `plan` outlives it.
  profile_input(const encoder& plan, row_format format, profile_rows mode);

  const encoder& plan() const { return rows_.plan(); }
  profile_rows mode() const { return mode_; }
  profile_log& seen() { return seen_; }

  status open(chunk text, line_log& log, std::unique_ptr<chunk_source>* out) override;
  bool has_header() const override { return rows_.has_header(); }

 private:
  const profile_rows mode_;
  const row_input rows_;  // how they are read
  profile_log seen_;
};

// Rows as columns: the slice that is the stream's `number`-th source.
std::unique_ptr<batch_source> make_arrow_profile(arrow_slice slice, uint64_t number,
                                                 const std::string& name, profile_input& input,
                                                 line_log& log);

class profiler : private batch_consumer {
 public:
  // `plan` outlives it.
  profiler(const encoder& plan, size_t threads, row_format format, profile_rows mode);

  sample_stream& input() { return stream_; }
  profile_input& rows() { return rows_; }
  profile_log& seen() { return rows_.seen(); }
  const encoder& plan() const { return rows_.plan(); }
  status finish();

 private:
  // Rows give no batches: these are packed samples.
  status consume(size_t, uint64_t, const batch_source& source, batch&) override {
    return {errc::invalid, source.name() + ": holds samples, where raw rows are wanted"};
  }
  status finish_source(size_t, uint64_t) override { return {}; }

  profile_input rows_;
  sample_stream stream_;
};

}  // namespace fmtrain
