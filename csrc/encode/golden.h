// Golden rows: a few raw rows with what they must become. They travel with a model and are encoded
// and scored again wherever it is loaded, so that another machine, library or version that would
// encode differently is found before it scores.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "encode/cell.h"
#include "encode/encoder.h"
#include "feature/batch.h"

namespace fmtrain {

struct golden_row {
  std::string row;           // a JSON object, as a line of `jsonl`
  std::vector<uint64_t> id;  // (features)
  std::vector<float> x;      // (features)
  float score = 0;           // of the model that the row travels with
};

// Cells as a JSON object that the JSON reader reads back to the same sample.
std::string row_text(const encoder& plan, const cell* cells);

// Encodes one JSON row: one sample in the cleared `out`, or errc::invalid.
status encode_row(const encoder& plan, const std::string& row, batch& out);

// Keeps the first rows that it is offered: those of a stream's first chunk, so that they do not
// depend on the number of threads.
class golden_log {
 public:
  static constexpr size_t rows_max = 16;
  static constexpr size_t bytes_max = 1 << 16;  // longer rows are no examples

  void offer(const encoder& plan, const cell* cells) {
    if (kept_.load(std::memory_order_relaxed) < rows_max) keep(plan, cells);
  }
  std::vector<std::string> rows() const;

 private:
  void keep(const encoder& plan, const cell* cells);

  std::atomic<size_t> kept_{0};
  mutable std::mutex lock_;
  std::vector<std::string> rows_;
};

}  // namespace fmtrain
