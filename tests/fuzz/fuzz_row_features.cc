// Arbitrary bytes as rows of a host: as JSON they give the features that the encoder of golden rows
// gives; as columns, whatever their offsets say, nothing is read outside of them; and a user with
// items gives what the joined rows give.
//
// Byte 0: the schema (low bits), the form of the user (bit 4) and of the items (bit 5). Of JSON
// lines follow, the user's first. Of columns: see table.
#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "encode/golden.h"
#include "fuzz.h"
#include "serve/row_features.h"
#include "serve/rows_check.h"

using namespace fmtrain;

namespace {

// Every type; sides joined by crosses before and behind their parts.
const char* const schemas[] = {
    R"({"columns": {"a": {"role": "user"}, "b": {"role": "item"}, "c": {}}})",
    R"({"missing": ["x"], "columns": {"a": {"type": "list", "role": "user"},
        "b": {"type": "weighted-list", "role": "item", "invalid-as": "reject"},
        "c": {"type": "text"}, "d": {"type": "number", "role": "item"}, "y": {"role": "label"}},
        "features": {"p": {"cross": ["a", "q"]}, "q": {"from": "d", "transforms": ["round"]},
        "r": {"cross": ["a", "b", "c"]}}})",
    R"({"columns": {"a": {"type": "text", "role": "user"}, "b": {"type": "timestamp",
        "role": "ignore"}, "c": {"type": "number", "role": "user", "missing-as": "reject"},
        "d": {"type": "list", "transforms": ["hash 9"]}, "y": {"role": "key"}},
        "features": {"h": {"from": "b", "transforms": ["hour"], "emit": false},
        "u": {"cross": ["a", "c"]}, "v": {"cross": ["h", "d"]}}})"};
const char* const names[] = {"a", "b", "c", "d", "y", "zz"};

// Takes numbers off the front; 0 where there are no more.
class bytes_in {
 public:
  bytes_in(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::string_view rest() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const uint8_t* data_;
  size_t size_;
};

// A host's columns. What its offsets end at, it has: the text is as long as the largest of them.
struct table {
  std::vector<fms_column> columns;
  std::deque<std::unique_ptr<char[]>> kept;

  template <class T>
  const T* keep(const std::vector<T>& values) {
    kept.push_back(std::make_unique<char[]>(values.size() * sizeof(T)));
    if (!values.empty()) std::memcpy(kept.back().get(), values.data(), values.size() * sizeof(T));
    return reinterpret_cast<const T*>(kept.back().get());
  }

  // count + 1 offsets, mostly rising; *last: the largest.
  const uint64_t* offsets(bytes_in& in, uint64_t count, uint64_t* last) {
    std::vector<uint64_t> at(1, in.byte() % 3);
    for (uint64_t i = 0; i < count; ++i) {
      const uint8_t step = in.byte();
      at.push_back(step == 255 && at.back() > 0 ? at.back() - 1 : at.back() + step % 5);
    }
    *last = *std::max_element(at.begin(), at.end());
    return keep(at);
  }

  void add(bytes_in& in, uint64_t rows) {
    fms_column column{};
    column.struct_size = sizeof column;
    column.name = names[in.byte() % 6];
    column.type = in.byte() % 6;
    if (in.byte() == 7) column.type = -1;
    uint64_t values = rows * 8;
    if (column.type == FMS_COLUMN_TEXT || column.type >= FMS_COLUMN_LIST) {
      column.offsets = offsets(in, rows, &values);
    }
    if (column.type >= FMS_COLUMN_LIST) {
      const uint64_t items = values;
      column.item_offsets = offsets(in, items, &values);
      std::vector<float> weights;
      for (uint64_t i = 0; i < items; ++i) weights.push_back(static_cast<float>(in.byte() - 99));
      if (in.byte() % 2 == 0) column.weights = keep(weights);
    }
    std::vector<uint8_t> bytes;
    for (uint64_t i = 0; i < values; ++i) bytes.push_back(in.byte());
    column.values = in.byte() == 9 ? nullptr : static_cast<const void*>(keep(bytes));
    std::vector<uint8_t> missing;
    for (uint64_t i = 0; i < rows; ++i) missing.push_back(in.byte() == 3);
    if (in.byte() % 2 == 0) column.missing = keep(missing);
    if (in.byte() == 5) column.struct_size = 12;
    columns.push_back(column);
  }

  fms_rows rows(bytes_in& in, uint64_t count) {
    const int width = in.byte() % 6;
    for (int i = 0; i < width; ++i) add(in, count);
    fms_rows out{};
    out.struct_size = sizeof out;
    out.form = FMS_ROWS_COLUMNS;
    out.rows = count;
    out.columns = columns.data();
    out.column_count = columns.size();
    return out;
  }
};

struct json_lines {
  std::vector<std::string> rows;
  std::vector<uint64_t> at{0};
  std::unique_ptr<char[]> text;

  explicit json_lines(const std::vector<std::string>& from) : rows(from) {
    for (const std::string& row : rows) at.push_back(at.back() + row.size());
    text = std::make_unique<char[]>(at.back());
    for (size_t i = 0; i < rows.size(); ++i) rows[i].copy(text.get() + at[i], rows[i].size());
  }
  fms_rows given() const {
    fms_rows out{};
    out.struct_size = sizeof out;
    out.form = FMS_ROWS_JSON;
    out.rows = rows.size();
    out.text = text.get();
    out.text_ptr = at.data();
    return out;
  }
};

std::string bits(const batch& in) {
  std::string out(reinterpret_cast<const char*>(in.id.data()), in.features * sizeof(uint64_t));
  return out.append(reinterpret_cast<const char*>(in.x.data()), in.features * sizeof(float));
}

std::shared_ptr<const encoder> compiled(size_t schema) {
  std::shared_ptr<const encoder> plan;
  FUZZ_CHECK(encoder::compile(schemas[schema], {}, 3, &plan).ok());
  return plan;
}

// The features of an item, or why there are none. A second time they are the same.
std::string item_of(row_features& made, uint64_t row) {
  static batch out;
  std::string first;
  for (int time = 0; time < 2; ++time) {
    out.clear();
    uint32_t rest = 0;
    const parse_result got = made.add_item(row, out, &rest);
    FUZZ_CHECK(out.samples == (is_bad(got.kind) ? 0u : 1u) && rest <= out.features);
    const std::string now = is_bad(got.kind) ? made.why_bad(row, got) : bits(out);
    FUZZ_CHECK(!is_bad(got.kind) || now.find("items: row ") == 0);
    FUZZ_CHECK(time == 0 || now == first);
    first = now;
  }
  return first;
}

bool starts(row_features& made, const fms_rows* user, const fms_rows& items, batch& out) {
  if (user != nullptr && !check_rows(*user, "user").ok()) return false;
  if (!check_rows(items, "items").ok()) return false;
  out.clear();
  const status taken = made.set_user(user, out);
  FUZZ_CHECK(taken.ok() || taken.message().find("user: ") == 0);
  if (!taken.ok()) return false;
  const status begun = made.begin_items(items);
  FUZZ_CHECK(begun.ok() || begun.message().find("items: column ") == 0);
  return begun.ok();
}

// Whole rows, one encoded by itself each.
void check_whole(const encoder& plan, const json_lines& lines) {
  row_features made(plan);
  batch none;
  if (!starts(made, nullptr, lines.given(), none)) return;
  for (size_t row = 0; row < lines.rows.size(); ++row) {
    const std::string got = item_of(made, row);
    batch alone;
    if (encode_row(plan, lines.rows[row], alone).ok() && alone.samples == 1) {
      FUZZ_CHECK(got == bits(alone));
    } else {
      FUZZ_CHECK(got.find("items: row ") == 0);
    }
  }
}

// Rows that have all columns, each as a user and as an item of itself.
void check_joined(const encoder& plan, const fms_rows& rows) {
  row_features whole(plan), pieces(plan);
  batch none, user;
  if (rows.rows != 1 || !starts(whole, nullptr, rows, none)) return;
  const std::string expected = item_of(whole, 0);
  if (!starts(pieces, &rows, rows, user)) {
    FUZZ_CHECK(expected.find("items: row ") == 0);
    return;
  }
  batch out;
  uint32_t rest = 0;
  const parse_result got = pieces.add_item(0, out, &rest);
  FUZZ_CHECK(is_bad(got.kind) == (expected.find("items: row ") == 0));
  if (is_bad(got.kind)) return;
  batch joined;
  joined.reserve_features(user.features + out.features);
  for (const batch* const in : {&user, &out}) {
    for (size_t i = 0; i < in->features; ++i) joined.add_feature(in->id[i], in->x[i], {0, 0});
  }
  FUZZ_CHECK(bits(joined) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bytes_in in(data, size);
  const uint8_t how = in.byte();
  static const std::shared_ptr<const encoder> plans[] = {compiled(0), compiled(1), compiled(2)};
  const std::shared_ptr<const encoder>& plan = plans[how % 3];
  table user_columns, item_columns;
  fms_rows user, items;
  const bool columns_user = (how & 16) != 0, columns_items = (how & 32) != 0;
  if (columns_user) user = user_columns.rows(in, 1);
  if (columns_items) items = item_columns.rows(in, 1 + in.byte() % 4);
  std::vector<std::string> lines;
  for (std::string_view rest = in.rest(); !rest.empty();) {
    lines.emplace_back(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), lines.back().size() + 1));
  }
  const json_lines all(lines), first({lines.empty() ? "{}" : lines[0]});
  if (!columns_user) user = first.given();
  if (!columns_items) items = all.given();
  check_whole(*plan, all);
  check_joined(*plan, user);
  row_features made(*plan);
  batch out;
  if (!starts(made, &user, items, out)) return 0;
  for (uint64_t row = 0; row < items.rows; ++row) item_of(made, row);
  return 0;
}
