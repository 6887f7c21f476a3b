// The samples of a stream as golden rows, in input order, whatever they were read from.
#pragma once

#include <vector>

#include "encode/golden.h"
#include "feature/sample_stream.h"

namespace fmtrain {

class golden_samples : private batch_consumer {
 public:
  // Each is scored wherever the file is opened; more end the stream with errc::invalid.
  static constexpr size_t samples_max = 1000;

  explicit golden_samples(const parse_options& parsing) : stream_(1, parsing, *this) {}

  sample_stream& input() { return stream_; }
  status finish() { return stream_.finish(); }
  // Without text or score.
  const std::vector<golden_row>& rows() const { return rows_; }

 private:
  status consume(size_t worker, uint64_t order, const batch_source& source, batch& in) override;
  status finish_source(size_t, uint64_t) override { return {}; }

  std::vector<golden_row> rows_;
  sample_stream stream_;
};

}  // namespace fmtrain
