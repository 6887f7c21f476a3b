// How a line of raw text becomes cells: one reader a format, one object a worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "encode/cell.h"
#include "feature/parser.h"

namespace fmtrain {

class row_reader {
 public:
  virtual ~row_reader() = default;
  // [first, last) as for parse_line. Fills cells (columns of the schema), every one of them, or
  // says why the row is bad. The cells point into the line or into the reader, until the next read.
  // An empty line is `blank` and no row, but where a delimited row has one cell.
  virtual parse_result read(const char* first, const char* last, cell* cells) = 0;
};

// Text whose cells stand between separators (TSV, CSV). RFC 4180 but for lines: a row is a line, so
// a quoted cell cannot hold a newline.
struct dialect {
  char separator = '\t';
  char quote = 0;  // 0: cells are not quoted
  bool header = false;
  bool trim = false;  // blanks around cells are not part of them
};

// Where the schema's columns stand in the rows of one input.
struct row_layout {
  static constexpr int32_t unread = -1;
  std::vector<int32_t> column_at;  // (cells of a row), index into the schema's columns, or unread
  size_t columns = 0;              // of the schema; those that no cell gives are missing
};

// Of a header line, [first, last). `required` (columns of the schema) must be there; a name that
// stands twice is an error. The message names the input.
status read_header(const char* first, const char* last, const dialect& how,
                   const std::vector<std::string>& columns, const std::vector<bool>& required,
                   const std::string& input, row_layout* out);

// A row with another number of cells than the layout's is bad (ragged).
std::unique_ptr<row_reader> make_delimited_reader(const dialect& how, const row_layout& layout);

// A JSON object a line; members that the schema does not have are passed over.
std::unique_ptr<row_reader> make_json_reader(const std::vector<std::string>& columns);

}  // namespace fmtrain
