// Scores a stream in input order whatever the thread count: a stream whose consumer looks rows up,
// never inserts, and calls the learner's own score. Results are collected, or written as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "feature/sample_stream.h"
#include "io/in_order.h"
#include "model/link.h"
#include "model/score.h"

namespace fmtrain {

// text: "label prediction[ key]"; alphafm: "1|-1 prediction" with six decimals.
enum class prediction_format : uint8_t { text, alphafm };

struct predict_options {
  int output_fd = -1;  // lines go there; -1: results are kept for take()
  prediction_format format = prediction_format::text;
  fmtrain::link link = fmtrain::link::sigmoid;  // of the lines; what is kept is raw
};

struct predictions {
  std::vector<float> label, weight;  // (samples)
  std::vector<float> score;          // (samples), raw: before any link
  std::vector<uint64_t> group;       // (samples), hash of the key; 0 without one
  void append(predictions&& more);
};

class predictor : private batch_consumer {
 public:
  predictor(const model& m, size_t threads, const parse_options& parsing,
            const predict_options& options);

  sample_stream& input() { return stream_; }
  status finish() { return stream_.finish(); }
  predictions take() { return std::move(collected_); }
  uint64_t samples() const { return samples_; }

 private:
  struct output {
    predictions values;
    std::string text;
    uint64_t samples = 0;
  };
  struct worker_state {
    score_scratch scratch;
    std::vector<float> scores;
    output out;
  };

  status consume(size_t worker, uint64_t order, const batch_source& source, batch& in) override;
  status finish_source(size_t worker, uint64_t order) override;
  status emit(output&& out);

  const model& model_;
  const predict_options options_;
  std::vector<worker_state> workers_;

  in_order<output> order_;  // guards what emit writes
  predictions collected_;
  uint64_t samples_ = 0;
  sample_stream stream_;
};

}  // namespace fmtrain
