#include "serve/row_features.h"

#include "encode/column_list.h"

namespace fmtrain {
namespace {

bool is_of_no_side(column_role role) {
  return role == column_role::feature || role == column_role::ignore;
}

}  // namespace

row_features::row_features(const encoder& plan)
    : plan_(plan),
      encode_(plan, {false, false}),
      user_(plan, "user"),
      items_(plan, "items"),
      user_cells_(plan.plan().columns.size()),
      cells_(user_cells_.size()) {}

status row_features::set_user(const fms_rows* user, batch& out) {
  whole_rows_ = user == nullptr;
  shared_.clear();
  if (whole_rows_) return {};
  FMTRAIN_TRY(user_.open(*user));
  parse_result made = user_.read(0, user_cells_.data());
  if (!is_bad(made.kind)) {
    encode_.begin(out);
    made = encode_.set_user(user_cells_.data(), out);
    encode_.end(out);
  }
  if (is_bad(made.kind)) {
    return {errc::invalid, "user: " + why(user_, user_cells_.data(), made)};
  }
  for (const size_t column : plan_.other_columns().columns) {
    if (is_of_no_side(plan_.plan().columns[column].role) &&
        user_cells_[column].kind != cell_kind::missing) {
      shared_.push_back(column);
    }
  }
  return {};
}

status row_features::begin_items(const fms_rows& items) { return items_.open(items); }

parse_result row_features::add_item(uint64_t row, batch& out, uint32_t* rest) {
  parse_result made = items_.read(row, cells_.data());
  if (is_bad(made.kind)) return made;
  for (const size_t column : shared_) {
    if (cells_[column].kind == cell_kind::missing) cells_[column] = user_cells_[column];
  }
  encode_.begin(out);
  if (whole_rows_) {
    made = encode_.add(cells_.data(), row, out);
    *rest = static_cast<uint32_t>(out.features);
  } else {
    made = encode_.add_item(cells_.data(), row, out, rest);
  }
  encode_.end(out);
  return made;
}

std::string row_features::why_bad(uint64_t row, const parse_result& made) const {
  return "items: row " + std::to_string(row) + ": " + why(items_, cells_.data(), made);
}

// "COLUMN: what is wrong: the cell", or what is wrong with the whole row.
std::string row_features::why(const raw_rows& from, const cell* cells,
                              const parse_result& made) const {
  const std::string lead = encode_.cells().lead_of(made.kind);
  std::string text = lead + reason_text(made.kind);
  if (made.kind == line_kind::bad_json) {
    return text + ", at byte " + std::to_string(from.offset_of(made.where));
  }
  const cell& bad = cells[encode_.cells().bad_column()];
  if (lead.empty() || bad.kind != cell_kind::text) return text;
  return text + ": '" + shown_column({bad.text, bad.size}) + "'";
}

}  // namespace fmtrain
