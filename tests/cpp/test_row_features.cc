// Rows in a host's memory: the features of the trainer's readers, and errors by their texts.
#include "serve/row_features.h"

#include <cmath>
#include <limits>

#include "encode/golden.h"
#include "encode_support.h"
#include "row_host.h"
#include "serve/rows_check.h"

namespace fmtrain {
namespace {

using features = std::vector<std::pair<uint64_t, float>>;

features features_of(const batch& in) {
  features out;
  for (size_t i = 0; i < in.features; ++i) out.emplace_back(in.id[i], in.x[i]);
  return out;
}

features joined(features first, const features& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

// What golden rows are encoded by.
features of_json(const encoder& plan, const std::string& row) {
  batch out;
  CHECK_OK(encode_row(plan, row, out));
  return features_of(out);
}

features of_tsv(const encoder& plan, const std::string& line) {
  dialect tabs;
  row_layout layout;
  layout.columns = plan.plan().columns.size();
  for (size_t i = 0; i < layout.columns; ++i) layout.column_at.push_back(static_cast<int32_t>(i));
  const padded_line padded(line);
  std::vector<cell> cells(layout.columns);
  const auto reader = make_delimited_reader(tabs, layout);
  CHECK_EQ(reader->read(padded.first(), padded.last(), cells.data()).kind, line_kind::sample);
  return features_of(encode_cells(plan, cells.data()).samples);
}

class scratch {
 public:
  explicit scratch(std::shared_ptr<const encoder> plan) : plan_(std::move(plan)), made_(*plan_) {}

  status user(const fms_rows* rows) {
    out_.clear();
    if (rows != nullptr) CHECK_OK(check_rows(*rows, "user"));
    const status done = made_.set_user(rows, out_);
    user_ = features_of(out_);
    return done;
  }
  status begin(const fms_rows& rows) {
    CHECK_OK(check_rows(rows, "items"));
    return made_.begin_items(rows);
  }
  // The user's and the item's features; *own: those before the rest.
  features item(uint64_t row, uint32_t* own = nullptr) {
    uint32_t rest = 0;
    out_.clear();
    const parse_result made = made_.add_item(row, out_, &rest);
    CHECK_EQ(made.kind, line_kind::sample);
    if (own != nullptr) *own = rest;
    CHECK(rest <= out_.features);
    return joined(user_, features_of(out_));
  }
  std::string why(uint64_t row) {
    uint32_t rest = 0;
    out_.clear();
    const parse_result made = made_.add_item(row, out_, &rest);
    CHECK(is_bad(made.kind));
    CHECK_EQ(out_.samples, size_t{0});
    return made_.why_bad(row, made);
  }

 private:
  const std::shared_ptr<const encoder> plan_;
  row_features made_;
  batch out_;
  features user_;
};

const char* const columns =
    "'c': {'role': 'item'}, 'id': {'role': 'user'}, 'n': {'type': 'number', 'role': 'user',"
    "'transforms': ['boundaries 0 1 2']}, 'f': {'type': 'number', 'role': 'item'},"
    "'title': {'type': 'text', 'role': 'user'}, 'tags': {'type': 'list', 'role': 'item'},"
    "'likes': {'type': 'weighted-list', 'role': 'user'}, 'at': {'type': 'timestamp',"
    "'transforms': ['hour']}, 'words': {'role': 'item', 'missing': ['none']}";
const char* const crosses =
    ", 'features': {'x': {'cross': ['id', 'c']}, 'y': {'cross': ['likes', 'at', 'tags']}}";

// The same three rows in every form.
const std::vector<std::string> lines = {
    "a\t9007199254740993\t1.5\t0.25\tThe END\tp,q\tu:0.5,v:2\t3600\tb c",
    "\t-1\t\t\tx\tp\t\t7200\tnone", "%:\t0\t-3\t1e30\t\t\tw:-1\t-1\t\xff"};
const std::vector<std::string> objects = {
    R"({"c":"a","id":9007199254740993,"n":1.5,"f":0.25,"title":"The END","tags":["p","q"],)"
    R"("likes":{"u":0.5,"v":2},"at":3600,"words":"b c"})",
    R"({"id":"-1","n":null,"title":"x","tags":"p","at":7200,"words":"none"})",
    "{\"c\":\"%:\",\"id\":0,\"n\":-3,\"f\":1e30,\"tags\":[],\"likes\":{\"w\":-1},\"at\":-1,"
    "\"words\":\"\xff\"}"};

row_host host_of_rows() {
  row_host host(3);
  host.texts("c", {"a", "", "%:"});
  host.add("id", FMS_COLUMN_INT64, std::vector<int64_t>{9007199254740993, -1, 0});
  host.add("n", FMS_COLUMN_DOUBLE, std::vector<double>{1.5, NAN, -3});
  host.add("f", FMS_COLUMN_FLOAT, std::vector<float>{0.25f, 7, 1e30f}).missing =
      host.flags({0, 1, 0});
  host.texts("title", {"The END", "x", ""});
  host.lists("tags", {{"p", "q"}, {"p"}, {}});
  const std::vector<float> weights = {0.5f, 2, -1};
  host.lists("likes", {{"u", "v"}, {}, {"w"}}).weights = host.keep(weights.data(), 12);
  host.add("at", FMS_COLUMN_INT64, std::vector<int64_t>{3600, 7200, -1});
  host.texts("words", {"b c", "none", "\xff"});
  host.add("no column of the schema", 77);
  return host;
}

// 1e30 is no float; what a host gives as one is what a float holds.
std::string without_rounding(std::string row) {
  const size_t at = row.find("1e30");
  char exact[64];
  std::snprintf(exact, sizeof exact, "%.17g", static_cast<double>(1e30f));
  return at == row.npos ? row : row.replace(at, 4, exact);
}

TEST(every_form_gives_the_same_features) {
  const auto plan = columns_of(columns, crosses);
  scratch by_column(plan), by_json(plan), by_pieces(plan), json_pieces(plan);
  row_host host = host_of_rows();
  const fms_rows json = host.json(objects), rows = host.rows();
  CHECK_OK(by_column.user(nullptr));
  CHECK_OK(by_json.user(nullptr));
  CHECK_OK(by_column.begin(rows));
  CHECK_OK(by_json.begin(json));
  for (size_t row = 0; row < 3; ++row) {
    const features expected = of_json(*plan, without_rounding(objects[row]));
    CHECK(expected.size() > 8);
    CHECK(of_tsv(*plan, without_rounding(lines[row])) == expected);
    uint32_t own = 0;
    CHECK(by_column.item(row, &own) == expected);
    CHECK_EQ(size_t{own}, expected.size());
    CHECK(by_json.item(row, &own) == of_json(*plan, objects[row]));
    CHECK_EQ(size_t{own}, of_json(*plan, objects[row]).size());
    // The user and the item, each from rows that have both sides' columns.
    row_host one(1);
    const fms_rows user = one.json({without_rounding(objects[row])});
    CHECK_OK(json_pieces.user(&user));
    CHECK_OK(json_pieces.begin(json));
    CHECK(json_pieces.item(row, &own) == of_json(*plan, objects[row]));
    CHECK_EQ(own, row == 0 ? 5u : 4u);  // c, f, words and tags
    CHECK_OK(by_pieces.user(&user));
    CHECK_OK(by_pieces.begin(rows));
    CHECK(by_pieces.item(row) == expected);
  }
}

TEST(users_of_columns) {
  const auto plan = columns_of(columns, crosses);
  scratch made(plan);
  row_host user(1);
  user.texts("id", {"7"});
  user.add("n", FMS_COLUMN_FLOAT, std::vector<float>{1});
  user.texts("title", {"A b"});
  user.lists("likes", {{"k"}});
  const fms_rows user_rows = user.rows();
  row_host items(2);
  items.texts("c", {"one", "two"});
  items.lists("tags", {{"p"}, {"q", "r"}});
  const fms_rows item_rows = items.rows();
  CHECK_OK(made.user(&user_rows));
  CHECK_OK(made.begin(item_rows));
  const std::string lead = R"({"id":"7","n":1,"title":"A b","likes":{"k":1},)";
  CHECK(made.item(0) == of_json(*plan, lead + R"("c":"one","tags":["p"]})"));
  CHECK(made.item(1) == of_json(*plan, lead + R"("c":"two","tags":["q","r"]})"));
  CHECK(made.item(0) == of_json(*plan, lead + R"("c":"one","tags":["p"]})"));
}

TEST(whole_numbers_keep_their_digits) {
  const auto plan = columns_of("'c': {}, 'n': {'type': 'number'}");
  constexpr int64_t least = std::numeric_limits<int64_t>::min(),
                    most = std::numeric_limits<int64_t>::max();
  row_host host(3);
  host.add("c", FMS_COLUMN_INT64, std::vector<int64_t>{least, most, (int64_t{1} << 53) + 1});
  host.add("n", FMS_COLUMN_INT64, std::vector<int64_t>{least, most, 3});
  const fms_rows rows = host.rows();
  scratch made(plan);
  CHECK_OK(made.user(nullptr));
  CHECK_OK(made.begin(rows));
  const uint64_t n = id_of("n");
  CHECK((made.item(0) == features{{id_of("c=-9223372036854775808"), 1}, {n, -0x1p63f}}));
  CHECK((made.item(1) == features{{id_of("c=9223372036854775807"), 1}, {n, 0x1p63f}}));
  CHECK((made.item(2) == features{{id_of("c=9007199254740993"), 1}, {n, 3}}));
}

// What holds for a request is given once.
TEST(columns_of_no_side_may_come_with_the_user) {
  const auto plan = columns_of(
      "'u': {'role': 'user'}, 'i': {'role': 'item'}, 'device': {}, 'tags': {'type': 'list'}");
  scratch made(plan);
  row_host host(1);
  const fms_rows user =
      host.json({R"({"u":"a","device":"phone","tags":["s","t"],"i":"not the user's"})"});
  const fms_rows json =
      host.json({R"({"i":"b"})", R"({"i":"c","device":"desk","tags":"o"})", R"({"tags":null})"});
  CHECK_OK(made.user(&user));
  CHECK_OK(made.begin(json));
  const std::string lead = R"({"u":"a",)", shared = R"("device":"phone","tags":["s","t"]})";
  CHECK(made.item(0) == of_json(*plan, lead + R"("i":"b",)" + shared));
  CHECK(made.item(1) == of_json(*plan, lead + R"("i":"c","device":"desk","tags":["o"]})"));
  CHECK(made.item(2) == of_json(*plan, lead + shared));
  // Another user, of columns, without them.
  row_host other(1);
  other.texts("u", {"z"});
  const fms_rows other_user = other.rows();
  CHECK_OK(made.user(&other_user));
  CHECK_OK(made.begin(json));
  CHECK(made.item(0) == of_json(*plan, R"({"u":"z","i":"b"})"));
  other.lists("tags", {{"k"}});
  const fms_rows with_tags = other.rows();
  CHECK_OK(made.user(&with_tags));
  CHECK_OK(made.begin(json));
  CHECK(made.item(0) == of_json(*plan, R"({"u":"z","i":"b","tags":["k"]})"));
}

TEST(rows_that_are_bad) {
  const auto plan = columns_of(
      "'n': {'type': 'number', 'role': 'item', 'invalid-as': 'reject'}, 'u': {'role': 'user',"
      "'missing-as': 'reject'}, 'y': {'role': 'label'}");
  scratch made(plan);
  row_host host(1);
  const fms_rows user = host.json({R"({"u":"a"})"});
  CHECK_OK(made.user(&user));
  const fms_rows json = host.json({R"({"n":"x y"})", R"({"n":1})", "[1]", "", R"({"n":1,"y":3})",
                                   R"({"n":1)", R"({"n":["a"]})"});
  CHECK_OK(made.begin(json));
  CHECK_EQ(made.why(0), "items: row 0: n: the column's rule rejects the cell: 'x y'");
  CHECK_EQ(made.item(1).size(), size_t{2});
  CHECK_EQ(made.why(2), "items: row 2: the row is not a JSON object, at byte 0");
  CHECK_EQ(made.why(3), "items: row 3: the row is not a JSON object, at byte 0");
  CHECK_EQ(made.why(4), "items: row 4: y: the label is not 1, 0, -1 or a probability: '3'");
  CHECK_EQ(made.why(5), "items: row 5: the row is not a JSON object, at byte 6");
  CHECK_EQ(made.why(6), "items: row 6: n: the column's rule rejects the cell");
  const fms_rows no_user = host.json({R"({"n":2})"}), no_row = host.json({"{"});
  CHECK_EQ(made.user(&no_user).message(), "user: u: the column's rule rejects the cell");
  CHECK_EQ(made.user(&no_row).message(), "user: the row is not a JSON object, at byte 1");
}

TEST(rows_that_are_too_long) {
  const auto plan = columns_of("'u': {'role': 'user'}, 'a': {}, 'l': {'type': 'list'}");
  const std::string half(line_bytes_max / 2, 'x');
  row_host host(3);
  host.texts("a", {half, half, "b"});
  host.lists("l", {{half}, {half.substr(1)}, {}});
  const fms_rows rows = host.rows();
  scratch made(plan);
  CHECK_OK(made.user(nullptr));
  CHECK_OK(made.begin(rows));
  CHECK_EQ(made.why(0), "items: row 0: the line is longer than 16 MiB");
  CHECK_EQ(made.item(1).size(), size_t{3});
  CHECK_EQ(made.item(2).size(), size_t{3});
  const fms_rows json = host.json({"{\"a\":\"" + half + half + "\"}", "{}"});
  CHECK_OK(made.begin(json));
  CHECK_EQ(made.why(0), "items: row 0: the line is longer than 16 MiB");
  CHECK_EQ(made.item(1).size(), size_t{3});
}

// What begin_items says of a host whose column was spoiled.
template <class Spoil>
std::string refused(const Spoil& spoil) {
  const auto plan = columns_of(columns, crosses);
  scratch made(plan);
  row_host host = host_of_rows();
  spoil(host);
  const fms_rows rows = host.rows();
  CHECK_OK(made.user(nullptr));
  const status got = made.begin(rows);
  CHECK_EQ(got.code(), errc::invalid);
  return got.message();
}

TEST(columns_that_are_wrong) {
  const uint64_t falling[] = {0, 2, 1, 3};
  constexpr size_t c = 0, id = 1, title = 4, tags = 5, likes = 6;
  const auto of = [](row_host& host, size_t column) -> fms_column& {
    return host.columns()[column];
  };
  CHECK_EQ(refused([&](row_host& h) { of(h, id).values = nullptr; }),
           "items: column 'id': values is a null pointer");
  CHECK_EQ(refused([&](row_host& h) { of(h, title).values = nullptr; }),
           "items: column 'title': values is a null pointer");
  CHECK_EQ(refused([&](row_host& h) { of(h, likes).values = nullptr; }),
           "items: column 'likes': values is a null pointer");
  CHECK_EQ(refused([&](row_host& h) { of(h, c).offsets = nullptr; }),
           "items: column 'c': offsets is a null pointer");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).offsets = nullptr; }),
           "items: column 'tags': offsets is a null pointer");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).item_offsets = nullptr; }),
           "items: column 'tags': item_offsets is a null pointer");
  CHECK_EQ(refused([&](row_host& h) { of(h, title).offsets = falling; }),
           "items: column 'title': offsets falls at row 1, from 2 to 1");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).item_offsets = falling; }),
           "items: column 'tags': item_offsets falls in row 0 at item 1, from 2 to 1");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).type = 5; }),
           "items: column 'tags': type 5 is unknown");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).type = -1; }),
           "items: column 'tags': type -1 is unknown");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).name = "c"; }),
           "items: column 'c': it stands twice");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).name = nullptr; }),
           "items: column 5: name is a null pointer");
  const std::string size = std::to_string(sizeof(fms_column));
  CHECK_EQ(refused([&](row_host& h) { of(h, c).struct_size = 8; }),
           "items: column 0: struct_size is 8, not " + size + ": set it by FMS_INIT");
  CHECK_EQ(refused([&](row_host& h) { of(h, tags).struct_size = 0; }),
           "items: column 5: struct_size is 0, not " + size + ": set it by FMS_INIT");
}

// A host of a later version: larger columns.
TEST(columns_may_grow) {
  struct later {
    fms_column column;
    uint64_t more[2];
  };
  const auto plan = columns_of("'a': {}, 'b': {}");
  row_host host(1);
  host.texts("a", {"p"});
  host.texts("b", {"q"});
  later columns_later[2] = {{host.columns()[0], {1, 2}}, {host.columns()[1], {3, 4}}};
  for (later& each : columns_later) each.column.struct_size = sizeof(later);
  fms_rows rows = host.rows();
  rows.columns = &columns_later[0].column;
  scratch made(plan);
  CHECK_OK(made.user(nullptr));
  CHECK_OK(made.begin(rows));
  CHECK(made.item(0) == (features{{id_of("a=p"), 1}, {id_of("b=q"), 1}}));
}

TEST(no_rows) {
  const auto plan = columns_of("'a': {}");
  scratch made(plan);
  row_host host(0);
  host.add("a", FMS_COLUMN_DOUBLE);
  CHECK_OK(made.user(nullptr));
  CHECK_OK(made.begin(host.rows()));
  host.columns()[0].type = FMS_COLUMN_LIST;
  CHECK_OK(made.begin(host.rows()));
}

}  // namespace
}  // namespace fmtrain
