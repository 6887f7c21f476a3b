#include "encode/encoder.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "encode/names.h"
#include "feature/hash.h"

namespace fmtrain {
namespace {

std::string leaf_prefix(const std::string& name, const forest& trees) {
  char version[16];
  std::snprintf(version, sizeof version, "%08x", static_cast<unsigned>(trees.content_hash() >> 32));
  return escaped_name(name) + "@" + version + ".";
}

}  // namespace

status encoder::compile(std::string_view schema_text, const std::vector<named_forest>& forests,
                        uint32_t hash_seed, std::shared_ptr<const encoder>* out,
                        schema_error* error) {
  auto made = std::make_shared<encoder>();
  made->text_ = schema_text;
  made->hash_seed_ = hash_seed;
  FMTRAIN_TRY(parse_schema(schema_text, &made->plan_, error));
  const auto wrong = [error](const std::string& name, const char* key, const std::string& what) {
    if (error != nullptr) *error = {"forests\n" + name + "\n" + key, what};
    return status(errc::invalid, "forests." + name + "." + key + ": " + what);
  };
  for (const forest_plan& plan : made->plan_.forests) {
    const auto found = std::find_if(forests.begin(), forests.end(),
                                    [&plan](const named_forest& f) { return f.name == plan.name; });
    if (found == forests.end()) return wrong(plan.name, "file", "the forest's file was not given");
    if (found->trees->columns() > plan.columns.size()) {
      return wrong(plan.name, "columns",
                   "the trees look at " + std::to_string(found->trees->columns()) +
                       " columns, and " + std::to_string(plan.columns.size()) + " are named");
    }
    made->forests_.push_back(found->trees);
  }
  made->name_features();
  for (size_t f = 0; f < made->forests_.size(); ++f) made->name_leaves(f);
  *out = std::move(made);
  return {};
}

known_name encoder::named(std::string text) const {
  const uint64_t id = hash_name(text.data(), text.size(), hash_seed_);
  return {std::move(text), id};
}

void encoder::name_features() {
  reads_.assign(plan_.columns.size(), false);
  for (const size_t column : {plan_.label, plan_.weight, plan_.key}) {
    if (column != schema::none) reads_[column] = true;
  }
  names_.resize(plan_.features.size());
  for (const feature_plan& plan : plan_.features) {
    for (const size_t part : plan.parts) names_[part].crossed |= true;
  }
  for (size_t i = 0; i < names_.size(); ++i) {
    const feature_plan& plan = plan_.features[i];
    if (plan.is_cross()) continue;
    feature_names& names = names_[i];
    const std::string name = escaped_name(plan.name);
    names.prefix = name + "=";
    names.value = named(name);
    names.missing = named(names.prefix);
    names.token = name_hash(names.prefix, hash_seed_);
    reads_[plan.column] = reads_[plan.column] || plan.emit || names.crossed;
    if (plan_.columns[plan.column].type == column_type::weighted_list) continue;
    const size_t bins = plan.last == last_step::bins      ? plan.cuts.size() + 1
                        : plan.last == last_step::hour    ? 24
                        : plan.last == last_step::weekday ? 7
                                                          : 0;
    for (size_t bin = 0; bin < bins; ++bin) {
      const known_name made = named(names.prefix + std::to_string(bin));
      names.bin_ids.push_back(made.id);
      names.bin_names.push_back(made.text);
    }
  }
  for (const forest_plan& plan : plan_.forests) {
    for (const size_t column : plan.columns) reads_[column] = true;
  }
  std::vector<bool> crossed;
  for (const feature_names& names : names_) crossed.push_back(names.crossed);
  sides_ = sides_of(plan_, crossed, reads_);
}

void encoder::name_leaves(size_t f) {
  const forest& trees = *forests_[f];
  forest_names names;
  names.prefix = leaf_prefix(plan_.forests[f].name, trees);
  names.leaves.resize(trees.trees());
  for (size_t tree = 0; tree < names.leaves.size(); ++tree) {
    names.leaves[tree].resize(trees.leaf_bound(tree));
    for (const uint32_t leaf : trees.leaves_of(tree)) {
      names.leaves[tree][leaf] =
          named(names.prefix + std::to_string(tree) + "=" + std::to_string(leaf));
    }
  }
  leaf_names_.push_back(std::move(names));
}

std::vector<uint64_t> encoder::leaf_ids(size_t f) const {
  std::vector<uint64_t> ids;
  for (const auto& tree : leaf_names_[f].leaves) {
    for (const known_name& leaf : tree) {
      if (!leaf.text.empty()) ids.push_back(leaf.id);
    }
  }
  return ids;
}

std::vector<bool> encoder::required(bool label) const {
  std::vector<bool> needed = reads_;
  // A weight that is not there is 1, a key that is not there is empty; but only where rows are
  // scored: what trains without the weights that its schema names would be another model.
  for (const size_t column : {plan_.label, plan_.weight, plan_.key}) {
    if (column != schema::none) needed[column] = label;
  }
  return needed;
}

std::vector<std::string> encoder::column_names() const {
  std::vector<std::string> names;
  for (const column_plan& column : plan_.columns) names.push_back(column.name);
  return names;
}

status encoder::check_fitted() const {
  for (const feature_plan& plan : plan_.features) {
    if (plan.fitted) continue;
    return {errc::invalid, "learned." + plan.name +
                               ": what its transforms learn is not there yet: run `fmtrain schema "
                               "fit` on a sample of the data"};
  }
  return {};
}

}  // namespace fmtrain
