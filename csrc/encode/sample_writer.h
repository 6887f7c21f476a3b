// Encoded samples as they are, in input order: collected as arrays, or printed as the text samples
// that a model trained on rows could as well be trained on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "feature/sample_stream.h"
#include "io/in_order.h"

namespace fmtrain {

struct sample_arrays {
  std::vector<float> label, weight;  // (samples)
  std::vector<uint64_t> line;        // (samples)
  std::vector<uint64_t> features;    // (samples), how many each has
  std::vector<uint64_t> id;          // (all features)
  std::vector<float> x;              // (all features)
  std::string names, keys;           // end to end
  std::vector<uint32_t> name_bytes;  // (all features), where names are kept
  std::vector<uint32_t> key_bytes;   // (samples)
  void append(const batch& in);
  void append(sample_arrays&& more);
};

class sample_writer : private batch_consumer {
 public:
  // output_fd: where the lines go; -1: samples are kept for take(). Lines need the names.
  sample_writer(size_t threads, const parse_options& parsing, int output_fd);

  sample_stream& input() { return stream_; }
  status finish() { return stream_.finish(); }
  sample_arrays take() { return std::move(collected_); }

 private:
  struct output {
    sample_arrays values;
    std::string text;
  };

  status consume(size_t worker, uint64_t order, const batch_source& source, batch& in) override;
  status finish_source(size_t worker, uint64_t order) override;
  status emit(output&& out);

  const int output_fd_;
  std::vector<output> workers_;
  in_order<output> order_;  // guards what emit writes
  sample_arrays collected_;
  sample_stream stream_;
};

}  // namespace fmtrain
