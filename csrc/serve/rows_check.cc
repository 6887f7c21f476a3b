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
  for (uint64_t row = 0; row < rows; ++row) {
    if (at[row] <= at[row + 1]) continue;
    return named.wrong(" falls at row " + std::to_string(row) + ", from " +
                       std::to_string(at[row]) + " to " + std::to_string(at[row + 1]));
  }
  if (at[0] == at[rows] || values != nullptr) return {};
  return named.wrong(std::string(" speaks of elements, and ") + named.values_name +
                     " is a null pointer");
}

}  // namespace

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
