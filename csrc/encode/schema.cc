#include "encode/schema.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "encode/schema_words.h"
#include "encode/table_reader.h"
#include "encode/transform.h"

namespace fmtrain {
namespace {

bool is_feature_role(column_role role) {
  return role == column_role::feature || role == column_role::user || role == column_role::item;
}

bool holds_numbers(column_type type) {
  return type == column_type::number || type == column_type::timestamp;
}

class schema_reader : private table_reader {
 public:
  schema_reader(schema* out, schema_error* error) : table_reader(error), out_(*out) {}

  status read(const json_value& root) {
    if (!root.is(json_type::object)) return wrong("a schema is a table of columns");
    FMTRAIN_TRY(check_keys(root, {"format", "header", "separator", "quote", "trim", "missing",
                                  "columns", "features", "forests", "learned", "profile"}));
    FMTRAIN_TRY(read_format(root));
    FMTRAIN_TRY(each(root, "columns", [this](const std::string& name, const json_value& v) {
      return read_column(name, v);
    }));
    if (out_.columns.empty()) return wrong("it has no columns: say what a row holds in [columns]");
    FMTRAIN_TRY(each(root, "columns", [this](const std::string& name, const json_value& v) {
      return add_own_feature(name, v);
    }));
    FMTRAIN_TRY(each(root, "features", [this](const std::string& name, const json_value& v) {
      return read_feature(name, v);
    }));
    FMTRAIN_TRY(each(root, "features", [this](const std::string& name, const json_value& v) {
      return read_parts(name, v);
    }));
    FMTRAIN_TRY(each(root, "forests", [this](const std::string& name, const json_value& v) {
      return read_forest(name, v);
    }));
    FMTRAIN_TRY(each(root, "learned", [this](const std::string& name, const json_value& v) {
      return read_learned(name, v);
    }));
    FMTRAIN_TRY(each(root, "profile", [this](const std::string& name, const json_value& v) {
      return read_profile(name, v);
    }));
    const bool any =
        !out_.forests.empty() || std::any_of(out_.features.begin(), out_.features.end(),
                                             [](const feature_plan& f) { return f.emit; });
    return any ? status() : wrong("no column and no feature of it gives anything to learn from");
  }

 private:
  status read_format(const json_value& root) {
    FMTRAIN_TRY(take(root, "format", formats, &out_.format));
    out_.how = delimited_as(out_.format);
    FMTRAIN_TRY(take(root, "header", &out_.how.header));
    FMTRAIN_TRY(take(root, "separator", &out_.how.separator, false));
    FMTRAIN_TRY(take(root, "quote", &out_.how.quote, true));
    FMTRAIN_TRY(take(root, "trim", &out_.how.trim));
    if (out_.how.separator == out_.how.quote) {
      const within at(*this, "quote");
      return wrong("it is the separator, too");
    }
    return take(root, "missing", &missing_);
  }

  status read_column(const std::string& name, const json_value& v) {
    FMTRAIN_TRY(check_keys(v, {"type", "role", "transforms", "separator", "weight-separator",
                               "utc-offset", "missing", "missing-as", "invalid-as", "infinite-as",
                               "outside-as", "range", "positive", "negative"}));
    if (name.empty()) return wrong("a column needs a name");
    column_plan c;
    c.name = name;
    c.missing = missing_;
    FMTRAIN_TRY(take(v, "role", roles, &c.role));
    if (c.role == column_role::label || c.role == column_role::weight) c.type = column_type::number;
    FMTRAIN_TRY(take(v, "type", types, &c.type));
    if (c.role == column_role::key && c.type != column_type::category) {
      const within at(*this, "type");
      return wrong("the key is taken as it stands: it has no type");
    }
    FMTRAIN_TRY(take(v, "missing", &c.missing));
    FMTRAIN_TRY(take(v, "separator", &c.separator, false));
    FMTRAIN_TRY(take(v, "weight-separator", &c.weight_separator, false));
    if (c.type == column_type::weighted_list && c.separator == c.weight_separator) {
      const within at(*this, "weight-separator");
      return wrong("it is the separator, too");
    }
    FMTRAIN_TRY(read_rules(v, &c));
    FMTRAIN_TRY(read_offset(v, &c));
    FMTRAIN_TRY(read_role(v, &c));
    column_at_.emplace(name, out_.columns.size());
    out_.columns.push_back(std::move(c));
    return {};
  }

  status read_rules(const json_value& v, column_plan* c) {
    if (v.find("missing-as").is(json_type::number)) {
      FMTRAIN_TRY(take(v, "missing-as", &c->fill));
      c->missing_as = cell_rule::fill;
      const within at(*this, "missing-as");
      if (!holds_numbers(c->type)) {
        return wrong("a number fills in for a number or a timestamp alone");
      }
    } else {
      FMTRAIN_TRY(take(v, "missing-as", missing_rules, &c->missing_as));
    }
    FMTRAIN_TRY(take(v, "invalid-as", invalid_rules, &c->invalid_as));
    FMTRAIN_TRY(take(v, "infinite-as", range_rules, &c->infinite_as));
    FMTRAIN_TRY(take(v, "outside-as", range_rules, &c->outside_as));
    const json_value range = v.find("range");
    c->has_range = !range.is(json_type::absent);
    if (c->has_range) {
      const within at(*this, "range");
      const bool fine = range.is(json_type::array) && range.size() == 2 &&
                        range[0].is(json_type::number) && range[1].is(json_type::number) &&
                        std::isfinite(range[0].number()) && std::isfinite(range[1].number()) &&
                        range[0].number() <= range[1].number();
      if (!fine) return wrong("the lowest and the highest value are expected: [0, 100]");
      if (!holds_numbers(c->type)) return wrong("only numbers have a range");
      c->low = range[0].number();
      c->high = range[1].number();
    }
    if (c->infinite_as == cell_rule::clip && !c->has_range) {
      const within at(*this, "infinite-as");
      return wrong("'clip' needs a range to clip to");
    }
    return {};
  }

  status read_offset(const json_value& v, column_plan* c) {
    const json_value offset = v.find("utc-offset");
    if (offset.is(json_type::absent)) return {};
    const within at(*this, "utc-offset");
    const std::string_view text = offset.text();
    const auto digit = [&text](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    const bool fine = offset.is(json_type::string) && text.size() == 6 &&
                      (text[0] == '+' || text[0] == '-') && digit(1) && digit(2) &&
                      text[3] == ':' && digit(4) && digit(5);
    if (!fine) return wrong("hours and minutes are expected: \"+08:00\"");
    const int hours = (text[1] - '0') * 10 + (text[2] - '0');
    const int minutes = (text[4] - '0') * 10 + (text[5] - '0');
    if (hours > 23 || minutes > 59) return wrong("no place is so far from UTC");
    c->utc_offset_seconds = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return {};
  }

  status read_role(const json_value& v, column_plan* c) {
    FMTRAIN_TRY(take(v, "positive", &c->positive));
    FMTRAIN_TRY(take(v, "negative", &c->negative));
    if ((!c->positive.empty() || !c->negative.empty()) && c->role != column_role::label) {
      return wrong("only a label has positive and negative");
    }
    if (!c->negative.empty() && c->positive.empty()) return wrong("negative needs positive");
    if (!is_feature_role(c->role) && c->role != column_role::ignore &&
        !v.find("transforms").is(json_type::absent)) {
      return wrong("only features have transforms");
    }
    const size_t index = out_.columns.size();
    for (const auto& [role, place] :
         {std::pair(column_role::label, &out_.label), std::pair(column_role::weight, &out_.weight),
          std::pair(column_role::key, &out_.key)}) {
      if (c->role != role) continue;
      if (*place != schema::none) {
        return wrong("the column '" + out_.columns[*place].name + "' has this role already");
      }
      *place = index;
    }
    return {};
  }

  status add_feature(feature_plan&& plan) {
    const auto [there, added] = feature_at_.emplace(plan.name, out_.features.size());
    if (!added) return wrong("there is a feature of this name already");
    out_.features.push_back(std::move(plan));
    return {};
  }

  status read_transforms(const json_value& v, column_type type, feature_plan* plan) {
    const json_value words = v.find("transforms");
    const within at(*this, "transforms");
    std::vector<std::string_view> texts;
    if (!words.is(json_type::absent) && !words.is(json_type::array)) {
      return wrong("a list of texts is expected");
    }
    for (size_t i = 0; i < words.size(); ++i) {
      const within item(*this, std::to_string(i));
      if (!words[i].is(json_type::string)) return wrong("a text is expected");
      texts.push_back(words[i].text());
    }
    size_t index = 0;
    const std::string problem = parse_transforms(texts, type, plan, &index);
    if (!problem.empty()) {
      const within item(*this, std::to_string(index));
      return wrong(problem);
    }
    plan->fitted = plan->learned == learns::nothing;
    return {};
  }

  status add_own_feature(const std::string& name, const json_value& v) {
    const size_t index = own_++;
    const column_plan& c = out_.columns[index];
    if (!is_feature_role(c.role) && c.role != column_role::ignore) return {};
    feature_plan plan;
    plan.name = name;
    plan.column = index;
    plan.emit = is_feature_role(c.role);
    FMTRAIN_TRY(read_transforms(v, c.type, &plan));
    if (plan.emit && c.type == column_type::timestamp && v.find("transforms").size() == 0) {
      return wrong("say what becomes of the time: transforms = [\"hour\"], or role = \"ignore\"");
    }
    return add_feature(std::move(plan));
  }

  status read_feature(const std::string& name, const json_value& v) {
    FMTRAIN_TRY(check_keys(v, {"from", "transforms", "cross", "emit"}));
    if (name.empty()) return wrong("a feature needs a name");
    feature_plan plan;
    plan.name = name;
    FMTRAIN_TRY(take(v, "emit", &plan.emit));
    const json_value from = v.find("from"), cross = v.find("cross");
    if (from.is(json_type::absent) == cross.is(json_type::absent)) {
      return wrong("give either from = \"COLUMN\" or cross = [\"FEATURE\", \"FEATURE\"]");
    }
    if (!from.is(json_type::absent)) {
      const within at(*this, "from");
      FMTRAIN_TRY(find_column(from, &plan.column));
    }
    if (!cross.is(json_type::absent)) crosses_.insert(name);
    if (cross.is(json_type::absent)) {
      FMTRAIN_TRY(read_transforms(v, out_.columns[plan.column].type, &plan));
    } else if (!v.find("transforms").is(json_type::absent)) {
      return wrong("a cross has no transforms: those of its parts count");
    }
    return add_feature(std::move(plan));
  }

  static std::string_view role_name(column_role role) {
    for (const auto& [name, choice] : roles) {
      if (choice == role) return name;
    }
    return "";
  }

  // One that features may be made of.
  status find_column(const json_value& v, size_t* index) {
    const auto found = column_at_.find(std::string(v.text()));
    if (!v.is(json_type::string) || found == column_at_.end()) {
      return wrong("there is no column '" + std::string(v.text()) + "' in [columns]");
    }
    *index = found->second;
    const column_role role = out_.columns[*index].role;
    if (is_feature_role(role) || role == column_role::ignore) return {};
    return wrong("the column is the " + std::string(role_name(role)) + ", no feature");
  }

  // Once all features are known.
  status read_parts(const std::string& name, const json_value& v) {
    const json_value cross = v.find("cross");
    if (cross.is(json_type::absent)) return {};
    const within at(*this, "cross");
    if (!cross.is(json_type::array) || cross.size() < 2 || cross.size() > 3) {
      return wrong("two or three features are expected");
    }
    std::vector<size_t> parts;
    for (size_t i = 0; i < cross.size(); ++i) {
      const within item(*this, std::to_string(i));
      const auto part = feature_at_.find(std::string(cross[i].text()));
      if (!cross[i].is(json_type::string) || part == feature_at_.end()) {
        return wrong("there is no feature '" + std::string(cross[i].text()) + "'");
      }
      if (crosses_.count(part->first) > 0) {
        return wrong("'" + part->first + "' is a cross itself: name the features it is made of");
      }
      if (std::find(parts.begin(), parts.end(), part->second) != parts.end()) {
        return wrong("'" + part->first + "' stands twice");
      }
      parts.push_back(part->second);
    }
    out_.features[feature_at_.at(name)].parts = std::move(parts);
    return {};
  }

  status read_forest(const std::string& name, const json_value& v) {
    FMTRAIN_TRY(check_keys(v, {"columns", "file"}));
    if (name.empty()) return wrong("a forest needs a name");
    if (feature_at_.count(name) > 0) return wrong("there is a feature of this name already");
    forest_plan plan;
    plan.name = name;
    const json_value columns = v.find("columns");
    const within at(*this, "columns");
    if (!columns.is(json_type::array) || columns.size() == 0) {
      return wrong("the columns that the trees look at are expected, in their order");
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      const within item(*this, std::to_string(i));
      size_t index = 0;
      FMTRAIN_TRY(find_column(columns[i], &index));
      if (!holds_numbers(out_.columns[index].type)) {
        return wrong("trees look at numbers, and this column is none");
      }
      plan.columns.push_back(index);
    }
    out_.forests.push_back(std::move(plan));
    return {};
  }

  status read_learned(const std::string& name, const json_value& v) {
    FMTRAIN_TRY(check_keys(v, {"cuts", "rank-error", "mean", "deviation", "min", "max", "rows"}));
    const auto found = feature_at_.find(name);
    if (found == feature_at_.end()) return wrong("there is no feature of this name");
    feature_plan& plan = out_.features[found->second];
    FMTRAIN_TRY(take(v, "mean", &plan.mean));
    FMTRAIN_TRY(take(v, "deviation", &plan.deviation));
    FMTRAIN_TRY(take(v, "min", &plan.min));
    FMTRAIN_TRY(take(v, "max", &plan.max));
    const auto has = [&v](std::string_view key) { return !v.find(key).is(json_type::absent); };
    switch (plan.learned) {
      case learns::nothing: break;
      case learns::equal_width:
      case learns::equal_frequency:
        plan.fitted = has("cuts");
        FMTRAIN_TRY(read_cuts(v.find("cuts"), &plan));
        break;
      case learns::z_score: plan.fitted = has("mean") && has("deviation"); break;
      case learns::min_max: plan.fitted = has("min") && has("max"); break;
    }
    if (plan.deviation < 0) return wrong("a deviation is not negative");
    return plan.min <= plan.max ? status() : wrong("min lies above max");
  }

  status read_cuts(const json_value& v, feature_plan* plan) {
    if (v.is(json_type::absent)) return {};
    const within at(*this, "cuts");
    if (!v.is(json_type::array)) return wrong("a list of numbers is expected");
    if (v.size() >= plan->bins) {
      return wrong(std::to_string(v.size()) + " cuts make more than " + std::to_string(plan->bins) +
                   " bins");
    }
    for (size_t i = 0; i < v.size(); ++i) {
      const within item(*this, std::to_string(i));
      const double cut = v[i].number();
      if (!v[i].is(json_type::number) || !std::isfinite(cut)) {
        return wrong("a cut is a finite number");
      }
      if (i > 0 && !(cut > plan->cuts.back())) return wrong("the cuts do not rise");
      plan->cuts.push_back(cut);
    }
    return {};
  }

  status read_profile(const std::string& name, const json_value& v) {
    FMTRAIN_TRY(check_keys(v, {"rows", "missing", "min", "max"}));
    const auto found = column_at_.find(name);
    if (found == column_at_.end()) return wrong("there is no column of this name");
    column_plan& column = out_.columns[found->second];
    double rows = 0;
    FMTRAIN_TRY(take(v, "rows", &rows));
    FMTRAIN_TRY(take(v, "missing", &column.profile_missing));
    FMTRAIN_TRY(take(v, "min", &column.profile_min));
    FMTRAIN_TRY(take(v, "max", &column.profile_max));
    column.has_profile = true;
    column.has_profile_range = !v.find("min").is(json_type::absent);
    return {};
  }

  schema& out_;
  std::vector<std::string> missing_;  // of the schema
  std::map<std::string, size_t> column_at_, feature_at_;
  std::set<std::string> crosses_;
  size_t own_ = 0;  // columns whose own feature was seen to
};

}  // namespace

status parse_schema(std::string_view text, schema* out, schema_error* error) {
  json document;
  const status parsed = document.parse(text);
  if (!parsed.ok()) {
    if (error != nullptr) *error = {"", parsed.message()};
    return parsed;
  }
  *out = schema();
  return schema_reader(out, error).read(document.root());
}

}  // namespace fmtrain
