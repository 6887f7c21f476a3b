// Anything with the Arrow C stream interface as rows of cells: record batches are pulled one by one
// and handed out in slices; a batch is given back when its last slice is done.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "encode/arrow_abi.h"
#include "encode/arrow_cells.h"
#include "encode/arrow_type.h"
#include "encode/cell.h"

namespace fmtrain {

// What a schema wants of its columns, one entry each.
struct arrow_wants {
  std::vector<std::string> columns;
  std::vector<bool> required;   // must be there
  std::vector<bool> read;       // else its cells are missing, whatever the stream has of that name
  std::vector<bool> as_number;  // integers become doubles, not texts with all their digits
};

// Which children of a record batch are the schema's columns, and what they hold.
struct arrow_layout {
  struct column {
    size_t at;      // in the schema
    int64_t child;  // of the batch
    arrow_type type;
    bool as_number;
  };
  std::vector<column> columns;
  std::vector<size_t> absent;  // the schema's others
  size_t width = 0;            // columns of the schema
  int64_t children = 0;
};

// The message names the input and the column.
status read_arrow_layout(const ArrowSchema& schema, const arrow_wants& wants,
                         const std::string& input, arrow_layout* out);

// One record batch, shared by those who read it. Its producer's release callback runs on the thread
// that lets go of it last.
class arrow_batch {
 public:
  // Takes the array over.
  arrow_batch(ArrowArray* array, std::shared_ptr<const arrow_layout> layout, uint64_t first_row);
  ~arrow_batch() { array_.release(&array_); }
  arrow_batch(const arrow_batch&) = delete;
  arrow_batch& operator=(const arrow_batch&) = delete;

  int64_t rows() const { return array_.length; }
  uint64_t first_row() const { return first_row_; }  // in its stream, from 0
  size_t width() const { return layout_->width; }
  // cells (width); they point into the batch or the scratch, until the scratch's next row.
  void read(int64_t row, arrow_scratch& scratch, cell* cells) const;

 private:
  ArrowArray array_;
  const std::shared_ptr<const arrow_layout> layout_;
  const uint64_t first_row_;
  std::vector<arrow_column> columns_;
};

// Rows [first, last) of a batch; no batch: the stream is over.
struct arrow_slice {
  std::shared_ptr<const arrow_batch> batch;
  int64_t first = 0, last = 0;
};

class arrow_stream {
 public:
  // A large batch must keep all workers busy; a slice must be worth a queue's place.
  static constexpr int64_t slice_rows = 8192;

  // Takes *stream over, whatever comes of it. `input` is what messages call it.
  static status open(ArrowArrayStream* stream, const arrow_wants& wants, const std::string& input,
                     std::unique_ptr<arrow_stream>* out);
  ~arrow_stream();
  arrow_stream(const arrow_stream&) = delete;
  arrow_stream& operator=(const arrow_stream&) = delete;

  // The next slice, of the next batch when the last one is handed out. Runs the producer's code.
  status next(arrow_slice* out);

  const std::string& input() const { return *input_; }

 private:
  arrow_stream(ArrowArrayStream* stream, const std::string& input);
  status read_layout(const arrow_wants& wants);
  status failed(const char* what, int error);

  ArrowArrayStream stream_;
  const std::shared_ptr<const std::string> input_;
  std::shared_ptr<const arrow_layout> layout_;
  std::shared_ptr<const arrow_batch> batch_;
  int64_t at_ = 0;     // in batch_
  uint64_t rows_ = 0;  // before the next batch
};

}  // namespace fmtrain
