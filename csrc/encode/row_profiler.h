// What a schema learns of rows: the numbers before the step that is to be learned, and what each
// column's cells were like.
#pragma once

#include <cstdint>
#include <vector>

#include "encode/cell.h"
#include "encode/encoder.h"
#include "encode/guard.h"
#include "encode/row_encoder.h"

namespace fmtrain {

// Of the good numbers of a number or timestamp column, filled-in ones left out; min > max: none.
struct value_range {
  double min = 1, max = 0;
  void add(double value);
  void add(const value_range& more);
};

// Of one source's rows.
struct profile_block {
  std::vector<std::vector<double>> values;  // (features), of those that learn something
  std::vector<value_range> ranges;          // (columns)
  guard_counts guards;                      // (columns)
};

// What makes a row bad.
enum class profile_rows : uint8_t {
  learning,  // not its label nor its weight: what is learned does not depend on them
  checking   // as in training; nothing is learned
};

// One worker's way from cells to a block. A row at a time, wherever its cells are from.
class row_profiler {
 public:
  // `plan` outlives it.
  row_profiler(const encoder& plan, profile_rows mode);

  // Adds a row or leaves out a bad one; the rest as cell_guard::look.
  parse_result add(const cell* cells);
  const cell_guard& cells() const { return cells_; }

  // All since the last call.
  profile_block take();

 private:
  void add_values(size_t feature);

  const encoder& plan_;
  cell_guard cells_;
  std::vector<size_t> learning_;  // features
  std::vector<size_t> ranged_;    // columns
  profile_block block_;
};

}  // namespace fmtrain
