#include "encode/row_profiler.h"

#include <utility>

#include "encode/transform.h"

namespace fmtrain {
namespace {

profile_block empty_block(const schema& plan) {
  profile_block block;
  block.values.resize(plan.features.size());
  block.ranges.resize(plan.columns.size());
  return block;
}

}  // namespace

void value_range::add(double value) {
  if (min > max) {
    min = max = value;
  } else if (value < min) {
    min = value;
  } else if (value > max) {
    max = value;
  }
}

void value_range::add(const value_range& more) {
  if (more.min > more.max) return;
  add(more.min);
  add(more.max);
}

row_profiler::row_profiler(const encoder& plan, profile_rows mode)
    : plan_(plan),
      cells_(plan, mode == profile_rows::checking, mode == profile_rows::checking),
      block_(empty_block(plan.plan())) {
  const schema& s = plan.plan();
  for (size_t i = 0; i < s.features.size() && mode == profile_rows::learning; ++i) {
    if (s.features[i].learned != learns::nothing) learning_.push_back(i);
  }
  for (size_t i = 0; i < s.columns.size(); ++i) {
    const column_type type = s.columns[i].type;
    const bool number = type == column_type::number || type == column_type::timestamp;
    const bool cell_is_value = number && i != s.label && i != s.weight && i != s.key;
    if (cell_is_value && plan.reads(i)) ranged_.push_back(i);
  }
}

parse_result row_profiler::add(const cell* cells) {
  const parse_result looked = cells_.look(cells);
  if (is_bad(looked.kind)) return looked;
  for (const size_t column : ranged_) {
    const seen_cell& seen = cells_[column];
    if (seen.state == cell_state::good && !seen.filled) block_.ranges[column].add(seen.number);
  }
  for (const size_t feature : learning_) add_values(feature);
  return looked;
}

void row_profiler::add_values(size_t feature) {
  const feature_plan& plan = plan_.plan().features[feature];
  const seen_cell& from = cells_[plan.column];
  if (from.state != cell_state::good) return;
  std::vector<double>& values = block_.values[feature];
  if (plan_.plan().columns[plan.column].type != column_type::weighted_list) {
    values.push_back(apply_steps(plan.steps, from.number));
    return;
  }
  for (size_t i = 0; i < from.items; ++i) {
    values.push_back(apply_steps(plan.steps, cells_.item(from.first_item + i).weight));
  }
}

profile_block row_profiler::take() {
  profile_block taken = std::exchange(block_, empty_block(plan_.plan()));
  taken.guards = cells_.take_counts();
  return taken;
}

}  // namespace fmtrain
