// Cells to features: names and their ids, values, the columns' rules, crosses and their limits.
#include "encode/encoder.h"

#include <cfloat>
#include <limits>

#include "encode_support.h"

namespace fmtrain {
namespace {

TEST(names_of_every_type) {
  const auto plan = columns_of(
      "'c': {}, 'n': {'type': 'number'}, 'l': {'type': 'list'}, 'w': {'type': 'weighted-list'},"
      "'t': {'type': 'text'}, 's': {'type': 'timestamp', 'transforms': ['hour']},"
      "'k': {'role': 'key'}, 'i': {'role': 'ignore'}",
      ", 'features': {'day': {'from': 's', 'transforms': ['weekday']}}");
  CHECK_EQ(features_of(*plan,
                       "{'c': 'ab', 'n': 2.5, 'l': 'x,,y', 'w': 'a:0.5,b,c:0,:3,d:e:2',"
                       "'t': 'Two Words\xc3\xa9-2', 's': '1970-01-01T13:00:00', 'i': 'no'}"),
           "c=ab n:2.5 l=x l=y w=a:0.5 w=b w=d%3Ae:2 t=two t=words\xc3\xa9 t=2 s=13 day=3");
  CHECK_EQ(features_of(*plan, "{}"), "c= n= l= w= t= s= day=");
  CHECK_EQ(features_of(*plan, "{'c': '', 'n': '', 'l': '', 'w': '', 't': '', 's': ''}"),
           "c= n= l= w= t= s= day=");
  CHECK_EQ(features_of(*plan, "{'l': ',,', 'w': ',', 't': ' -+ ', 'c': ' ', 'n': 0}"),
           "c=%20 l= w= t= s= day=");
  CHECK_EQ(features_of(*plan,
                       "{'c': true, 'n': true, 'l': [1, 'b', true, null, ''], 'w': {'a': 2},"
                       "'t': 12, 's': 7200}"),
           "c=true n l=1 l=b l=true w=a:2 t=12 s=2 day=3");
  CHECK_EQ(
      features_of(*plan, "{'c': [1], 'n': {}, 'l': {'a': 1}, 'w': [[]], 't': ['a'], 's': [1]}"),
      "c= n= l= w= t= s= day=");
}

TEST(bytes_that_a_sample_cannot_hold) {
  const auto plan = encoder_of(
      R"({"columns": {"a b:=@#%&\u007f\u00e9": {}, "l": {"type": "list"},
          "w": {"type": "weighted-list", "transforms": ["boundaries 1"]}, "k": {"role": "key"}},
          "features": {"x y": {"cross": ["a b:=@#%&\u007f\u00e9", "l"]}}})");
  const std::string name = "a%20b%3A%3D%40%23%25%26%7F\xc3\xa9";
  CHECK_EQ(features_of(*plan, R"({"a b:=@#%&\u007f\u00e9": "\u0000\t=@#&\u007f\u00e9%", "l": "=,&",
                                  "w": {"a@0=b": 1}})"),
           name + "=%00%09=@#%26%7F\xc3\xa9%25 l== l=%26 w=a@0=b@1 " + name +
               "=%00%09=@#%26%7F\xc3\xa9%25&l== " + name + "=%00%09=@#%26%7F\xc3\xa9%25&l=%26");
  const encoded_row row = encode_json(*plan, R"({"k": "u 1:#%&\n"})");
  CHECK_EQ(row.samples.key[0], "u%201%3A#%25%26%0A");
  // Whether the reader says that nothing needs an escape or not.
  std::vector<cell> cells(4);
  const padded_line text("ab");
  for (const bool plain : {false, true}) {
    cells[0].kind = cell_kind::text;
    cells[0].text = text.first();
    cells[0].size = 2;
    cells[0].plain = plain;
    CHECK_EQ(shown(*plan, encode_cells(*plan, cells.data())),
             name + "=ab l= w= " + name + "=ab&l=");
  }
}

std::string number_with(const std::string& rest, const std::string& value,
                        const std::string& learned = "") {
  const auto plan = columns_of("'c': {}, 'n': {'type': 'number'" + rest + "}", learned);
  const std::string all = features_of(*plan, "{'n': " + value + "}");
  return all.compare(0, 3, "c= ") == 0 ? all.substr(3) : all == "c=" ? "" : all;
}

TEST(last_steps) {
  const auto step = [](const std::string& words, const std::string& value) {
    return number_with(", 'transforms': ['" + words + "']", value);
  };
  CHECK_EQ(step("log", "-1.718281828459045"), "n:-1");
  CHECK_EQ(step("round", "2.5"), "n=2");
  CHECK_EQ(step("round", "3.5"), "n=4");
  CHECK_EQ(step("round", "-0.4"), "n=0");
  CHECK_EQ(step("round", "1e300"), "n=9007199254740992");
  CHECK_EQ(step("round", "-1e300"), "n=-9007199254740992");
  CHECK_EQ(step("log-square", "2"), "n=SP2");
  CHECK_EQ(step("log-square", "2.0001"), "n=0");
  CHECK_EQ(step("log-square", "100"), "n=21");
  CHECK_EQ(step("log-square", "-0.5"), "n=SP-1");
  CHECK_EQ(step("log-square", "-1e300"), "n=SP-9007199254740992");
  CHECK_EQ(step("boundaries 0 10", "-1e-300"), "n=0");
  CHECK_EQ(step("boundaries 0 10", "-0.0"), "n=1");
  CHECK_EQ(step("boundaries 0 10", "10"), "n=2");
  CHECK_EQ(step("clip -1 1", "7"), "n");
  CHECK_EQ(step("value", "1e300"), "n:" + check::show(FLT_MAX));
  CHECK_EQ(step("value", "-1e300"), "n:" + check::show(-FLT_MAX));
  CHECK_EQ(step("value", "3.4028235677973366e38"), "n:" + check::show(FLT_MAX));
  CHECK_EQ(step("value", "1e-46"), "");
  CHECK_EQ(step("value", "-0.0"), "");
}

TEST(scaled_values) {
  const auto with = [](const std::string& step, const std::string& learned, const char* value) {
    return number_with(", 'transforms': ['" + step + "']", value,
                       ", 'learned': {'n': {" + learned + "}}");
  };
  CHECK_EQ(with("z-score", "'mean': 1, 'deviation': 2", "5"), "n:2");
  CHECK_EQ(with("z-score", "'mean': 1, 'deviation': 0", "5"), "");
  CHECK_EQ(with("z-score", "'mean': -1e308, 'deviation': 1e-300", "1.7e308"),
           "n:" + check::show(FLT_MAX));
  CHECK_EQ(with("min-max", "'min': 0, 'max': 10", "5"), "n:0.5");
  CHECK_EQ(with("min-max", "'min': 0, 'max': 10", "50"), "n");
  CHECK_EQ(with("min-max", "'min': 0, 'max': 10", "-5"), "");
  CHECK_EQ(with("min-max", "'min': 3, 'max': 3", "3"), "");
  // Wider than a double holds.
  CHECK_EQ(with("min-max", "'min': -1.6e308, 'max': 1.6e308", "1.6e308"), "n");
  CHECK_EQ(with("min-max", "'min': -1.6e308, 'max': 1.6e308", "0"), "n:0.5");
  CHECK_EQ(with("min-max", "'min': -1.6e308, 'max': 1.6e308", "-1.7e308"), "");
}

TEST(no_number_and_numbers_without_end) {
  CHECK_EQ(number_with("", "'x'"), "n=");
  CHECK_EQ(number_with("", "'nan'"), "n=");
  CHECK_EQ(number_with("", "'inf'"), "n=");
  CHECK_EQ(number_with("", "1e999"), "n=");
  CHECK_EQ(number_with(", 'missing-as': 7", "'inf'"), "n:7");
  CHECK_EQ(number_with(", 'missing-as': 7", "null"), "n:7");
  CHECK_EQ(number_with(", 'missing-as': 'drop'", "'-NaN'"), "");
  CHECK_EQ(number_with(", 'missing-as': 'reject'", "'nan'"), "bad: rejected_cell");
  CHECK_EQ(number_with(", 'missing-as': 'reject'", "'x'"), "bad: rejected_cell");
  CHECK_EQ(number_with(", 'invalid-as': 'drop', 'missing-as': 'reject'", "'x'"), "");
  CHECK_EQ(number_with(", 'invalid-as': 'reject'", "'1 2'"), "bad: rejected_cell");
  CHECK_EQ(number_with(", 'invalid-as': 'reject'", "[1]"), "bad: rejected_cell");
  CHECK_EQ(number_with(", 'infinite-as': 'drop'", "'-inf'"), "");
  CHECK_EQ(number_with(", 'infinite-as': 'reject'", "'-inf'"), "bad: rejected_cell");
  const std::string range = ", 'range': [-2, 3], ";
  CHECK_EQ(number_with(range + "'infinite-as': 'clip'", "'-inf'"), "n:-2");
  CHECK_EQ(number_with(range + "'infinite-as': 'clip'", "1e999"), "n:3");
  CHECK_EQ(number_with(range + "'outside-as': 'clip'", "4"), "n:3");
  CHECK_EQ(number_with(range + "'outside-as': 'missing'", "4"), "n=");
  CHECK_EQ(number_with(range + "'outside-as': 'drop'", "4"), "");
  CHECK_EQ(number_with(range + "'outside-as': 'reject'", "4"), "bad: rejected_cell");
  CHECK_EQ(number_with(range + "'outside-as': 'reject'", "3"), "n:3");
  CHECK_EQ(number_with(", 'missing': ['-1', '?']", "-1"), "n=");
  CHECK_EQ(number_with(", 'missing': ['-1', '?']", "-1.0"), "n:-1");
}

TEST(cells_that_are_no_text) {
  const auto plan = columns_of(
      "'c': {'missing': ['3', 'false']}, 'n': {'type': 'number',"
      "'missing': ['-1']}, 'l': {'type': 'list'}");
  const auto with = [&](double number) {
    std::vector<cell> cells(3);
    for (cell& c : cells) {
      c.kind = cell_kind::number;
      c.number = number;
    }
    return shown(*plan, encode_cells(*plan, cells.data()));
  };
  CHECK_EQ(with(2.5), "c=2.5 n:2.5 l=2.5");
  CHECK_EQ(with(1), "c=1 n l=1");
  CHECK_EQ(with(3), "c= n:3 l=3");
  CHECK_EQ(with(-1), "c=-1 n= l=-1");
  CHECK_EQ(with(0.1), "c=0.1 n:" + check::show(0.1f) + " l=0.1");
  CHECK_EQ(with(std::numeric_limits<double>::quiet_NaN()), "c= n= l=");
  std::vector<cell> cells(3);
  cells[0].kind = cell_kind::boolean;
  CHECK_EQ(shown(*plan, encode_cells(*plan, cells.data())), "c= n= l=");
  cells[0].number = 1;
  CHECK_EQ(shown(*plan, encode_cells(*plan, cells.data())), "c=true n= l=");
}

TEST(weighted_lists) {
  const auto with = [](const std::string& rest, const std::string& value) {
    return features_of(*columns_of("'w': {'type': 'weighted-list'" + rest + "}"),
                       "{'w': " + value + "}");
  };
  CHECK_EQ(with("", "'a:x,b:2'"), "w=b:2");
  CHECK_EQ(with("", "'a:x'"), "w=");
  CHECK_EQ(with("", "'a:'"), "w=");
  CHECK_EQ(with("", "'a:nan,b:inf'"), "w=");
  CHECK_EQ(with("", "':1'"), "w=");
  CHECK_EQ(with(", 'invalid-as': 'drop'", "'a:x'"), "");
  CHECK_EQ(with(", 'invalid-as': 'drop'", "'a:x,b:inf'"), "w=");
  CHECK_EQ(with(", 'invalid-as': 'reject'", "'b,a:x'"), "bad: rejected_cell");
  CHECK_EQ(with(", 'infinite-as': 'reject'", "{'b': 1, 'a': 1e999}"), "bad: rejected_cell");
  CHECK_EQ(with(", 'missing-as': 'reject'", "'b:nan'"), "bad: rejected_cell");
  CHECK_EQ(with(", 'missing-as': 'drop'", "''"), "");
  CHECK_EQ(with(", 'separator': ';', 'weight-separator': '='", "'a:1=3;b'"), "w=a%3A1:3 w=b");
  CHECK_EQ(with(", 'transforms': ['clip 0 1', 'boundaries 0.5']", "'a:-3,b:0.5,c'"),
           "w=a@0 w=b@1 w=c@1");
  CHECK_EQ(with(", 'transforms': ['log-square']", "'a:2,b:9'"), "w=a@SP2 w=b@4");
  CHECK_EQ(with(", 'transforms': ['hash 1', 'round']", "'a:2.4,b:9'"), "w=0@2 w=0@9");
  CHECK_EQ(with(", 'transforms': ['hash 1']", "'a:2,b:-3,c:0'"), "w=0:2 w=0:-3");
}

TEST(hashed_names) {
  const auto plan = encoder_of(
      "{'columns': {'c': {'transforms': ['hash 1000']}, 'l': {'type': 'list',"
      "'transforms': ['hash 2147483648']}, 't': {'type': 'text', 'transforms': ['hash 7']}}}",
      99);
  const auto bucket = [](std::string_view text, uint64_t buckets) {
    return std::to_string(id_of(text, 99) % buckets);
  };
  CHECK_EQ(features_of(*plan, "{'c': 'a b', 'l': 'x', 't': 'Word'}"),
           "c=" + bucket("a b", 1000) + " l=" + bucket("x", uint64_t{1} << 31) +
               " t=" + bucket("word", 7));
  CHECK_EQ(features_of(*plan, "{}"), "c= l= t=");
}

// A bad row leaves nothing behind.
TEST(good_rows_around_a_bad_one) {
  const auto plan = columns_of(
      "'a': {'type': 'list'}, 'b': {'type': 'list'}, 'n': {'type':"
      "'number', 'invalid-as': 'reject'}, 'k': {'role': 'key'}",
      ", 'features': {'x': {'cross': ['a', 'b']}}");
  const auto reader = make_json_reader(plan->column_names());
  row_encoder rows(*plan, {true, false});
  batch out;
  rows.begin(out);
  const std::string big = list_of(1025);
  std::vector<std::unique_ptr<padded_line>> lines;
  std::vector<cell> cells(4);
  for (const std::string& row :
       {std::string("{'a': 'p', 'n': 1, 'k': 'k1'}"), "{'a': " + big + ", 'b': " + big + "}",
        std::string("{'a': 'q', 'n': 'x'}"), std::string("{'b': 'r', 'n': 2, 'k': 'k2'}")}) {
    lines.push_back(std::make_unique<padded_line>(json_of(row)));
    CHECK_EQ(reader->read(lines.back()->first(), lines.back()->last(), cells.data()).kind,
             line_kind::sample);
    rows.add(cells.data(), lines.size(), out);
  }
  rows.end(out);
  CHECK_EQ(out.samples, 2u);
  CHECK(out.line[0] == 1 && out.line[1] == 4);
  CHECK(out.key[0] == "k1" && out.key[1] == "k2");
  std::string names;
  for (size_t i = 0; i < out.features; ++i) names += std::string(out.name_of(i)) + " ";
  CHECK_EQ(names, "a=p b= n a=p&b= a= b=r n a=&b=r ");
  // A batch that goes away takes its names along.
  const batch taken = std::move(out);
  CHECK_EQ(taken.name_of(0), "a=p");
  CHECK_EQ(taken.key[1], "k2");
}

TEST(guards) {
  const auto plan = columns_of(
      "'n': {'type': 'number', 'range': [0, 9]}, 'c': {}, 'w': {'type': 'weighted-list'},"
      "'i': {'role': 'ignore'}, 'y': {'role': 'label'}",
      ", 'profile': {'n': {'min': 0, 'max': 5}}");
  cell_guard guard(*plan, true);
  const auto reader = make_json_reader(plan->column_names());
  std::vector<cell> cells(5);
  for (const char* const row :
       {"{'n': 1, 'c': 'a', 'w': 'a:x,b:inf,c:nan,d', 'y': 1}", "{'n': 10, 'c': [1], 'y': 0}",
        "{'n': 'inf', 'c': '', 'w': [[1]], 'y': 2}", "{'n': 'nan', 'y': 'x'}", "{'n': 'x'}"}) {
    const padded_line line(json_of(row));
    CHECK_EQ(reader->read(line.first(), line.last(), cells.data()).kind, line_kind::sample);
    guard.look(cells.data());
  }
  const guard_counts got = guard.take_counts();
  const auto shown_guard = [&](size_t column) {
    const column_guard& g = got[column];
    std::string out;
    for (const uint64_t n :
         {g.rows, g.missing, g.nan, g.infinite, g.invalid, g.outside, g.unusual}) {
      out += std::to_string(n) + " ";
    }
    return out;
  };
  CHECK_EQ(shown_guard(0), "5 1 1 1 1 1 1 ");
  CHECK_EQ(shown_guard(1), "5 3 0 0 1 0 0 ");
  CHECK_EQ(shown_guard(2), "5 4 1 1 2 0 0 ");
  CHECK_EQ(shown_guard(3), "0 0 0 0 0 0 0 ");
  CHECK_EQ(shown_guard(4), "5 1 0 0 2 0 0 ");
  CHECK_EQ(guard.take_counts()[0].rows, 0u);
}

TEST(labels_and_weights) {
  const auto plan = columns_of("'y': {'role': 'label'}, 'w': {'role': 'weight'}, 'a': {}");
  const auto with = [&](const std::string& row) {
    const padded_line line(json_of(row));
    std::vector<cell> cells(3);
    const auto reader = make_json_reader(plan->column_names());
    reader->read(line.first(), line.last(), cells.data());
    row_encoder rows(*plan, {true, true});
    batch out;
    rows.begin(out);
    const parse_result got = rows.add(cells.data(), 1, out);
    rows.end(out);
    if (is_bad(got.kind)) return std::string(reason_name(got.kind));
    CHECK(!std::signbit(out.label[0]) && !std::signbit(out.weight[0]));
    return check::show(out.label[0]) + " " + check::show(out.weight[0]);
  };
  CHECK_EQ(with("{'y': 1}"), "1 1");
  CHECK_EQ(with("{'y': -1, 'w': 2.5}"), "0 2.5");
  CHECK_EQ(with("{'y': '-0', 'w': '-0'}"), "0 0");
  CHECK_EQ(with("{'y': true, 'w': true}"), "1 1");
  CHECK_EQ(with("{'y': ' 0.25 ', 'w': ''}"), "0.25 1");
  CHECK_EQ(with("{}"), "missing_label");
  CHECK_EQ(with("{'y': 'nan'}"), "bad_label");
  CHECK_EQ(with("{'y': 1.0000001}"), "bad_label");
  CHECK_EQ(with("{'y': [1]}"), "bad_label");
  CHECK_EQ(with("{'y': 0, 'w': -1}"), "bad_weight");
  CHECK_EQ(with("{'y': 0, 'w': 'inf'}"), "bad_weight");
  CHECK_EQ(with("{'y': 0, 'w': 'nan'}"), "bad_weight");
  CHECK_EQ(with("{'y': 0, 'w': 1e39}"), "bad_weight");
  CHECK_EQ(with("{'y': 0, 'w': {'a': 1}}"), "bad_weight");
}

TEST(what_is_not_learned_is_named) {
  const auto plan = columns_of("'a': {}, 'n': {'type': 'number', 'transforms': ['equal-width 5']}");
  CHECK_EQ(plan->check_fitted().message(),
           "learned.n: what its transforms learn is not there yet: run `fmtrain schema fit` on a "
           "sample of the data");
  std::shared_ptr<const encoder> none;
  schema_error error;
  const status got = encoder::compile(
      json_of("{'columns': {'n': {'type': 'number'}}, 'forests': {'g': {'columns': ['n']}}}"), {},
      0, &none, &error);
  CHECK_EQ(got.message(), "forests.g.file: the forest's file was not given");
  CHECK_EQ(error.path, "forests\ng\nfile");
}

}  // namespace
}  // namespace fmtrain
