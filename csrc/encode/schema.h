// What a schema says, checked: columns, features, forests. The text is JSON; what its keys mean is
// in the README ("Raw rows"). Knows no ids and no rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "encode/row_reader.h"

namespace fmtrain {

enum class row_format : uint8_t { tsv, csv, jsonl, columns };  // columns: Parquet, Arrow
enum class column_type : uint8_t { category, number, list, weighted_list, text, timestamp };
enum class column_role : uint8_t { feature, user, item, label, weight, key, ignore };
// What becomes of a cell that has no usable value.
enum class cell_rule : uint8_t { bin, drop, reject, fill, missing, clip };

struct column_plan {
  std::string name;
  column_type type = column_type::category;
  column_role role = column_role::feature;
  std::vector<std::string> missing;  // tokens beside the empty cell
  cell_rule missing_as = cell_rule::bin;
  double fill = 0;
  cell_rule invalid_as = cell_rule::missing;
  cell_rule infinite_as = cell_rule::missing;
  cell_rule outside_as = cell_rule::clip;
  bool has_range = false;
  double low = 0, high = 0;
  char separator = ',';
  char weight_separator = ':';
  int32_t utc_offset_seconds = 0;
  std::vector<std::string> positive, negative;  // of the label
  bool has_profile = false, has_profile_range = false;
  double profile_missing = 0, profile_min = 0, profile_max = 0;  // share of the rows; values
};

enum class step_kind : uint8_t { log, clip };
struct numeric_step {
  step_kind kind = step_kind::log;
  double low = 0, high = 0;
};

// The last step: what the value or the token becomes.
enum class last_step : uint8_t {
  one_hot,
  hash,
  bins,
  log_square,
  round,
  value,
  z_score,
  min_max,
  hour,
  weekday
};
// What `schema fit` has to learn for it.
enum class learns : uint8_t { nothing, equal_width, equal_frequency, z_score, min_max };

struct feature_plan {
  std::string name;  // as the schema spells it
  bool emit = true;
  size_t column = 0;          // of a feature of a column
  std::vector<size_t> parts;  // of a cross: 2 or 3 features
  std::vector<numeric_step> steps;
  last_step last = last_step::one_hot;
  uint32_t buckets = 0;  // hash: 0 where there is none; a weighted list's too
  learns learned = learns::nothing;
  uint32_t bins = 0;         // that `learned` asks for
  bool fitted = true;        // false: what it learns is not in the schema yet
  std::vector<double> cuts;  // (bins - 1 at most), rising
  double mean = 0, deviation = 1, min = 0, max = 1;
  bool is_cross() const { return !parts.empty(); }
};

struct forest_plan {
  std::string name;
  std::vector<size_t> columns;  // what the trees look at, in their order
};

struct schema {
  row_format format = row_format::tsv;
  dialect how;
  std::vector<column_plan> columns;
  std::vector<feature_plan> features;  // columns' own first, then those of [features]
  std::vector<forest_plan> forests;
  static constexpr size_t none = static_cast<size_t>(-1);
  size_t label = none, weight = none, key = none;
};

// The first thing that is wrong: `path` is the keys that lead there, joined by '\n'.
struct schema_error {
  std::string path, message;
};

// "tsv", "csv", "jsonl" or "parquet". False: none of them.
bool find_row_format(std::string_view name, row_format* out);
std::string_view name_of(row_format format);
// What a format's rows are delimited by where nothing is said.
dialect delimited_as(row_format format);
// How rows of `format` are delimited: as the schema says, or, where it speaks of another format, by
// that format's own separator and quote.
dialect dialect_for(const schema& plan, row_format format);

// errc::invalid with a message "KEY.KEY: what is wrong" (and *error, if not null).
status parse_schema(std::string_view text, schema* out, schema_error* error = nullptr);

}  // namespace fmtrain
