// Rows of a matrix as a source of batches: CSR or dense, the columns already hashed. Views only;
// the arrays outlive the stream.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "feature/batch.h"

namespace fmtrain {

// What every matrix has beside its cells.
struct matrix_columns {
  std::vector<uint64_t> id;    // (columns)
  std::vector<name_ref> name;  // (columns), into names
  std::string names;           // all names, end to end
};

struct matrix_rows {
  const matrix_columns* columns = nullptr;
  const double* label = nullptr;   // (rows), in [0, 1]; nullptr: all 0 (prediction)
  const double* weight = nullptr;  // (rows), >= 0; nullptr: all 1
};

// Adds row after row with `add_cells(row, batch)` and leaves out what is 0.
template <class AddCells>
class matrix_source : public batch_source {
 public:
  matrix_source(const matrix_rows& rows, uint64_t first, uint64_t last, AddCells add_cells)
      : rows_(rows), at_(first), last_(last), add_cells_(add_cells), name_("X") {}

  bool fill(batch& out) override {
    out.text = rows_.columns->names.data();
    while (at_ < last_ && !out.full()) {
      add_cells_(at_, out);
      out.add_sample(rows_.label ? static_cast<float>(rows_.label[at_]) : 0.0f,
                     rows_.weight ? static_cast<float>(rows_.weight[at_]) : 1.0f, {}, at_ + 1);
      ++at_;
    }
    return out.samples > 0;
  }
  const std::string& name() const override { return name_; }
  std::string_view line_at(uint64_t) const override { return {}; }

 private:
  const matrix_rows rows_;
  uint64_t at_;
  const uint64_t last_;
  AddCells add_cells_;
  const std::string name_;
};

inline void add_cell(const matrix_columns& columns, uint64_t column, double value, batch& out) {
  const float x = static_cast<float>(value);
  if (x != 0) out.add_feature(columns.id[column], x, columns.name[column]);
}

// indptr (rows + 1), indices (cells), data (cells)
template <class Index, class Value>
struct csr_cells {
  const matrix_columns* columns;
  const Index* indptr;
  const Index* indices;
  const Value* data;

  void operator()(uint64_t row, batch& out) const {
    out.reserve_features(static_cast<size_t>(indptr[row + 1] - indptr[row]));
    for (Index cell = indptr[row]; cell < indptr[row + 1]; ++cell) {
      add_cell(*columns, static_cast<uint64_t>(indices[cell]), static_cast<double>(data[cell]),
               out);
    }
  }
};

// data (rows, columns) with strides in elements
template <class Value>
struct dense_cells {
  const matrix_columns* columns;
  const Value* data;
  int64_t row_stride;
  int64_t column_stride;

  void operator()(uint64_t row, batch& out) const {
    const size_t width = columns->id.size();
    out.reserve_features(width);
    const Value* cell = data + static_cast<int64_t>(row) * row_stride;
    for (size_t column = 0; column < width; ++column, cell += column_stride) {
      add_cell(*columns, column, static_cast<double>(*cell), out);
    }
  }
};

}  // namespace fmtrain
