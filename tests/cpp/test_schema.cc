// Schemas: what their keys mean, and one message for whatever is wrong with them.
#include "encode/schema.h"

#include <chrono>

#include "support.h"

namespace fmtrain {
namespace {

// Written with ' for ".
std::string json_of(std::string text) {
  for (char& c : text) c = c == '\'' ? '"' : c;
  return text;
}

schema parsed(const std::string& text) {
  schema plan;
  schema_error error;
  CHECK_OK(parse_schema(json_of(text), &plan, &error));
  CHECK_EQ(error.message, "");
  return plan;
}

// The message; it begins with the path.
std::string wrong_with(const std::string& text) {
  schema plan;
  schema_error error;
  const status got = parse_schema(json_of(text), &plan, &error);
  CHECK_EQ(got.code(), errc::invalid);
  std::string path = error.path;
  for (char& c : path) c = c == '\n' ? '.' : c;
  CHECK_EQ(got.message(), path.empty() ? error.message : path + ": " + error.message);
  schema again;
  CHECK_EQ(parse_schema(json_of(text), &again).message(), got.message());
  return got.message();
}

std::string with_column(const std::string& column) {
  return "{'columns': {'a': {}, 'c': {" + column + "}}}";
}

TEST(what_is_there_without_being_said) {
  const schema plan =
      parsed("{'columns': {'a': {}, 'y': {'role': 'label'}, 'n': {'type': 'number'}}}");
  CHECK_EQ(plan.format, row_format::tsv);
  CHECK_EQ(plan.how.separator, '\t');
  CHECK_EQ(plan.how.quote, '\0');
  CHECK(!plan.how.header && !plan.how.trim);
  CHECK_EQ(plan.columns.size(), 3u);
  CHECK_EQ(plan.label, 1u);
  CHECK(plan.weight == schema::none && plan.key == schema::none);
  const column_plan& a = plan.columns[0];
  CHECK_EQ(a.type, column_type::category);
  CHECK_EQ(a.role, column_role::feature);
  CHECK(a.missing.empty());
  CHECK_EQ(a.missing_as, cell_rule::bin);
  CHECK_EQ(a.invalid_as, cell_rule::missing);
  CHECK_EQ(a.infinite_as, cell_rule::missing);
  CHECK_EQ(a.outside_as, cell_rule::clip);
  CHECK_EQ(a.separator, ',');
  CHECK_EQ(a.weight_separator, ':');
  CHECK(!a.has_range && !a.has_profile);
  CHECK_EQ(plan.columns[1].type, column_type::number);
  CHECK_EQ(plan.features.size(), 2u);
  CHECK_EQ(plan.features[0].last, last_step::one_hot);
  CHECK_EQ(plan.features[1].name, "n");
  CHECK_EQ(plan.features[1].column, 2u);
  CHECK_EQ(plan.features[1].last, last_step::value);
  CHECK(plan.features[1].emit && plan.features[1].fitted);
}

TEST(dialects) {
  const schema csv =
      parsed("{'format': 'csv', 'header': true, 'trim': true, 'columns': {'a': {}}}");
  CHECK_EQ(csv.how.separator, ',');
  CHECK_EQ(csv.how.quote, '"');
  const dialect tsv = dialect_for(csv, row_format::tsv);
  CHECK_EQ(tsv.separator, '\t');
  CHECK_EQ(tsv.quote, '\0');
  CHECK(tsv.header && tsv.trim);
  const schema own =
      parsed("{'format': 'csv', 'separator': ';', 'quote': '', 'columns': {'a': {}}}");
  CHECK_EQ(dialect_for(own, row_format::csv).separator, ';');
  CHECK_EQ(dialect_for(own, row_format::csv).quote, '\0');
  CHECK_EQ(dialect_for(own, row_format::tsv).separator, '\t');
  row_format format{};
  CHECK(find_row_format("parquet", &format) && format == row_format::columns);
  CHECK(!find_row_format("text", &format) && !find_row_format("", &format));
}

TEST(what_columns_say) {
  const schema plan = parsed(R"({'missing': ['NULL', '?'], 'columns': {
    'n': {'type': 'number', 'range': [-1, 1e3], 'outside-as': 'drop', 'infinite-as': 'clip',
          'missing-as': -2.5, 'invalid-as': 'reject', 'transforms': ['log', 'equal-width 4']},
    'l': {'type': 'weighted-list', 'role': 'user', 'separator': '|', 'weight-separator': '=',
          'missing': [], 'missing-as': 'drop'},
    't': {'type': 'timestamp', 'role': 'ignore', 'utc-offset': '-03:30'},
    'y': {'role': 'label', 'positive': ['yes'], 'negative': ['no']},
    'w': {'role': 'weight'}, 'k': {'role': 'key'}}, 'features': {
    'hour': {'from': 't', 'transforms': ['hour']},
    'x': {'cross': ['hour', 'l', 'n']}, 'back': {'cross': ['later', 't']},
    'later': {'from': 'n', 'transforms': ['round'], 'emit': false}},
    'learned': {'n': {'cuts': [0.5, 1], 'rank-error': 0.01, 'rows': 5}},
    'profile': {'n': {'rows': 60, 'missing': 0.25, 'min': -1, 'max': 9}, 'l': {'rows': 60}}})");
  const column_plan& n = plan.columns[0];
  CHECK(n.missing == (std::vector<std::string>{"NULL", "?"}));
  CHECK(n.has_range && n.low == -1 && n.high == 1000);
  CHECK_EQ(n.missing_as, cell_rule::fill);
  CHECK_EQ(n.fill, -2.5);
  CHECK_EQ(n.invalid_as, cell_rule::reject);
  CHECK_EQ(n.infinite_as, cell_rule::clip);
  CHECK_EQ(n.outside_as, cell_rule::drop);
  CHECK(n.has_profile && n.has_profile_range && n.profile_missing == 0.25 && n.profile_max == 9);
  CHECK(plan.columns[1].has_profile && !plan.columns[1].has_profile_range);
  CHECK(plan.columns[1].missing.empty());
  CHECK_EQ(plan.columns[1].separator, '|');
  CHECK_EQ(plan.columns[2].utc_offset_seconds, -(3 * 3600 + 30 * 60));
  CHECK(plan.label == 3 && plan.weight == 4 && plan.key == 5);
  // Own features first: a column that is ignored has one that is not given out.
  std::string names;
  for (const feature_plan& f : plan.features) names += f.name + (f.emit ? " " : "- ");
  CHECK_EQ(names, "n l t- hour x back later- ");
  CHECK(plan.features[0].fitted && plan.features[0].cuts == (std::vector<double>{0.5, 1}));
  CHECK(plan.features[4].parts == (std::vector<size_t>{3, 1, 0}));
  CHECK(plan.features[5].parts == (std::vector<size_t>{6, 2}));
}

TEST(what_is_learned) {
  const std::string columns =
      "'columns': {'z': {'type': 'number', 'transforms': ['z-score']},"
      "'m': {'type': 'number', 'transforms': ['min-max']},"
      "'e': {'type': 'number', 'transforms': ['equal-frequency 3']}}";
  for (const feature_plan& f : parsed("{" + columns + "}").features) CHECK(!f.fitted);
  const schema half = parsed("{" + columns +
                             ", 'learned': {'z': {'mean': 1}, 'm': {'min': 0},"
                             "'e': {'mean': 2}}}");
  for (const feature_plan& f : half.features) CHECK(!f.fitted);
  const schema whole = parsed("{" + columns +
                              ", 'learned': {'z': {'mean': 1, 'deviation': 0},"
                              "'m': {'min': 2, 'max': 2}, 'e': {'cuts': []}}}");
  for (const feature_plan& f : whole.features) CHECK(f.fitted);
  CHECK_EQ(whole.features[0].mean, 1.0);
  CHECK_EQ(whole.features[1].max, 2.0);
}

struct wrong_schema {
  const char *text, *wrong;
};

TEST(schemas_that_are_none) {
  const wrong_schema cases[] = {
      {"[]", "a schema is a table of columns"},
      {"3", "a schema is a table of columns"},
      {"{}", "it has no columns: say what a row holds in [columns]"},
      {"{'columns': {}}", "it has no columns: say what a row holds in [columns]"},
      {"{'columns': {'y': {'role': 'label'}}}",
       "no column and no feature of it gives anything to learn from"},
      {"{'columns': {'y': {'role': 'ignore'}}}",
       "no column and no feature of it gives anything to learn from"},
      {"{'columns': []}", "columns: a table of names is expected"},
      {"{'columns': {'a': 3}}", "columns.a: a table is expected"},
      {"{'columns': {'': {}}}", "columns.: a column needs a name"},
      {"{'column': {}}",
       "column: unknown key; there are: format, header, separator, quote, trim, missing, columns, "
       "features, forests, learned, profile"},
      {"{'format': 'text', 'columns': {'a': {}}}",
       "format: one of these is expected: tsv, csv, jsonl, parquet"},
      {"{'format': 3}", "format: one of these is expected: tsv, csv, jsonl, parquet"},
      {"{'header': 1}", "header: true or false is expected"},
      {"{'trim': 'no'}", "trim: true or false is expected"},
      {"{'separator': ''}", "separator: one character (a byte, no newline) is expected"},
      {"{'separator': ', '}", "separator: one character (a byte, no newline) is expected"},
      {"{'separator': '\\n'}", "separator: one character (a byte, no newline) is expected"},
      {"{'quote': '\\r'}", "quote: one character (a byte, no newline) is expected"},
      {"{'quote': '\xc3\xa9'}", "quote: one character (a byte, no newline) is expected"},
      {"{'quote': 3}", "quote: one character (a byte, no newline) is expected"},
      {"{'separator': ';', 'quote': ';'}", "quote: it is the separator, too"},
      {"{'format': 'csv', 'separator': '\\''}", "quote: it is the separator, too"},
      {"{'missing': 'NULL'}", "missing: a list of texts is expected"},
      {"{'missing': ['NULL', 0]}", "missing.1: a text is expected"},
  };
  for (const auto& c : cases) CHECK_EQ(wrong_with(c.text), std::string(c.wrong));
}

TEST(features_that_are_none) {
  const wrong_schema cases[] = {
      {"{'features': {'f': {}}, 'columns': {'a': {}}}",
       "features.f: give either from = \"COLUMN\" or cross = [\"FEATURE\", \"FEATURE\"]"},
      {"{'features': {'f': {'from': 'a', 'cross': ['a', 'a']}}, 'columns': {'a': {}}}",
       "features.f: give either from = \"COLUMN\" or cross = [\"FEATURE\", \"FEATURE\"]"},
      {"{'features': {'f': {'form': 'a'}}, 'columns': {'a': {}}}",
       "features.f.form: unknown key; there are: from, transforms, cross, emit"},
      {"{'features': {'': {'from': 'a'}}, 'columns': {'a': {}}}",
       "features.: a feature needs a name"},
      {"{'features': {'a': {'from': 'a'}}, 'columns': {'a': {}}}",
       "features.a: there is a feature of this name already"},
      {"{'features': {'f': {'from': 'b'}}, 'columns': {'a': {}}}",
       "features.f.from: there is no column 'b' in [columns]"},
      {"{'features': {'f': {'from': 3}}, 'columns': {'a': {}}}",
       "features.f.from: there is no column '3' in [columns]"},
      {"{'features': {'f': {'from': 'y'}}, 'columns': {'a': {}, 'y': {'role': 'label'}}}",
       "features.f.from: the column is the label, no feature"},
      {"{'features': {'f': {'from': 'y'}}, 'columns': {'a': {}, 'y': {'role': 'key'}}}",
       "features.f.from: the column is the key, no feature"},
      {"{'features': {'f': {'from': 'a', 'emit': 0}}, 'columns': {'a': {}}}",
       "features.f.emit: true or false is expected"},
      {"{'features': {'f': {'from': 'a', 'transforms': ['log']}}, 'columns': {'a': {}}}",
       "features.f.transforms.0: 'log' works on numbers, and the column is none: its type allows "
       "hash"},
      {"{'features': {'f': {'cross': 'a'}}, 'columns': {'a': {}}}",
       "features.f.cross: two or three features are expected"},
      {"{'features': {'f': {'cross': ['a']}}, 'columns': {'a': {}}}",
       "features.f.cross: two or three features are expected"},
      {"{'features': {'f': {'cross': ['a', 'b', 'c', 'd']}}, 'columns': {'a': {}}}",
       "features.f.cross: two or three features are expected"},
      {"{'features': {'f': {'cross': ['a', 'b']}}, 'columns': {'a': {}}}",
       "features.f.cross.1: there is no feature 'b'"},
      {"{'features': {'f': {'cross': ['a', 3]}}, 'columns': {'a': {}, '3': {}}}",
       "features.f.cross.1: there is no feature '3'"},
      {"{'features': {'f': {'cross': ['a', 'y']}}, 'columns': {'a': {}, 'y': {'role': 'label'}}}",
       "features.f.cross.1: there is no feature 'y'"},
      {"{'features': {'f': {'cross': ['a', 'a']}}, 'columns': {'a': {}}}",
       "features.f.cross.1: 'a' stands twice"},
      {"{'features': {'f': {'cross': ['a', 'f']}}, 'columns': {'a': {}}}",
       "features.f.cross.1: 'f' is a cross itself: name the features it is made of"},
      {"{'features': {'f': {'cross': ['a', 'b'], 'transforms': []}}, 'columns': {'a': {}, 'b': "
       "{}}}",
       "features.f: a cross has no transforms: those of its parts count"},
      {"{'forests': {'a': {'columns': ['a']}}, 'columns': {'a': {}}}",
       "forests.a: there is a feature of this name already"},
      {"{'forests': {'': {'columns': ['a']}}, 'columns': {'a': {}}}",
       "forests.: a forest needs a name"},
      {"{'forests': {'g': {}}, 'columns': {'a': {}}}",
       "forests.g.columns: the columns that the trees look at are expected, in their order"},
      {"{'forests': {'g': {'columns': ['a']}}, 'columns': {'a': {}}}",
       "forests.g.columns.0: trees look at numbers, and this column is none"},
      {"{'forests': {'g': {'columns': ['b']}}, 'columns': {'a': {}}}",
       "forests.g.columns.0: there is no column 'b' in [columns]"},
      {"{'forests': {'g': {'columns': ['a', 'y']}},"
       "'columns': {'a': {'type': 'number'}, 'y': {'role': 'label'}}}",
       "forests.g.columns.1: the column is the label, no feature"},
  };
  for (const auto& c : cases) CHECK_EQ(wrong_with(c.text), std::string(c.wrong));
}

TEST(columns_that_are_none) {
  const struct {
    const char *column, *wrong;
  } cases[] = {
      {"'kind': 'number'",
       ".kind: unknown key; there are: type, role, transforms, separator, weight-separator, "
       "utc-offset, missing, missing-as, invalid-as, infinite-as, outside-as, range, positive, "
       "negative"},
      {"'type': 'real'",
       ".type: one of these is expected: category, number, list, weighted-list, text, timestamp"},
      {"'role': 'id'",
       ".role: one of these is expected: feature, user, item, label, weight, key, ignore"},
      {"'missing': {}", ".missing: a list of texts is expected"},
      {"'separator': 'ab'", ".separator: one character (a byte, no newline) is expected"},
      {"'weight-separator': ''",
       ".weight-separator: one character (a byte, no newline) is expected"},
      {"'type': 'weighted-list', 'separator': ':'", ".weight-separator: it is the separator, too"},
      {"'missing-as': 'fill'", ".missing-as: one of these is expected: bin, drop, reject"},
      {"'missing-as': 3", ".missing-as: a number fills in for a number or a timestamp alone"},
      {"'type': 'number', 'missing-as': 1e999", ".missing-as: a finite number is expected"},
      {"'invalid-as': 'clip'", ".invalid-as: one of these is expected: missing, drop, reject"},
      {"'outside-as': 'bin'", ".outside-as: one of these is expected: missing, clip, drop, reject"},
      {"'infinite-as': 'max'",
       ".infinite-as: one of these is expected: missing, clip, drop, reject"},
      {"'type': 'number', 'infinite-as': 'clip'", ".infinite-as: 'clip' needs a range to clip to"},
      {"'type': 'number', 'range': 3",
       ".range: the lowest and the highest value are expected: [0, 100]"},
      {"'type': 'number', 'range': [1]",
       ".range: the lowest and the highest value are expected: [0, 100]"},
      {"'type': 'number', 'range': [2, 1]",
       ".range: the lowest and the highest value are expected: [0, 100]"},
      {"'type': 'number', 'range': [0, 1e999]",
       ".range: the lowest and the highest value are expected: [0, 100]"},
      {"'type': 'number', 'range': ['0', '1']",
       ".range: the lowest and the highest value are expected: [0, 100]"},
      {"'type': 'number', 'range': {'a': 1, 'b': 2}",
       ".range: the lowest and the highest value are expected: [0, 100]"},
      {"'range': [0, 1]", ".range: only numbers have a range"},
      {"'utc-offset': '8'", ".utc-offset: hours and minutes are expected: \"+08:00\""},
      {"'utc-offset': '08:00'", ".utc-offset: hours and minutes are expected: \"+08:00\""},
      {"'utc-offset': '+8:000'", ".utc-offset: hours and minutes are expected: \"+08:00\""},
      {"'utc-offset': 800000", ".utc-offset: hours and minutes are expected: \"+08:00\""},
      {"'utc-offset': '+24:00'", ".utc-offset: no place is so far from UTC"},
      {"'utc-offset': '+00:60'", ".utc-offset: no place is so far from UTC"},
      {"'positive': ['1']", ": only a label has positive and negative"},
      {"'role': 'label', 'negative': ['1']", ": negative needs positive"},
      {"'role': 'label', 'positive': '1'", ".positive: a list of texts is expected"},
      {"'role': 'label', 'transforms': ['log']", ": only features have transforms"},
      {"'role': 'key', 'type': 'number'", ".type: the key is taken as it stands: it has no type"},
      {"'transforms': 'log'", ".transforms: a list of texts is expected"},
      {"'transforms': [3]", ".transforms.0: a text is expected"},
      {"'type': 'number', 'transforms': ['log', 'hash 9']",
       ".transforms.1: 'hash' works on names, and the column is a number"},
      {"'type': 'timestamp'",
       ": say what becomes of the time: transforms = [\"hour\"], or role = \"ignore\""},
      {"'type': 'timestamp', 'transforms': []",
       ": say what becomes of the time: transforms = [\"hour\"], or role = \"ignore\""},
  };
  for (const auto& c : cases) {
    CHECK_EQ(wrong_with(with_column(c.column)), std::string("columns.c") + c.wrong);
  }
  for (const char* const role : {"label", "weight", "key"}) {
    const std::string twice = std::string("'x': {'role': '") + role + "'}, 'z': {'role': '" + role;
    CHECK_EQ(wrong_with("{'columns': {'a': {}, " + twice + "'}}}"),
             "columns.z: the column 'x' has this role already");
  }
}

TEST(what_was_not_learned_so) {
  const std::string columns =
      "{'columns': {'a': {'type': 'number', 'transforms': ['equal-width 3']}}, ";
  const struct {
    const char *rest, *wrong;
  } cases[] = {
      {"'learned': {'b': {}}}", "learned.b: there is no feature of this name"},
      {"'learned': {'a': {'cut': []}}}",
       "learned.a.cut: unknown key; there are: cuts, rank-error, mean, deviation, min, max, rows"},
      {"'learned': {'a': {'cuts': 3}}}", "learned.a.cuts: a list of numbers is expected"},
      {"'learned': {'a': {'cuts': [1, 2, 3]}}}", "learned.a.cuts: 3 cuts make more than 3 bins"},
      {"'learned': {'a': {'cuts': [1, 1]}}}", "learned.a.cuts.1: the cuts do not rise"},
      {"'learned': {'a': {'cuts': [0, -0.0]}}}", "learned.a.cuts.1: the cuts do not rise"},
      {"'learned': {'a': {'cuts': [1e999]}}}", "learned.a.cuts.0: a cut is a finite number"},
      {"'learned': {'a': {'cuts': [null]}}}", "learned.a.cuts.0: a cut is a finite number"},
      {"'learned': {'a': {'cuts': ['nan']}}}", "learned.a.cuts.0: a cut is a finite number"},
      {"'learned': {'a': {'mean': '1'}}}", "learned.a.mean: a finite number is expected"},
      {"'learned': {'a': {'max': 1e999}}}", "learned.a.max: a finite number is expected"},
      {"'learned': {'a': {'deviation': -1}}}", "learned.a: a deviation is not negative"},
      {"'learned': {'a': {'min': 3, 'max': 2}}}", "learned.a: min lies above max"},
      {"'profile': {'b': {}}}", "profile.b: there is no column of this name"},
      {"'profile': {'a': {'rows': 'x'}}}", "profile.a.rows: a finite number is expected"},
      {"'profile': {'a': {'mean': 1}}}",
       "profile.a.mean: unknown key; there are: rows, missing, min, max"},
  };
  for (const auto& c : cases) CHECK_EQ(wrong_with(columns + c.rest), std::string(c.wrong));
}

TEST(no_json) {
  schema plan;
  schema_error error;
  CHECK(!parse_schema("", &plan, &error).ok());
  CHECK(!parse_schema("{\"columns\": {\"a\": {}, \"a\": {}}}", &plan, &error).ok());
  CHECK_EQ(error.path, "");
  CHECK(error.message.find("line 1, column ") != std::string::npos);
}

// Of a path in lines, so that a name with a point in it is one key.
TEST(names_of_all_kinds) {
  schema plan;
  schema_error error;
  CHECK(!parse_schema(R"({"columns": {"a.b:\u00e9 %=": {"type": 3}}})", &plan, &error).ok());
  CHECK_EQ(error.path, "columns\na.b:\xc3\xa9 %=\ntype");
  CHECK_OK(parse_schema(R"({"columns": {"\u0000\n": {}}})", &plan, &error));
  CHECK_EQ(plan.features[0].name, std::string("\0\n", 2));
}

TEST(ten_thousand_columns) {
  std::string columns, features, learned, profile, forest;
  for (int i = 0; i < 10000; ++i) {
    const std::string n = std::to_string(i);
    const std::string lead = i > 0 ? ", '" : "'";
    columns += lead + "column_" + n + "': {'type': 'number', 'transforms': ['equal-width 9']}";
    features += lead + "f" + n + "': {'from': 'column_" + n + "'}";
    learned += lead + "column_" + n + "': {'cuts': [1, 2, 3]}";
    profile += lead + "column_" + n + "': {'rows': 3, 'missing': 0.5}";
    forest += lead + "column_" + n + "'";
  }
  const auto start = std::chrono::steady_clock::now();
  const schema plan = parsed("{'columns': {" + columns + "}, 'features': {" + features +
                             "}, 'learned': {" + learned + "}, 'profile': {" + profile +
                             "}, 'forests': {'g': {'columns': [" + forest + "]}}}");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK_EQ(plan.features.size(), 20000u);
  CHECK_EQ(plan.forests[0].columns[9999], 9999u);
  // 0.1 s; with a sanitizer and on a busy machine more. By going through all columns for each: 10.
  CHECK(took.count() < 3);
  std::printf("10,000 columns: %.3f s\n", took.count());
}

}  // namespace
}  // namespace fmtrain
