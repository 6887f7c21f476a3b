// A sample's sides: their order, and a user encoded once for many items.
#include "encode/sides.h"

#include "encode_support.h"

namespace fmtrain {
namespace {

// x0 < 0.5 or missing ? (x1 < 2 or missing ? leaf 3 : leaf 4) : leaf 2
constexpr char trees[] = R"({"version": [2, 1, 0], "learner": {
"feature_names": ["p", "q"], "learner_model_param": {"num_feature": "2"},
"gradient_booster": {"name": "gbtree", "model": {"gbtree_model_param": {"num_trees": "1"},
"trees": [{"tree_param": {"num_nodes": "5", "size_leaf_vector": "0"},
"left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1],
"split_indices": [0, 1, 0, 0, 0], "split_conditions": [5E-1, 2E0, 1E0, 2E0, 3E0],
"default_left": [1, 1, 0, 0, 0]}]}}}})";

std::shared_ptr<const encoder> with_forests(const std::string& schema_text) {
  std::vector<named_forest> forests;
  for (const char* const name : {"gu", "gi", "gx"}) {
    std::unique_ptr<const forest> made;
    CHECK_OK(forest::read(trees, name, &made));
    forests.push_back({name, std::move(made)});
  }
  std::shared_ptr<const encoder> plan;
  CHECK_OK(encoder::compile(json_of(schema_text), forests, 5, &plan));
  return plan;
}

// Every type on every side; crosses over all sides, before and behind their parts, of parts that
// are not emitted; forests of each side.
const char* const everything =
    "{'missing': ['NA'], 'columns': {"
    "'plain': {}, 'i_cat': {'role': 'item'}, 'u_cat': {'role': 'user'},"
    "'u_num': {'type': 'number', 'role': 'user', 'missing-as': 2},"
    "'i_num': {'type': 'number', 'role': 'item', 'transforms': ['boundaries 0 1 2']},"
    "'u_text': {'type': 'text', 'role': 'user'}, 'i_text': {'type': 'text', 'role': 'item'},"
    "'u_list': {'type': 'list', 'role': 'user', 'transforms': ['hash 7']},"
    "'i_list': {'type': 'list', 'role': 'item', 'missing-as': 'reject'},"
    "'u_bag': {'type': 'weighted-list', 'role': 'user', 'invalid-as': 'reject'},"
    "'i_bag': {'type': 'weighted-list', 'role': 'item', 'missing-as': 'drop'},"
    "'time': {'type': 'timestamp', 'role': 'ignore'}, 'click': {'role': 'label'},"
    "'w': {'role': 'weight'}, 'k': {'role': 'key'}},"
    "'features': {"
    "'early': {'cross': ['u_cat', 'late', 'i_list']}, 'uu': {'cross': ['u_hidden', 'u_bag']},"
    "'ii': {'cross': ['i_late', 'i_text']}, 'hour': {'from': 'time', 'transforms': ['hour']},"
    "'late': {'from': 'u_num', 'transforms': ['round']},"
    "'u_hidden': {'from': 'u_list', 'emit': false},"
    "'i_late': {'from': 'i_cat', 'transforms': ['hash 3'], 'emit': false},"
    "'all': {'cross': ['u_text', 'i_bag', 'hour']}, 'never': {'from': 'u_cat', 'emit': false}},"
    "'forests': {'gx': {'columns': ['u_num', 'i_num']}, 'gi': {'columns': ['i_num', 'i_num']},"
    "'gu': {'columns': ['u_num', 'u_num']}}}";

TEST(the_user_stands_first_then_the_item_then_the_rest) {
  const auto plan = with_forests(everything);
  const std::string features =
      features_of(*plan,
                  "{'plain': 'p', 'i_cat': 'c', 'u_cat': 'c', 'u_num': 1, 'i_num': 1,"
                  "'u_text': 'A b', 'i_text': 'b', 'u_list': 'l', 'i_list': 'm', 'u_bag': 'x:2',"
                  "'i_bag': 'y:2', 'time': 3600}");
  // Each feature's parts, without their tokens.
  std::string got;
  bool in_token = false;
  for (const char c : features) {
    if (c == ' ' || c == '&') in_token = false;
    if (c == '=' || c == '@' || c == ':') in_token = true;
    if (!in_token) got.push_back(c);
  }
  CHECK_EQ(got,
           "u_cat u_num u_text u_text u_list u_bag u_hidden&u_bag late gu "
           "i_cat i_num i_text i_list i_bag i_late&i_text gi "
           "plain u_cat&late&i_list hour u_text&i_bag&hour u_text&i_bag&hour gx");
}

TEST(columns_of_a_side) {
  const auto plan = with_forests(everything);
  const auto names = [&plan](const column_set& of) {
    std::string out;
    for (const size_t column : of.columns) out += plan->plan().columns[column].name + " ";
    out += "/";
    for (const size_t column : of.texts) out += " " + plan->plan().columns[column].name;
    return out;
  };
  CHECK_EQ(names(plan->user_columns()), "u_cat u_num u_text u_list u_bag / u_text");
  CHECK_EQ(names(plan->other_columns()),
           "plain i_cat i_num i_text i_list i_bag time click w k / i_text");
  CHECK_EQ(names(plan->columns()),
           "plain i_cat u_cat u_num i_num u_text i_text u_list i_list u_bag i_bag time click w k "
           "/ u_text i_text");
  // What nothing is made of is no part of any.
  const auto some = columns_of("'a': {'role': 'user'}, 'b': {'role': 'ignore'}");
  CHECK_EQ(some->columns().columns.size(), size_t{1});
}

// A row's cells in memory of its own, which a sanitizer watches.
struct row_cells {
  row_cells(const encoder& plan, const std::string& row)
      : line(json_of(row)),
        reader(make_json_reader(plan.column_names())),
        cells(plan.plan().columns.size()) {
    CHECK_EQ(reader->read(line.first(), line.last(), cells.data()).kind, line_kind::sample);
  }
  // Leaves the cells of some columns as what must not be looked at.
  row_cells& without(const column_set& columns) {
    for (const size_t column : columns.columns) {
      cells[column] = {};
      cells[column].kind = cell_kind::text;
      cells[column].size = 1 << 20;
    }
    return *this;
  }
  padded_line line;
  std::unique_ptr<row_reader> reader;
  std::vector<cell> cells;
};

struct piece {
  line_kind kind = line_kind::sample;
  uint32_t rest = 0;
  batch samples;
};

piece user_of(const encoder& plan, row_encoder& rows, const std::string& row) {
  piece out;
  row_cells cells(plan, row);
  cells.without(plan.other_columns());
  rows.begin(out.samples);
  out.kind = rows.set_user(cells.cells.data(), out.samples).kind;
  rows.end(out.samples);
  return out;
}

piece item_of(const encoder& plan, row_encoder& rows, const std::string& row) {
  piece out;
  row_cells cells(plan, row);
  cells.without(plan.user_columns());
  rows.begin(out.samples);
  out.kind = rows.add_item(cells.cells.data(), 7, out.samples, &out.rest).kind;
  rows.end(out.samples);
  return out;
}

std::string bits(const batch& in) {
  std::string out(reinterpret_cast<const char*>(in.id.data()), in.features * sizeof(uint64_t));
  out.append(reinterpret_cast<const char*>(in.x.data()), in.features * sizeof(float));
  for (size_t i = 0; i < in.features; ++i) out.append(" ").append(in.name_of(i));
  return out;
}

// The two pieces as one batch would have them.
std::string joined_bits(const batch& user, const batch& item) {
  std::string ids, x, names;
  for (const batch* in : {&user, &item}) {
    ids.append(reinterpret_cast<const char*>(in->id.data()), in->features * sizeof(uint64_t));
    x.append(reinterpret_cast<const char*>(in->x.data()), in->features * sizeof(float));
    for (size_t i = 0; i < in->features; ++i) names.append(" ").append(in->name_of(i));
  }
  return ids + x + names;
}

// A cell of a row of JSON, mostly usable; "" where there is none.
std::string random_value(test_random& random, column_type type) {
  const std::vector<std::string> odd = {"", "null", "'NA'", "''", "true", "[]", "[['n']]", "'inf'"};
  if (random.below(4) == 0) return odd[random.below(odd.size())];
  const auto word = [&random] { return std::string(1, random.pick("abcde&:%")); };
  const auto number = [&random] {
    const std::vector<std::string> some = {"0", "1", "-1.5", "2", "3e9", "1e-30", "7"};
    return some[random.below(some.size())];
  };
  const bool as_text = random.below(2) == 0;
  switch (type) {
    case column_type::category: return "'" + word() + word() + "'";
    case column_type::number:
    case column_type::timestamp: return as_text ? "'" + number() + "'" : number();
    case column_type::text: return "'" + word() + " The " + word() + "-END'";
    case column_type::list:
      if (as_text) return "'" + word() + "," + word() + "," + word() + "'";
      return "['" + word() + "', null, '" + word() + "']";
    case column_type::weighted_list:
      if (as_text) return "'" + word() + "=x:" + number() + "," + word() + ":1'";
      return "{'" + word() + "': " + number() + ", 'q': " + (random.below(3) ? "2" : "'no'") + "}";
  }
  return "";
}

std::string random_members(test_random& random, const encoder& plan, const column_set& of) {
  std::string out;
  for (const size_t column : of.columns) {
    const column_plan& c = plan.plan().columns[column];
    std::string value = random_value(random, c.type);
    if (c.role == column_role::label || c.role == column_role::weight) {
      value = random.below(8) == 0 ? "'bad'" : "1";
    }
    if (!value.empty()) out += (out.empty() ? "'" : ", '") + c.name + "': " + value;
  }
  return out;
}

// For users and items of all kinds: the pieces are the joined row, or bad where it is bad.
void check_pieces(const encoder& plan, uint64_t seed, bool names, size_t* samples, size_t* bad) {
  test_random random(seed);
  row_encoder rows(plan, {names, false}), whole(plan, {names, false});
  for (int u = 0; u < 60; ++u) {
    const std::string user = random_members(random, plan, plan.user_columns());
    const piece first = user_of(plan, rows, "{" + user + "}");
    CHECK_EQ(first.samples.samples, is_bad(first.kind) ? size_t{0} : size_t{1});
    for (int i = 0; i < 5; ++i) {
      const std::string item = random_members(random, plan, plan.other_columns());
      const std::string both = user + (user.empty() || item.empty() ? "" : ", ") + item;
      const row_cells cells(plan, "{" + both + "}");
      batch joined;
      whole.begin(joined);
      const line_kind kind = whole.add(cells.cells.data(), 7, joined).kind;
      whole.end(joined);
      if (is_bad(first.kind)) {
        CHECK(is_bad(kind));
        ++*bad;
        continue;
      }
      const piece second = item_of(plan, rows, "{" + item + "}");
      CHECK_EQ(second.kind, kind);
      *bad += is_bad(kind);
      if (is_bad(kind)) continue;
      ++*samples;
      CHECK(joined_bits(first.samples, second.samples) == bits(joined));
      CHECK(second.rest <= second.samples.features);
      CHECK_EQ(second.samples.label[0], joined.label[0]);
      CHECK_EQ(second.samples.weight[0], joined.weight[0]);
      CHECK(second.samples.key[0] == joined.key[0]);
      CHECK_EQ(second.samples.line[0], uint64_t{7});
    }
  }
}

TEST(a_user_and_an_item_are_the_joined_row) {
  const std::string roles[] = {"user", "item", "ignore", "feature"};
  const std::string types[] = {"category", "number", "list", "weighted-list", "text"};
  size_t samples = 0, bad = 0;
  for (const bool names : {false, true}) {
    check_pieces(*with_forests(everything), 1, names, &samples, &bad);
  }
  // Columns and crosses at random.
  for (uint64_t seed = 0; seed < 60; ++seed) {
    test_random random(seed + 100);
    const size_t columns = 4 + random.below(5);
    std::string text = "'first': {}", features;
    for (size_t i = 0; i < columns; ++i) {
      text += ", 'c" + std::to_string(i) + "': {'type': '" + types[random.below(5)] +
              "', 'role': '" + roles[random.below(4)] + "'}";
    }
    for (size_t i = 0; i < 5; ++i) {
      const size_t a = random.below(columns), b = (a + 1 + random.below(columns - 1)) % columns;
      const std::string own = "'d" + std::to_string(a) + "'";
      features += (i > 0 ? ", 'x" : "'x") + std::to_string(i) + "': {'cross': [" +
                  (random.below(2) == 0 ? own : "'c" + std::to_string(a) + "'") + ", 'c" +
                  std::to_string(b) + "'" + (random.below(3) == 0 ? ", 'first'" : "") + "]}";
    }
    for (size_t i = 0; i < columns; ++i) {
      features += ", 'd" + std::to_string(i) + "': {'from': 'c" + std::to_string(i) +
                  "', 'emit': " + (random.below(2) == 0 ? "true" : "false") + "}";
    }
    const auto plan = columns_of(text, ", 'features': {" + features + "}");
    check_pieces(*plan, seed, random.below(2) == 0, &samples, &bad);
  }
  CHECK(samples > 10000);
  CHECK(bad > 200);
}

TEST(what_is_the_items_own) {
  const auto plan =
      columns_of("'i': {'role': 'item'}, 'u': {'role': 'user'}, 'p': {}",
                 ", 'features': {'x': {'cross': ['u', 'i']}, 'y': {'cross': ['i', 'j']},"
                 "'j': {'from': 'i', 'transforms': ['hash 2']}}");
  row_encoder rows(*plan, {true, false});
  CHECK_EQ(shown(*plan, {line_kind::sample, user_of(*plan, rows, "{'u': 'a'}").samples}), "u=a");
  const piece item = item_of(*plan, rows, "{'i': 'b', 'p': 'c'}");
  CHECK_EQ(item.rest, uint32_t{3});
  CHECK_EQ(item.samples.features, size_t{5});
  CHECK_EQ(std::string(item.samples.name_of(3)), "p=c");
  CHECK_EQ(std::string(item.samples.name_of(4)), "u=a&i=b");
}

// The bounds of a row are those of the joined row.
TEST(pieces_that_are_too_wide_together) {
  const auto plan =
      columns_of("'u': {'type': 'list', 'role': 'user'}, 'i': {'type': 'list', 'role': 'item'}");
  row_encoder rows(*plan, {false, false});
  const std::string half = list_of(row_features_max / 2);
  CHECK_EQ(user_of(*plan, rows, "{'u': " + half + "}").kind, line_kind::sample);
  CHECK_EQ(item_of(*plan, rows, "{'i': " + half + "}").kind, line_kind::sample);
  CHECK_EQ(item_of(*plan, rows, "{'i': " + list_of(row_features_max / 2 + 1) + "}").kind,
           line_kind::too_wide);
  CHECK_EQ(item_of(*plan, rows, "{'i': '1'}").kind, line_kind::sample);
  const piece wide = user_of(*plan, rows, "{'u': " + list_of(row_features_max + 1) + "}");
  CHECK_EQ(wide.kind, line_kind::too_wide);
  CHECK_EQ(wide.samples.features, size_t{0});
}

}  // namespace
}  // namespace fmtrain
