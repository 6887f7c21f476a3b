// JSON lines: how each value becomes a cell, and which rows are bad.
#include <algorithm>

#include "row_cells.h"
#include "support.h"

namespace fmtrain {
namespace {

std::string row(std::string_view text, const std::vector<std::string>& columns = {"a", "b"}) {
  const auto reader = make_json_reader(columns);
  return read_row(*reader, text, columns.size());
}

TEST(strings_and_numbers_are_text) {
  CHECK_EQ(row(R"({"a": "x y", "b": 1})"), "\"x y\" \"1\"");
  CHECK_EQ(row(R"({"b":-1.50e+3,"a":""})"), "\"\" \"-1.50e+3\"");
  CHECK_EQ(row(R"({"a":9007199254740993,"b":1e999})"), "\"9007199254740993\" \"1e999\"");
  CHECK_EQ(row(R"( {"a":"q\"\u00e9\n\\","b":"\u0000"} )"),
           "\"q\"\xc3\xa9\n\\\" \"" + std::string(1, '\0') + "\"");
}

TEST(null_and_absent_members_are_missing) {
  CHECK_EQ(row(R"({"a":null})"), "- -");
  CHECK_EQ(row("{}"), "- -");
  CHECK_EQ(row(R"({"c":1,"b":2,"B":3,"":4})"), "- \"2\"");
}

TEST(booleans) { CHECK_EQ(row(R"({"a":true,"b":false})"), "!1 !0"); }

TEST(arrays_and_objects_are_items) {
  CHECK_EQ(row(R"({"a":["x","y z",1.50,true,null,false,""],"b":[]})"),
           "[x|y z|1.50|true|false|] []");
  CHECK_EQ(row(R"({"a":{"x":0.5,"y\n":-2},"b":{}})"), "[x:0.5|y\n:-2] []");
  CHECK_EQ(row(R"({"a":{"x":1e999},"b":["\u0041","b"]})"), "[x:inf] [A|b]");
  CHECK_EQ(row(R"({"a":{"x":null,"y":1}})"), "[x:nan|y:1] -");
}

TEST(deeper_values_are_invalid) {
  CHECK_EQ(row(R"({"a":[["x",1]],"b":[{"x":1}]})"), "? ?");
  CHECK_EQ(row(R"({"a":["x",[]],"b":["y"]})"), "? [y]");
  CHECK_EQ(row(R"({"a":{"x":"1"},"b":{"x":1,"y":{}}})"), "[x:1] ?");
  CHECK_EQ(row(R"({"a":{"x":true},"b":{"x":[1]}})"), "[x:1] ?");
  CHECK_EQ(row(R"({"c":[[[{"d":[]}]]],"a":1})"), "\"1\" -");  // nobody's column
}

TEST(rows_that_are_no_objects) {
  CHECK_EQ(row(""), "blank@0");
  CHECK_EQ(row(" \t\r"), "blank@0");
  CHECK_EQ(row("[1]"), "bad_json@0");
  CHECK_EQ(row("  \"a\""), "bad_json@2");
  CHECK_EQ(row(R"({"a":1)"), "bad_json@6");
  CHECK_EQ(row(R"({"a":1} x)"), "bad_json@8");
  CHECK_EQ(row(R"({"a":1,})"), "bad_json@7");
  CHECK_EQ(row("{'a':1}"), "bad_json@1");
  CHECK_EQ(row(R"({"a":NaN})"), "bad_json@5");
  CHECK_EQ(row(R"({"a":"x)"), "bad_json@7");
  CHECK_EQ(row(R"({"a":1,"a":2})"), "bad_json@7");
  CHECK_EQ(row("{\"a\":\n1 2}"), "bad_json@8");  // a caller's line, not a chunk's
}

// The order of the members is remembered: whatever came before, a row reads the same.
TEST(the_order_of_members_does_not_matter) {
  test_random random(3);
  const std::vector<std::string> columns = {"a", "b", "c", "d", "e"};
  const auto reader = make_json_reader(columns);
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> names = {"a", "b", "c", "d", "e", "f", "g"};
    for (size_t i = names.size(); i > 1; --i) {
      if (random.below(3) == 0) std::swap(names[i - 1], names[random.below(i)]);
    }
    names.resize(random.below(names.size() + 1));
    std::string line = "{", want;
    for (const std::string& name : names) {
      line += (line.size() > 1 ? "," : "") + ("\"" + name + "\":[\"v" + name + "\",\"w\"]");
    }
    for (const std::string& column : columns) {
      const bool given = std::find(names.begin(), names.end(), column) != names.end();
      want += (want.empty() ? "" : " ") + (given ? "[v" + column + "|w]" : std::string("-"));
    }
    CHECK_EQ(read_row(*reader, line + "}", columns.size()), want);
  }
}

TEST(a_million_members) {
  std::string line = "{\"m0\":0";
  for (int i = 1; i < 1000000; ++i) {
    line += ",\"m" + std::to_string(i) + "\":" + std::to_string(i);
  }
  CHECK_EQ(row(line + "}", {"m999999", "m7"}), "\"999999\" \"7\"");
  line = "{\"a\":[0";
  for (int i = 1; i < 1000000; ++i) line += ",\"\\n\"";
  const padded_line padded(line + "],\"b\":[\"x\"]}");
  const auto reader = make_json_reader({"a", "b"});
  cell cells[2];
  CHECK_EQ(reader->read(padded.first(), padded.last(), cells).kind, line_kind::sample);
  CHECK_EQ(cells[0].size, 1000000u);
  CHECK_EQ(*cells[0].items[999999].text, '\n');
  CHECK_EQ(*cells[1].items[0].text, 'x');
}

}  // namespace
}  // namespace fmtrain
