#include "serve/rows_check.h"

#include <string>

namespace fmtrain {
namespace {

// Nothing is put together but where something is wrong: this runs within requests.
struct offsets_of {
  const char *what, *name, *values_name;
  status wrong(const std::string& how) const {
    return {errc::invalid, std::string(what) + ": " + name + how};
  }
};

status check_offsets(const uint64_t* at, uint64_t rows, const void* values,
                     const offsets_of& named) {
  if (rows == 0) return {};
  if (at == nullptr) return named.wrong(" is a null pointer");
  const uint64_t row = fall_in(at, 0, rows);
  if (row < rows) return named.wrong(" falls at row " + step_at(at, row));
  if (at[0] == at[rows] || values != nullptr) return {};
  return named.wrong(std::string(" speaks of elements, and ") + named.values_name +
                     " is a null pointer");
}

}  // namespace

uint64_t fall_in(const uint64_t* at, uint64_t first, uint64_t last) {
  bool falls = false;
  for (uint64_t i = first; i < last; ++i) falls |= at[i] > at[i + 1];
  if (!falls) return last;
  while (at[first] <= at[first + 1]) ++first;
  return first;
}

std::string step_at(const uint64_t* at, uint64_t i) {
  return std::to_string(i) + ", from " + std::to_string(at[i]) + " to " + std::to_string(at[i + 1]);
}

status check_rows(const fms_rows& rows, const char* what) {
  switch (rows.form) {
    case FMS_ROWS_IDS:
      FMTRAIN_TRY(check_offsets(rows.row_ptr, rows.rows, rows.ids, {what, "row_ptr", "ids"}));
      if (rows.extra_ptr == nullptr) return {};
      return check_offsets(rows.extra_ptr, rows.rows, rows.extra_ids,
                           {what, "extra_ptr", "extra_ids"});
    case FMS_ROWS_JSON:
      return check_offsets(rows.text_ptr, rows.rows, rows.text, {what, "text_ptr", "text"});
    case FMS_ROWS_COLUMNS:
      if (rows.columns != nullptr || rows.column_count == 0) return {};
      return offsets_of{what, "columns", ""}.wrong(" is a null pointer");
    default: return offsets_of{what, "form ", ""}.wrong(std::to_string(rows.form) + " is unknown");
  }
}

}  // namespace fmtrain
