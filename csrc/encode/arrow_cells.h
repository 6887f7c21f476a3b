// Cells of one column of a record batch: where its values lie, found once a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "encode/arrow_abi.h"
#include "encode/arrow_type.h"
#include "encode/cell.h"
#include "encode/row_texts.h"

namespace fmtrain {

// What a worker needs beside a batch; cells point into it.
struct arrow_scratch {
  row_texts texts;
  std::vector<cell_item> items;  // of the row's lists, end to end
};

// Views only: type and array outlive it.
class arrow_column {
 public:
  // As a number an integer becomes a double, else a text with all its digits.
  arrow_column(const arrow_type& type, const ArrowArray& array, bool as_number);

  // The cell of the array's row `row`. Items are appended to the scratch, and cell::items is left
  // for the caller to set: they may move while the row lasts.
  void get(int64_t row, arrow_scratch& scratch, cell* out) const {
    *out = cell();
    const int64_t at = offset_ + row;
    if (valid_ != nullptr && (valid_[at >> 3] >> (at & 7) & 1) == 0) return;
    get_(*this, at, scratch, out);
  }

  // For where the array is a part of another one that begins later.
  void shift(int64_t rows) { offset_ += rows; }

 private:
  struct reading;  // the functions, one a kind
  using get_function = void (*)(const arrow_column&, int64_t at, arrow_scratch&, cell*);

  static get_function function_of(const arrow_type& type, bool as_number);

  get_function get_;
  const uint8_t* valid_;            // a bit a row; nullptr: there are no nulls
  const char* values_;              // numbers, bits, views, ends of texts and lists
  const char* text_ = nullptr;      // of texts with ends
  const char* text_end_ = nullptr;  // what may be read ends here
  const ArrowArray& array_;
  int64_t offset_;
  int64_t width_;
  std::unique_ptr<arrow_column> item_, weight_, dictionary_;
};

}  // namespace fmtrain
