// Raw rows in a host's memory -> cells of the schema's columns. What a row needs is copied, as a
// host's texts have nothing readable behind them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "encode/cell.h"
#include "encode/encoder.h"
#include "encode/row_reader.h"
#include "encode/row_texts.h"
#include "feature/parser.h"
#include "serve/fmscore.h"

namespace fmtrain {

class raw_rows {
 public:
  // `plan` outlives it. `what` is what messages call the rows: "user", "items".
  raw_rows(const encoder& plan, const char* what);

  // Rows that check_rows let pass, of raw columns or JSON. They outlive the reading. errc::invalid
  // names the column that is wrong, and the row. A column that features are not made of is passed
  // over; one of the schema that is not there is missing.
  status open(const fms_rows& rows);

  // Fills cells (columns of the schema), or says why the row is bad. They point into here until the
  // next read.
  parse_result read(uint64_t row, cell* cells);
  // Where in a row of JSON.
  uint64_t offset_of(const char* where) const {
    return static_cast<uint64_t>(where - json_text_.data());
  }

 private:
  struct bound {
    const fms_column* from;
    size_t column;   // of the schema
    bool as_number;  // an integer is a number, else its digits
  };

  status bind(const fms_rows& rows);
  status check(const fms_column& column, uint64_t rows) const;
  status wrong(const fms_column& column, const std::string& how) const;
  parse_result read_columns(uint64_t row, cell* cells);
  parse_result read_json(uint64_t row, cell* cells);
  bool read_cell(const bound& from, uint64_t row, cell* out);
  bool read_list(const fms_column& from, uint64_t row, cell* out);
  bool take(uint64_t bytes);

  const encoder& plan_;
  const char* const what_;
  std::unordered_map<std::string_view, size_t> column_at_;  // of those that are read
  const std::unique_ptr<row_reader> json_;
  fms_rows rows_;
  std::vector<bound> bound_;
  std::vector<uint8_t> is_bound_;  // (columns)

  // Of the row.
  std::vector<char> json_text_;
  row_texts texts_;
  std::vector<cell_item> items_;  // of all lists, end to end
  std::vector<size_t> lists_;     // their columns, in that order
  uint64_t bytes_left_ = 0;
};

}  // namespace fmtrain
