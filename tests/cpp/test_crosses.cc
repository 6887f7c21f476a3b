// Crosses: their names and values, and the limits of what a row may become.
#include <cfloat>

#include "encode_support.h"

namespace fmtrain {
namespace {

// A cross may stand before what it is made of, and never sees the row before.
TEST(crosses_of_what_comes_later) {
  const auto plan = columns_of(
      "'a': {}, 'n': {'type': 'number', 'role': 'ignore'}",
      ", 'features': {'x': {'cross': ['a', 'd']}, 'd': {'from': 'n', 'transforms': ['round']},"
      "'y': {'cross': ['d', 'e']}, 'e': {'from': 'a', 'emit': false}}");
  const auto reader = make_json_reader(plan->column_names());
  row_encoder rows(*plan, {true, false});
  std::string shown_rows;
  for (const char* const row : {"{'a': 'p', 'n': 1}", "{'a': 'long name', 'n': 2}", "{}"}) {
    const padded_line line(json_of(row));
    std::vector<cell> cells(2);
    reader->read(line.first(), line.last(), cells.data());
    batch out;
    rows.begin(out);
    rows.add(cells.data(), 1, out);
    rows.end(out);
    for (size_t i = 0; i < out.features; ++i) shown_rows += std::string(out.name_of(i)) + " ";
  }
  CHECK_EQ(shown_rows,
           "a=p a=p&d=1 d=1 d=1&e=p a=long%20name a=long%20name&d=2 d=2 d=2&e=long%20name "
           "a= a=&d= d= d=&e= ");
}

TEST(crosses) {
  const std::string crosses =
      ", 'features': {'x': {'cross': ['c', 'l']}, 'y': {'cross': ['w', 'd', 'l']},"
      "'d': {'from': 'n', 'transforms': ['boundaries 0'], 'emit': false},"
      "'z': {'cross': ['n', 'w'], 'emit': false}}";
  const auto plan = columns_of(
      "'c': {}, 'n': {'type': 'number', 'role': 'ignore'},"
      "'l': {'type': 'list'}, 'w': {'type': 'weighted-list'}",
      crosses);
  CHECK_EQ(features_of(*plan, "{'c': 'a', 'n': 3, 'l': '1,2', 'w': 'p:0.5,q:2'}"),
           "c=a l=1 l=2 w=p:0.5 w=q:2 c=a&l=1 c=a&l=2 w=p&d=1&l=1:0.5 w=p&d=1&l=2:0.5 "
           "w=q&d=1&l=1:2 w=q&d=1&l=2:2");
  CHECK_EQ(features_of(*plan, "{'w': 'p:0'}"), "c= l= c=&l=");
  const auto values = columns_of(
      "'a': {'type': 'number'}, 'b': {'type': 'number'}, 'c': {"
      "'type': 'number', 'missing-as': 'drop'}",
      ", 'features': {'x': {'cross': ['a', 'b', 'c']}}");
  CHECK_EQ(features_of(*values, "{'a': 2, 'b': 3, 'c': 0.5}"), "a:2 b:3 c:0.5 a&b&c:3");
  CHECK_EQ(features_of(*values, "{'a': 2, 'b': 3}"), "a:2 b:3");
  CHECK_EQ(features_of(*values, "{'a': 1e30, 'b': -1e30, 'c': 2}"),
           "a:" + check::show(1e30f) + " b:" + check::show(-1e30f) +
               " c:2 a&b&c:" + check::show(-FLT_MAX));
  CHECK_EQ(features_of(*values, "{'a': 1e-30, 'b': 1e-30, 'c': 1e38}").find("a&b&c"),
           std::string::npos);
  CHECK_EQ(features_of(*values, "{'b': 2, 'c': 3}"), "a= b:2 c:3 a=&b&c:6");
}

TEST(rows_that_are_too_wide) {
  const auto plan = columns_of(
      "'a': {'type': 'list'}, 'b': {'type': 'list', 'role': 'ignore'},"
      "'c': {'type': 'list', 'role': 'ignore'}",
      ", 'features': {'x': {'cross': ['a', 'b', 'c']}}");
  const std::string items = list_of(100000);
  CHECK_EQ(encode_json(*plan, "{'a': " + items + ", 'b': " + items + ", 'c': " + items + "}").kind,
           line_kind::too_wide);
  // 1,024 and their 2^20 crosses are too many; 2^20 in all are not.
  const auto pairs = columns_of("'a': {'type': 'list'}, 'b': {'type': 'list', 'role': 'ignore'}",
                                ", 'features': {'x': {'cross': ['a', 'b']}}");
  CHECK_EQ(encode_json(*pairs, "{'a': " + list_of(1024) + ", 'b': " + list_of(1024) + "}").kind,
           line_kind::too_wide);
  const encoded_row most =
      encode_json(*pairs, "{'a': " + list_of(1024) + ", 'b': " + list_of(1023) + "}");
  CHECK_EQ(most.kind, line_kind::sample);
  CHECK_EQ(most.samples.features, row_features_max);
  const auto list = columns_of("'a': {'type': 'list'}");
  CHECK_EQ(encode_json(*list, "{'a': " + list_of(row_features_max) + "}", false).kind,
           line_kind::sample);
  const encoded_row wide =
      encode_json(*list, "{'a': " + list_of(row_features_max + 1) + "}", false);
  CHECK_EQ(wide.kind, line_kind::too_wide);
  CHECK(wide.samples.id.size() < 100000);
}

// Few names, but long ones: what they are multiplied to is never made.
TEST(names_that_are_too_long_together) {
  const auto plan = columns_of("'a': {'type': 'list'}, 'b': {'type': 'list'}",
                               ", 'features': {'x': {'cross': ['a', 'b']}}");
  const std::string row = "{'a': '" + std::string(1 << 20, 'x') + "', 'b': " + list_of(100) + "}";
  for (const bool names : {false, true}) {
    const encoded_row wide = encode_json(*plan, row, names);
    CHECK_EQ(wide.kind, line_kind::too_wide);
    CHECK(wide.samples.made.size() < size_t{4} << 20);
  }
  const std::string fits = "{'a': '" + std::string(1 << 19, 'x') + "', 'b': " + list_of(100) + "}";
  CHECK_EQ(encode_json(*plan, fits).samples.features, 201u);
}

}  // namespace
}  // namespace fmtrain
