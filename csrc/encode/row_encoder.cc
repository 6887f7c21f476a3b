// The second half of a row's encoding: features of the values, by the schema's transforms.

#include "encode/row_encoder.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "encode/names.h"
#include "encode/transform.h"
#include "feature/hash.h"

namespace fmtrain {
namespace {

double last_value(const feature_plan& plan, double v) {
  switch (plan.last) {
    case last_step::z_score: return plan.deviation > 0 ? (v - plan.mean) / plan.deviation : 0.0;
    case last_step::min_max: {
      const double width = plan.max - plan.min;
      double share = width > 0 ? (v - plan.min) / width : 0.0;
      // More than a double holds, and the quotient 0 or NaN.
      if (std::isinf(width)) share = (v / 4 - plan.min / 4) / (plan.max / 4 - plan.min / 4);
      return share < 0 ? 0.0 : share > 1 ? 1.0 : share;
    }
    default: return v;
  }
}

// floor(ln(v)^2) as Kaggle's winners took the integers of Criteo; up to 2 they stand for
// themselves.
int64_t log_square(double v, std::string_view* lead) {
  *lead = v > 2 ? "" : "SP";
  if (!(v > 2)) return whole(std::floor(v));
  const double log = std::log(v);
  return whole(std::floor(log * log));
}

}  // namespace

row_encoder::row_encoder(const encoder& plan, const row_options& options)
    : plan_(plan),
      options_(options),
      cells_(plan, options.label_required),
      parts_(plan.plan().features.size()),
      scratch_(256 + padding_bytes) {
  for (const side s : all_sides) {
    std::vector<recipe>& recipes = recipes_[static_cast<size_t>(s)];
    for (const size_t feature : plan.of(s).features) recipes.push_back(recipe_of(feature));
  }
}

row_encoder::recipe row_encoder::recipe_of(size_t feature) const {
  const feature_plan& plan = plan_.plan().features[feature];
  const feature_names& names = plan_.names(feature);
  recipe made;
  made.feature = feature;
  if (plan.is_cross()) {
    made.kind = usual::cross;
    return made;
  }
  made.column = plan.column;
  made.token = names.token;
  const column_type type = plan_.plan().columns[plan.column].type;
  if (!options_.names && !names.crossed) {
    if (type == column_type::category && plan.buckets == 0) made.kind = usual::category;
    if (type == column_type::number && plan.last == last_step::bins) made.kind = usual::bins;
  }
  return made;
}

// False: the cell is none of the usual ones, and nothing was made.
inline bool row_encoder::make_quickly(const recipe& how, batch& out) {
  const seen_cell& from = cells_[how.column];
  if (from.state != cell_state::good) return false;
  if (how.kind == usual::category && (from.plain || is_plain(from.text))) {
    out.add_feature(how.token.id_of(from.text.data(), from.text.size()), 1, {0, 0});
    return true;
  }
  if (how.kind != usual::bins) return false;
  const feature_plan& plan = plan_.plan().features[how.feature];
  double value = from.number;
  value = apply_steps(plan.steps, value);
  const uint32_t bin = bin_of(plan.cuts.data(), plan.cuts.size(), value);
  out.add_feature(plan_.names(how.feature).bin_ids[bin], 1, {0, 0});
  return true;
}

void row_encoder::begin(batch& out) {
  out.text = nullptr;
  keys_.clear();
}

void row_encoder::end(batch& out) {
  if (options_.names) out.text = out.made.data();
  for (size_t i = 0; i < out.samples; ++i) {
    out.key[i] = {out.made.data() + keys_[i].first, keys_[i].second};
  }
}

parse_result row_encoder::add(const cell* cells, uint64_t line, batch& out) {
  user_ = {};
  const parse_result looked = cells_.look(cells);
  if (is_bad(looked.kind)) return looked;
  open();
  bool fits = true;
  for (const side s : all_sides) fits = fits && make_side(s, out);
  return close(fits, line, out);
}

parse_result row_encoder::set_user(const cell* cells, batch& user) {
  user_ = {};
  const parse_result looked = cells_.look(cells, plan_.user_columns());
  if (is_bad(looked.kind)) return looked;
  open();
  if (!make_side(side::user, user)) return too_wide(user);
  user_ = {user.features - user.begin[user.samples], name_bytes_, part_names_.size()};
  keys_.emplace_back(0, 0);
  user.add_sample(0, 1, {}, 0);
  return {line_kind::sample, nullptr};
}

parse_result row_encoder::add_item(const cell* cells, uint64_t line, batch& out, uint32_t* rest) {
  const parse_result looked = cells_.look(cells, plan_.other_columns());
  if (is_bad(looked.kind)) return looked;
  open();
  bool fits = make_side(side::item, out);
  *rest = static_cast<uint32_t>(out.features) - out.begin[out.samples];
  fits = fits && make_side(side::rest, out);
  return close(fits, line, out);
}

void row_encoder::open() {
  part_names_.resize(user_.part_bytes);
  name_bytes_ = user_.name_bytes;
}

parse_result row_encoder::close(bool fits, uint64_t line, batch& out) {
  if (!fits) return too_wide(out);
  keys_.push_back(add_key(out));
  out.add_sample(cells_.label(), cells_.weight(), {}, line);
  return {line_kind::sample, nullptr};
}

parse_result row_encoder::too_wide(batch& out) {
  out.drop_open_sample();
  return {line_kind::too_wide, nullptr};
}

// The features of one side. False when there are too many.
bool row_encoder::make_side(side which, batch& out) {
  const side_plan& plan = plan_.of(which);
  out.reserve_features(plan.features.size());
  bool fits = true;
  gives_out_ = false;
  for (const size_t feature : plan.ahead) {
    parts_[feature].clear();
    fits = fits && make(feature, out);
  }
  gives_out_ = true;
  for (const recipe& how : recipes_[static_cast<size_t>(which)]) {
    if (!fits) return false;
    if (how.kind == usual::cross) {
      fits = make_cross(how.feature, out);
    } else if (!make_quickly(how, out)) {
      parts_[how.feature].clear();
      fits = make(how.feature, out);
    }
    fits = fits && has_room(out);
  }
  for (size_t i = 0; i < plan.forests.size() && fits; ++i) make_leaves(plan.forests[i], out);
  return fits && has_room(out);
}

// Where the sample's key stands in batch::made, and its size.
std::pair<size_t, size_t> row_encoder::add_key(batch& out) {
  const seen_cell* const key = cells_.key();
  if (key == nullptr) return {0, 0};
  escaped_.clear();
  append_escaped(escaped_, key->text, needs_escape);
  const size_t at = out.made.size();
  out.made.insert(out.made.end(), escaped_.begin(), escaped_.end());
  return {at, escaped_.size()};
}

bool row_encoder::has_room(const batch& out) const {
  return user_.features + (out.features - out.begin[out.samples]) <= row_features_max &&
         name_bytes_ <= row_name_bytes_max;
}

// False when there are too many.
bool row_encoder::make(size_t feature, batch& out) {
  const feature_plan& plan = plan_.plan().features[feature];
  const seen_cell& from = cells_[plan.column];
  if (from.state == cell_state::dropped) return true;
  if (from.state == cell_state::missing) {
    make_known(feature, plan_.names(feature).missing, 1, out);
    return true;
  }
  const column_type type = plan_.plan().columns[plan.column].type;
  switch (type) {
    case column_type::category:
      make_category(feature, from.text, from.plain, {}, 1, out);
      return true;
    case column_type::number:
    case column_type::timestamp: make_from_number(feature, from.number, out); return true;
    default: break;
  }
  if (plan.emit && from.items > row_features_max) return false;
  out.reserve_features(plan_.plan().features.size() + from.items);
  for (size_t i = 0; i < from.items; ++i) {
    const list_item& item = cells_.item(from.first_item + i);
    if (type == column_type::weighted_list) {
      make_from_weight(feature, item, out);
    } else {
      make_category(feature, item.text, item.plain, {}, 1, out);
    }
  }
  return true;
}

void row_encoder::make_from_number(size_t feature, double value, batch& out) {
  const feature_plan& plan = plan_.plan().features[feature];
  value = apply_steps(plan.steps, value);
  const int zone = plan_.plan().columns[plan.column].utc_offset_seconds;
  switch (plan.last) {
    case last_step::bins:
      return make_bin(feature, bin_of(plan.cuts.data(), plan.cuts.size(), value), out);
    case last_step::hour: return make_bin(feature, hour_of(value, zone), out);
    case last_step::weekday: return make_bin(feature, weekday_of(value, zone), out);
    case last_step::log_square: {
      std::string_view lead;
      const int64_t number = log_square(value, &lead);
      return make_whole(feature, lead, number, out);
    }
    case last_step::round: return make_whole(feature, {}, whole(std::nearbyint(value)), out);
    default: return make_known(feature, plan_.names(feature).value, last_value(plan, value), out);
  }
}

// An item whose weight is a value, or its bin behind an '@'.
void row_encoder::make_from_weight(size_t feature, const list_item& from, batch& out) {
  const feature_plan& plan = plan_.plan().features[feature];
  const bool is_token = plan.last == last_step::bins || plan.last == last_step::log_square ||
                        plan.last == last_step::round;
  const double value = apply_steps(plan.steps, from.weight);
  if (!is_token) {
    return make_category(feature, from.text, from.plain, {}, last_value(plan, value), out);
  }
  std::string_view lead;
  const int64_t number = plan.last == last_step::bins
                             ? bin_of(plan.cuts.data(), plan.cuts.size(), value)
                         : plan.last == last_step::round ? whole(std::nearbyint(value))
                                                         : log_square(value, &lead);
  char tail[32] = "@";
  lead.copy(tail + 1, lead.size());
  const auto written = std::to_chars(tail + 1 + lead.size(), tail + sizeof tail, number);
  make_category(feature, from.text, from.plain, {tail, static_cast<size_t>(written.ptr - tail)}, 1,
                out);
}

void row_encoder::make_whole(size_t feature, std::string_view lead, int64_t value, batch& out) {
  char token[32 + padding_bytes];
  lead.copy(token, lead.size());
  const auto written = std::to_chars(token + lead.size(), token + 32, value);
  make_token(feature, {token, static_cast<size_t>(written.ptr - token)}, {}, 1, out);
}

void row_encoder::make_category(size_t feature, std::string_view text, bool plain,
                                std::string_view tail, double x, batch& out) {
  const uint32_t buckets = plan_.plan().features[feature].buckets;
  if (buckets > 0) {
    char token[16 + padding_bytes];
    const uint64_t hash = hash_padded(text.data(), text.size(), plan_.hash_seed());
    const auto written = std::to_chars(token, token + 16, hash % buckets);
    return make_token(feature, {token, static_cast<size_t>(written.ptr - token)}, tail, x, out);
  }
  if (plain || is_plain(text)) return make_token(feature, text, tail, x, out);
  escaped_.clear();
  append_escaped(escaped_, text, needs_escape);
  const size_t size = escaped_.size();
  escaped_.append(padding_bytes, '\0');
  make_token(feature, {escaped_.data(), size}, tail, x, out);
}

// The feature PREFIX token tail. Its name is put together where it is hashed and stays there only
// until the next one.
void row_encoder::make_token(size_t feature, std::string_view token, std::string_view tail,
                             double x, batch& out) {
  const feature_names& names = plan_.names(feature);
  if (tail.empty() && !options_.names && !names.crossed) {
    // Only features that are emitted come here uncrossed.
    return put(nullptr, 0, names.token.id_of(token.data(), token.size()), float_of(x), out);
  }
  const std::string& prefix = plan_.names(feature).prefix;
  const size_t size = prefix.size() + token.size() + tail.size();
  if (scratch_.size() < size + padding_bytes) scratch_.resize(size + padding_bytes);
  char* const name = scratch_.data();
  std::memcpy(name, prefix.data(), prefix.size());
  std::memcpy(name + prefix.size(), token.data(), token.size());
  if (!tail.empty()) std::memcpy(name + prefix.size() + token.size(), tail.data(), tail.size());
  const bool emit = plan_.plan().features[feature].emit;
  produce(feature, name, size, emit ? hash_padded(name, size, plan_.hash_seed()) : 0, x, out);
}

void row_encoder::make_bin(size_t feature, uint32_t bin, batch& out) {
  const feature_names& names = plan_.names(feature);
  const std::string& name = names.bin_names[bin];
  produce(feature, name.data(), name.size(), names.bin_ids[bin], 1, out);
}

void row_encoder::make_known(size_t feature, const known_name& name, double x, batch& out) {
  produce(feature, name.text.data(), name.text.size(), name.id, x, out);
}

void row_encoder::produce(size_t feature, const char* name, size_t size, uint64_t id, double x,
                          batch& out) {
  const float value = float_of(x);
  if (plan_.names(feature).crossed) {
    parts_[feature].push_back({part_names_.size(), size, value});
    part_names_.append(name, size);
  }
  if (plan_.plan().features[feature].emit && gives_out_) put(name, size, id, value, out);
}

void row_encoder::make_leaves(size_t f, batch& out) {
  const forest& trees = plan_.trees(f);
  const std::vector<size_t>& columns = plan_.plan().forests[f].columns;
  tree_values_.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const seen_cell& from = cells_[columns[i]];
    tree_values_[i] = from.state == cell_state::good ? from.number : NAN;
  }
  leaves_.resize(trees.trees());
  trees.find_leaves(tree_values_.data(), 1, leaves_.data());
  out.reserve_features(leaves_.size());
  for (size_t tree = 0; tree < leaves_.size(); ++tree) {
    const known_name& leaf = plan_.leaf_names(f).leaves[tree][leaves_[tree]];
    put(leaf.text.data(), leaf.text.size(), leaf.id, 1, out);
  }
}

}  // namespace fmtrain
