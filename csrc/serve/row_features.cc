#include "serve/row_features.h"

namespace fmtrain {

row_features::row_features(const encoder&) {}
status row_features::set_user(const fms_rows*, batch&) {
  return {errc::invalid, "raw rows come next"};
}
status row_features::begin_items(const fms_rows&) { return {errc::invalid, "raw rows come next"}; }
parse_result row_features::add_item(uint64_t, batch&, uint32_t*) {
  return {line_kind::bad_json, nullptr};
}
std::string row_features::why_bad(uint64_t, const parse_result&) const { return {}; }

}  // namespace fmtrain
