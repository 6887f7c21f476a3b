#include "serve/raw_rows.h"

#include <algorithm>
#include <cstring>

#include "encode/column_list.h"
#include "encode/set_cell.h"
#include "serve/rows_check.h"

namespace fmtrain {
namespace {

// Hosts built against a later version have larger columns.
const fms_column& column_of(const fms_rows& rows, uint64_t i) {
  const char* const first = reinterpret_cast<const char*>(rows.columns);
  return *reinterpret_cast<const fms_column*>(first + i * rows.columns->struct_size);
}

}  // namespace

raw_rows::raw_rows(const encoder& plan, const char* what)
    : plan_(plan),
      what_(what),
      json_(make_json_reader(plan.column_names())),
      rows_(),
      is_bound_(plan.plan().columns.size()) {
  for (const size_t column : plan.columns().columns) {
    column_at_.emplace(plan.plan().columns[column].name, column);
  }
}

status raw_rows::open(const fms_rows& rows) {
  rows_ = rows;
  return rows.form == FMS_ROWS_COLUMNS ? bind(rows) : status();
}

status raw_rows::bind(const fms_rows& rows) {
  bound_.clear();
  std::fill(is_bound_.begin(), is_bound_.end(), uint8_t{0});
  for (uint64_t i = 0; i < rows.column_count; ++i) {
    const fms_column& from = column_of(rows, i);
    const bool sized = from.struct_size >= sizeof(fms_column) &&
                       from.struct_size % alignof(fms_column) == 0 &&
                       from.struct_size == rows.columns->struct_size;
    if (!sized || from.name == nullptr) {
      return {errc::invalid,
              std::string(what_) + ": column " + std::to_string(i) +
                  (sized ? ": name is a null pointer"
                         : ": struct_size is " + std::to_string(from.struct_size) + ", not " +
                               std::to_string(sizeof(fms_column)) + ": set it by FMS_INIT")};
    }
    const auto found = column_at_.find(from.name);
    if (found == column_at_.end()) continue;
    const size_t column = found->second;
    if (is_bound_[column] != 0) return wrong(from, "it stands twice");
    is_bound_[column] = 1;
    FMTRAIN_TRY(check(from, rows.rows));
    const column_type type = plan_.plan().columns[column].type;
    bound_.push_back(
        {&from, column, type == column_type::number || type == column_type::timestamp});
  }
  return {};
}

status raw_rows::wrong(const fms_column& column, const std::string& how) const {
  return {errc::invalid,
          std::string(what_) + ": column '" + shown_column(column.name) + "': " + how};
}

status raw_rows::check(const fms_column& column, uint64_t rows) const {
  if (column.type < FMS_COLUMN_DOUBLE || column.type > FMS_COLUMN_LIST) {
    return wrong(column, "type " + std::to_string(column.type) + " is unknown");
  }
  if (rows == 0) return {};
  bool has_values = true;
  if (column.type == FMS_COLUMN_TEXT || column.type == FMS_COLUMN_LIST) {
    const uint64_t* const at = column.offsets;
    if (at == nullptr) return wrong(column, "offsets is a null pointer");
    const uint64_t row = fall_in(at, 0, rows);
    if (row < rows) return wrong(column, "offsets falls at row " + step_at(at, row));
    has_values = at[0] < at[rows];
  }
  if (column.type == FMS_COLUMN_LIST && has_values) {
    const uint64_t* const at = column.item_offsets;
    if (at == nullptr) return wrong(column, "item_offsets is a null pointer");
    const uint64_t first = column.offsets[0], last = column.offsets[rows];
    const uint64_t item = fall_in(at, first, last);
    if (item < last) {
      const uint64_t* const behind = std::upper_bound(column.offsets, column.offsets + rows, item);
      return wrong(column, "item_offsets falls in row " +
                               std::to_string(behind - column.offsets - 1) + " at item " +
                               step_at(at, item));
    }
    has_values = at[first] < at[last];
  }
  if (has_values && column.values == nullptr) return wrong(column, "values is a null pointer");
  return {};
}

parse_result raw_rows::read(uint64_t row, cell* cells) {
  return rows_.form == FMS_ROWS_JSON ? read_json(row, cells) : read_columns(row, cells);
}

parse_result raw_rows::read_json(uint64_t row, cell* cells) {
  const uint64_t size = rows_.text_ptr[row + 1] - rows_.text_ptr[row];
  if (size > line_bytes_max) return {line_kind::too_long, nullptr};
  if (json_text_.size() < size + 1 + padding_bytes) json_text_.resize(size + 1 + padding_bytes);
  char* const first = json_text_.data();
  if (size > 0) std::memcpy(first, rows_.text + rows_.text_ptr[row], size);
  first[size] = '\n';
  const parse_result got = json_->read(first, first + size, cells);
  if (got.kind == line_kind::blank) return {line_kind::bad_json, first};
  return got;
}

parse_result raw_rows::read_columns(uint64_t row, cell* cells) {
  std::fill(cells, cells + is_bound_.size(), cell());
  texts_.clear();
  items_.clear();
  lists_.clear();
  bytes_left_ = line_bytes_max;
  for (const bound& from : bound_) {
    if (!read_cell(from, row, cells + from.column)) return {line_kind::too_long, nullptr};
  }
  // Only now that all items are there they stay where they are.
  const cell_item* at = items_.data();
  for (const size_t column : lists_) {
    cells[column].items = at;
    at += cells[column].size;
  }
  return {line_kind::sample, nullptr};
}

// False: the row is larger than a line may be.
bool raw_rows::take(uint64_t bytes) {
  if (bytes > bytes_left_) return false;
  bytes_left_ -= bytes;
  return true;
}

// False: the row is too large.
bool raw_rows::read_cell(const bound& how, uint64_t row, cell* out) {
  const fms_column& from = *how.from;
  if (from.missing != nullptr && from.missing[row] != 0) return true;
  switch (from.type) {
    case FMS_COLUMN_DOUBLE: set_number(static_cast<const double*>(from.values)[row], out); break;
    case FMS_COLUMN_FLOAT:
      set_number(static_cast<double>(static_cast<const float*>(from.values)[row]), out);
      break;
    case FMS_COLUMN_INT64: {
      const int64_t value = static_cast<const int64_t*>(from.values)[row];
      if (how.as_number) {
        set_number(static_cast<double>(value), out);
      } else {
        set_digits(value, texts_, out);
      }
      break;
    }
    case FMS_COLUMN_TEXT: {
      const uint64_t first = from.offsets[row], size = from.offsets[row + 1] - first;
      if (!take(size)) return false;
      if (size > 0) set_copy({static_cast<const char*>(from.values) + first, size}, texts_, out);
      break;
    }
    default: lists_.push_back(how.column); return read_list(from, row, out);
  }
  return true;
}

bool raw_rows::read_list(const fms_column& from, uint64_t row, cell* out) {
  const uint64_t first = from.offsets[row], last = from.offsets[row + 1];
  if (!take(last - first)) return false;
  for (uint64_t i = first; i < last; ++i) {
    const uint64_t at = from.item_offsets[i], size = from.item_offsets[i + 1] - at;
    if (!take(size)) return false;
    const char* const text = static_cast<const char*>(from.values) + at;
    cell_item item;
    item.text = texts_.copy(text, size);
    item.size = static_cast<uint32_t>(size);
    if (from.weights != nullptr) {
      item.has_weight = true;
      item.weight = static_cast<double>(from.weights[i]);
    }
    items_.push_back(item);
  }
  out->kind = cell_kind::items;
  out->size = static_cast<uint32_t>(last - first);
  return true;
}

}  // namespace fmtrain
