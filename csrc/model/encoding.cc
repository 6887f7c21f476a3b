#include "model/encoding.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fmtrain {
namespace {

enum class part_kind : uint32_t { schema = 1, forest = 2, golden = 3, guards = 4 };

template <class T>
void append(std::string& to, const T* values, size_t count) {
  to.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

void append_part(std::string& to, part_kind kind, const std::string& bytes) {
  const uint32_t head[2] = {static_cast<uint32_t>(kind), 0};
  const uint64_t size = bytes.size();
  append(to, head, 2);
  append(to, &size, 1);
  to.append(bytes);
}

// Takes numbers and bytes off the front; false where there are too few.
class part_reader {
 public:
  explicit part_reader(std::string_view bytes) : left_(bytes) {}

  template <class T>
  bool take(T* values, size_t count) {
    if (left_.size() / sizeof(T) < count) return false;
    if (count > 0) std::memcpy(values, left_.data(), count * sizeof(T));
    left_.remove_prefix(count * sizeof(T));
    return true;
  }
  bool take(std::string_view* bytes, uint64_t size) {
    if (left_.size() < size) return false;
    *bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  std::string_view left() const { return left_; }

 private:
  std::string_view left_;
};

std::string pack_golden(const golden_row& row) {
  std::string bytes;
  const uint32_t sizes[2] = {static_cast<uint32_t>(row.row.size()),
                             static_cast<uint32_t>(row.id.size())};
  append(bytes, sizes, 2);
  bytes.append(row.row);
  append(bytes, row.id.data(), row.id.size());
  append(bytes, row.x.data(), row.x.size());
  append(bytes, &row.score, 1);
  return bytes;
}

bool unpack_golden(std::string_view bytes, golden_row* out) {
  part_reader reader(bytes);
  uint32_t sizes[2];
  std::string_view row;
  if (!reader.take(sizes, 2) || !reader.take(&row, sizes[0])) return false;
  if (reader.left().size() != sizes[1] * (sizeof(uint64_t) + sizeof(float)) + sizeof(float)) {
    return false;
  }
  out->row = row;
  out->id.resize(sizes[1]);
  out->x.resize(sizes[1]);
  return reader.take(out->id.data(), sizes[1]) && reader.take(out->x.data(), sizes[1]) &&
         reader.take(&out->score, 1);
}

using feature_list = std::vector<std::pair<uint64_t, uint32_t>>;  // id, bits of x

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

bool same_features(const batch& in, const golden_row& was, bool in_order) {
  feature_list is, expected;
  for (size_t i = 0; i < in.features; ++i) is.emplace_back(in.id[i], bits_of(in.x[i]));
  for (size_t i = 0; i < was.id.size(); ++i) expected.emplace_back(was.id[i], bits_of(was.x[i]));
  if (!in_order) {
    std::sort(is.begin(), is.end());
    std::sort(expected.begin(), expected.end());
  }
  return is == expected;
}

struct unpacked_parts {
  std::string_view schema;
  std::vector<named_forest> forests;
};

status take_forest(std::string_view bytes, unpacked_parts* parts) {
  part_reader reader(bytes);
  uint32_t size = 0;
  std::string_view name;
  if (!reader.take(&size, 1) || !reader.take(&name, size)) {
    return {errc::format, "a forest's name is cut"};
  }
  std::unique_ptr<const forest> trees;
  FMTRAIN_TRY(forest::read(reader.left(), "forest " + std::string(name), &trees));
  parts->forests.push_back({std::string(name), std::move(trees)});
  return {};
}

}  // namespace

void take_features(const golden_row& row, batch& out) {
  out.clear();
  out.reserve_features(row.id.size());
  for (size_t i = 0; i < row.id.size(); ++i) out.add_feature(row.id[i], row.x[i], {0, 0});
  out.add_sample(0, 1, {}, 1);
}

void encoding::add_run(row_input& input) {
  if (rows.empty()) rows = input.golden().rows();
  add_guards(guards, input.guards().counts());
}

std::string pack_encoding(const encoding& of, const std::vector<golden_row>& golden) {
  std::string payload;
  if (of.plan != nullptr) {
    append_part(payload, part_kind::schema, of.plan->text());
    for (size_t f = 0; f < of.plan->plan().forests.size(); ++f) {
      const std::string& name = of.plan->plan().forests[f].name;
      const auto size = static_cast<uint32_t>(name.size());
      std::string bytes;
      append(bytes, &size, 1);
      append_part(payload, part_kind::forest, bytes.append(name).append(of.plan->trees(f).pack()));
    }
  }
  for (const golden_row& row : golden) append_part(payload, part_kind::golden, pack_golden(row));
  if (of.plan != nullptr) {
    std::string guards;
    append(guards, of.guards.data(), of.guards.size());
    append_part(payload, part_kind::guards, guards);
  }
  return payload;
}

status unpack_encoding(const std::string& payload, uint32_t hash_seed, encoding* out,
                       std::vector<golden_row>* expected) {
  unpacked_parts parts;
  part_reader reader(payload);
  while (!reader.left().empty()) {
    uint32_t head[2];
    uint64_t size = 0;
    std::string_view bytes;
    if (!reader.take(head, 2) || !reader.take(&size, 1) || !reader.take(&bytes, size)) {
      return {errc::format, "a part of its encoder is cut"};
    }
    switch (static_cast<part_kind>(head[0])) {
      case part_kind::schema: parts.schema = bytes; break;
      case part_kind::forest: FMTRAIN_TRY(take_forest(bytes, &parts)); break;
      case part_kind::golden:
        if (!unpack_golden(bytes, &expected->emplace_back())) {
          return {errc::format, "a golden row is cut"};
        }
        out->rows.push_back(expected->back().row);
        break;
      case part_kind::guards:
        out->guards.resize(bytes.size() / sizeof(column_guard));
        if (!part_reader(bytes).take(out->guards.data(), out->guards.size())) {
          return {errc::format, "its guards are cut"};
        }
        break;
      default: return {errc::format, "its encoder has a part of unknown kind"};
    }
  }
  if (parts.schema.empty()) {
    const auto encoded = [](const golden_row& row) { return !row.row.empty(); };
    const bool rows = std::any_of(expected->begin(), expected->end(), encoded);
    return rows ? status(errc::format, "it has golden rows and no schema") : status();
  }
  FMTRAIN_TRY(encoder::compile(parts.schema, parts.forests, hash_seed, &out->plan));
  if (out->guards.size() > out->plan->plan().columns.size()) {
    return {errc::format, "it has guards of columns that its schema lacks"};
  }
  return out->plan->check_fitted();
}

std::vector<golden_row> make_golden(const encoding& of, const sample_score& score) {
  std::vector<golden_row> made;
  for (const std::string& row : of.rows) {
    batch in;
    if (!encode_row(*of.plan, row, in).ok()) continue;
    const auto features = static_cast<ptrdiff_t>(in.features);
    made.push_back({row,
                    {in.id.begin(), in.id.begin() + features},
                    {in.x.begin(), in.x.begin() + features},
                    score(in)});
  }
  return made;
}

status check_golden(const encoder* plan, const sample_score& score,
                    const std::vector<golden_row>& expected, bool in_order) {
  for (const golden_row& was : expected) {
    batch in;
    const bool encodes = was.row.empty() || encode_row(*plan, was.row, in).ok();
    const char* what = nullptr;
    if (!encodes || (!was.row.empty() && !same_features(in, was, in_order))) {
      what = "becomes other features";
    } else {
      take_features(was, in);
      const float is = score(in);
      if (std::memcmp(&is, &was.score, sizeof is) != 0) what = "scores otherwise";
    }
    if (what == nullptr) continue;
    return {errc::format, std::string("a golden row ") + what +
                              " here than where the model was saved: this build or machine must "
                              "not score with it; the row is " +
                              (was.row.empty() ? "a sample of ids" : was.row.substr(0, 200))};
  }
  return {};
}

}  // namespace fmtrain
