// The first half of a row's encoding: what the cells hold, by the rules of their columns.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "encode/row_encoder.h"
#include "encode/transform.h"

namespace fmtrain {
namespace {

// The longest text of a number, and what must be readable behind it.
constexpr size_t number_bytes = 32 + padding_bytes;

bool contains(const std::vector<std::string>& tokens, std::string_view text) {
  return std::find(tokens.begin(), tokens.end(), text) != tokens.end();
}

}  // namespace

cell_guard::cell_guard(const encoder& plan, bool label_required, bool judging)
    : plan_(plan),
      label_required_(label_required),
      judging_(judging),
      seen_(plan.plan().columns.size()),
      texts_(seen_.size() * number_bytes),
      words_(padding_bytes),
      counts_(seen_.size()) {
  for (size_t column = 0; column < seen_.size(); ++column) quick_.push_back(quick(plan, column));
}

cell_guard::quick_column cell_guard::quick(const encoder& plan, size_t column) {
  const schema& of = plan.plan();
  const column_plan& c = of.columns[column];
  quick_column made{usual::general, -INFINITY, INFINITY};
  if (c.has_profile_range) {
    made.profile_min = c.profile_min;
    made.profile_max = c.profile_max;
  }
  if (column != of.label && column != of.weight && c.missing.empty()) {
    if (c.type == column_type::category) made.kind = usual::category;
    if (c.type == column_type::number && !c.has_range) made.kind = usual::number;
  }
  return made;
}

// False: the cell is none of the usual ones, and nothing was done.
inline bool cell_guard::look_quickly(size_t column, const cell& c) {
  constexpr uint32_t digits_max = 15;  // a double holds them exactly
  const quick_column& how = quick_[column];
  if (how.kind == usual::general || c.kind != cell_kind::text || c.size == 0) return false;
  seen_cell& seen = seen_[column];
  if (how.kind == usual::category) {
    seen.plain = c.plain;
    seen.text = {c.text, c.size};
  } else {
    if (c.size > digits_max) return false;
    uint64_t value = 0;
    for (uint32_t i = 0; i < c.size; ++i) {
      const auto digit = static_cast<unsigned char>(c.text[i] - '0');
      if (digit > 9) return false;
      value = value * 10 + digit;
    }
    seen.number = static_cast<double>(value);
    seen.filled = false;
    counts_[column].unusual += seen.number < how.profile_min || seen.number > how.profile_max;
  }
  seen.state = cell_state::good;
  return true;
}

parse_result cell_guard::look(const cell* cells, const column_set& at) {
  const schema& plan = plan_.plan();
  ++rows_;
  items_.clear();
  reserve_words(cells, at.texts);
  line_kind first = line_kind::sample;
  for (const size_t column : at.columns) {
    if (look_quickly(column, cells[column])) continue;
    line_kind kind = line_kind::sample;
    if (column == plan.label) {
      kind = look_at_label(cells[column]);
    } else if (column == plan.weight) {
      kind = look_at_weight(cells[column]);
    } else if (!look_at(column, cells[column])) {
      kind = line_kind::rejected_cell;
    }
    if (!judging_ && kind != line_kind::rejected_cell) continue;
    if (kind == line_kind::sample || is_bad(first)) continue;
    first = kind;
    bad_column_ = column;
  }
  const bool has_text = is_bad(first) && cells[bad_column_].kind == cell_kind::text;
  return {first, has_text ? cells[bad_column_].text : nullptr};
}

std::string cell_guard::lead_of(line_kind kind) const {
  const bool of_cell = kind == line_kind::rejected_cell || kind == line_kind::missing_label ||
                       kind == line_kind::bad_label || kind == line_kind::bad_weight;
  return of_cell ? plan_.plan().columns[bad_column_].name + ": " : std::string();
}

const seen_cell* cell_guard::key() const {
  const size_t column = plan_.plan().key;
  if (column == schema::none || seen_[column].state != cell_state::good) return nullptr;
  return &seen_[column];
}

guard_counts cell_guard::take_counts() {
  guard_counts taken(counts_.size());
  taken.swap(counts_);
  for (size_t column = 0; column < taken.size(); ++column) {
    if (plan_.reads(column)) taken[column].rows = rows_;
  }
  rows_ = 0;
  return taken;
}

// A cell's text, of a number or boolean too; what it points to lives as long as the row.
std::string_view cell_guard::text_of(size_t column, const cell& c) {
  if (c.kind == cell_kind::text) return {c.text, c.size};
  char* const at = texts_.data() + column * number_bytes;
  const schema& plan = plan_.plan();
  const column_type type = plan.columns[column].type;
  const bool as_number = (type == column_type::number || type == column_type::timestamp) &&
                         column != plan.label && column != plan.weight;
  if (c.kind == cell_kind::boolean && !as_number) {
    const std::string_view word = c.number != 0 ? "true" : "false";
    std::memcpy(at, word.data(), word.size());
    return {at, word.size()};
  }
  return {at, static_cast<size_t>(write_number(at, c.number) - at)};
}

bool cell_guard::is_missing(size_t column, const cell& c) {
  const column_plan& plan = plan_.plan().columns[column];
  switch (c.kind) {
    case cell_kind::missing: return true;
    case cell_kind::text:
      return c.size == 0 || (!plan.missing.empty() && contains(plan.missing, {c.text, c.size}));
    case cell_kind::number:
    case cell_kind::boolean:
      return std::isnan(c.number) ||
             (!plan.missing.empty() && contains(plan.missing, text_of(column, c)));
    case cell_kind::items: return c.size == 0;
    case cell_kind::invalid: break;
  }
  return false;
}

bool cell_guard::settle_missing(size_t column) {
  const column_plan& plan = plan_.plan().columns[column];
  seen_cell& seen = seen_[column];
  seen.state = cell_state::missing;
  switch (plan.missing_as) {
    case cell_rule::reject: return false;
    case cell_rule::drop: seen.state = cell_state::dropped; break;
    case cell_rule::fill:
      seen.state = cell_state::good;
      seen.number = plan.fill;
      seen.filled = true;
      break;
    default: break;
  }
  return true;
}

// A cell of no use, by its column's rule. False: the row is rejected.
bool cell_guard::settle(size_t column, cell_rule rule) {
  if (rule == cell_rule::missing) return settle_missing(column);
  seen_[column].state = cell_state::dropped;
  return rule != cell_rule::reject;
}

bool cell_guard::look_at(size_t column, const cell& c) {
  const column_plan& plan = plan_.plan().columns[column];
  if (is_missing(column, c)) {
    ++counts_[column].missing;
    if (c.kind == cell_kind::number && std::isnan(c.number)) ++counts_[column].nan;
    return settle_missing(column);
  }
  switch (plan.type) {
    case column_type::number:
    case column_type::timestamp: return look_at_number(column, c);
    case column_type::category: break;
    default: return look_at_list(column, c);
  }
  if (c.kind == cell_kind::items || c.kind == cell_kind::invalid) {
    ++counts_[column].invalid;
    return settle(column, plan.invalid_as);
  }
  seen_cell& seen = seen_[column];
  seen.state = cell_state::good;
  seen.plain = c.kind == cell_kind::text ? c.plain : true;
  seen.text = text_of(column, c);
  return true;
}

bool cell_guard::look_at_number(size_t column, const cell& c) {
  const column_plan& plan = plan_.plan().columns[column];
  seen_cell& seen = seen_[column];
  double value = c.number;
  bool readable = c.kind == cell_kind::number || c.kind == cell_kind::boolean;
  if (c.kind == cell_kind::text) {
    readable = plan.type == column_type::timestamp
                   ? parse_timestamp(c.text, c.size, plan.utc_offset_seconds, &value)
                   : parse_number(c.text, c.size, &value);
  }
  if (!readable) {
    ++counts_[column].invalid;
    return settle(column, plan.invalid_as);
  }
  if (std::isnan(value)) {
    ++counts_[column].missing;
    ++counts_[column].nan;
    return settle_missing(column);
  }
  cell_rule rule = cell_rule::bin;
  if (!settle_number(column, value, &seen.number, &rule)) return settle(column, rule);
  seen.state = cell_state::good;
  seen.filled = false;
  return true;
}

// A number that is one: what it counts as, or false and the rule that it falls under.
bool cell_guard::settle_number(size_t column, double value, double* kept, cell_rule* rule) {
  const column_plan& plan = plan_.plan().columns[column];
  column_guard& counts = counts_[column];
  *kept = value;
  const bool infinite = std::isinf(value);
  const bool outside = plan.has_range && (value < plan.low || value > plan.high);
  counts.infinite += infinite;
  counts.outside += outside && !infinite;
  if (infinite || outside) {
    *rule = infinite ? plan.infinite_as : plan.outside_as;
    if (*rule != cell_rule::clip) return false;
    *kept = value < plan.low ? plan.low : plan.high;
  }
  counts.unusual +=
      plan.has_profile_range && (*kept < plan.profile_min || *kept > plan.profile_max);
  return true;
}

line_kind cell_guard::look_at_label(const cell& c) {
  const size_t column = plan_.plan().label;
  const column_plan& plan = plan_.plan().columns[column];
  label_ = 0;
  if (is_missing(column, c)) {
    ++counts_[column].missing;
    return label_required_ ? line_kind::missing_label : line_kind::sample;
  }
  bool fine = c.kind != cell_kind::items && c.kind != cell_kind::invalid;
  if (fine && !plan.positive.empty()) {
    const std::string_view text = text_of(column, c);
    label_ = contains(plan.positive, text) ? 1.0f : 0.0f;
    fine = label_ == 1 || plan.negative.empty() || contains(plan.negative, text);
  } else if (fine) {
    double value = c.number;
    fine = c.kind != cell_kind::text || parse_number(c.text, c.size, &value);
    if (value == -1) value = 0;
    fine = fine && value >= 0 && value <= 1;
    label_ = fine ? static_cast<float>(value) : 0.0f;
    if (label_ == 0) label_ = 0;  // -0 too
  }
  counts_[column].invalid += !fine;
  return fine ? line_kind::sample : line_kind::bad_label;
}

line_kind cell_guard::look_at_weight(const cell& c) {
  const size_t column = plan_.plan().weight;
  weight_ = 1;
  if (is_missing(column, c)) {
    ++counts_[column].missing;
    return line_kind::sample;
  }
  double value = c.number;
  bool fine = c.kind == cell_kind::number || c.kind == cell_kind::boolean ||
              (c.kind == cell_kind::text && parse_number(c.text, c.size, &value));
  fine = fine && value >= 0 && std::isfinite(static_cast<float>(value));
  if (fine) weight_ = std::fabs(static_cast<float>(value));  // -0 too
  counts_[column].invalid += !fine;
  return fine ? line_kind::sample : line_kind::bad_weight;
}

}  // namespace fmtrain
