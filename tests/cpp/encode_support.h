// Schemas and rows in a line each, for tests of the encoder.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "encode/encoder.h"
#include "encode/row_encoder.h"
#include "encode/row_source.h"
#include "encode/sample_writer.h"
#include "row_cells.h"
#include "support.h"

namespace fmtrain {

// Written with ' for ".
inline std::string json_of(std::string text) {
  for (char& c : text) c = c == '\'' ? '"' : c;
  return text;
}

inline std::shared_ptr<const encoder> encoder_of(const std::string& schema_text,
                                                 uint32_t hash_seed = 0) {
  std::shared_ptr<const encoder> plan;
  CHECK_OK(encoder::compile(json_of(schema_text), {}, hash_seed, &plan));
  return plan;
}

// Columns alone.
inline std::shared_ptr<const encoder> columns_of(const std::string& columns,
                                                 const std::string& rest = "") {
  return encoder_of("{'columns': {" + columns + "}" + rest + "}");
}

struct encoded_row {
  line_kind kind = line_kind::sample;
  batch samples;
};

inline encoded_row encode_cells(const encoder& plan, const cell* cells, bool names = true) {
  encoded_row out;
  row_encoder rows(plan, {names, false});
  rows.begin(out.samples);
  out.kind = rows.add(cells, 1, out.samples).kind;
  rows.end(out.samples);
  CHECK_EQ(out.samples.samples, is_bad(out.kind) ? size_t{0} : size_t{1});
  return out;
}

// A row of JSON.
inline encoded_row encode_json(const encoder& plan, const std::string& row, bool names = true) {
  const padded_line line(json_of(row));
  const auto reader = make_json_reader(plan.column_names());
  std::vector<cell> cells(plan.plan().columns.size());
  CHECK_EQ(reader->read(line.first(), line.last(), cells.data()).kind, line_kind::sample);
  return encode_cells(plan, cells.data(), names);
}

// "a=1 b:0.5", or the reason why the row is bad. Ids are checked on the way: with names or
// without, they are the names' hashes.
inline std::string shown(const encoder& plan, const encoded_row& row) {
  if (is_bad(row.kind)) return std::string("bad: ") + reason_name(row.kind);
  std::string out;
  for (size_t i = 0; i < row.samples.features; ++i) {
    const std::string name(row.samples.name_of(i));
    CHECK_EQ(row.samples.id[i], id_of(name, plan.hash_seed()));
    out += (out.empty() ? "" : " ") + name;
    if (row.samples.x[i] != 1) out += ":" + check::show(row.samples.x[i]);
  }
  return out;
}

inline std::string features_of(const encoder& plan, const std::string& row) {
  const encoded_row with = encode_json(plan, row), without = encode_json(plan, row, false);
  CHECK_EQ(with.kind, without.kind);
  CHECK_EQ(with.samples.features, without.samples.features);
  const size_t size = with.samples.features;
  CHECK(std::memcmp(with.samples.id.data(), without.samples.id.data(), size * 8) == 0);
  CHECK(std::memcmp(with.samples.x.data(), without.samples.x.data(), size * 4) == 0);
  return shown(plan, with);
}

// A list of so many items, as a cell.
inline std::string list_of(size_t items) {
  std::string text;
  for (size_t i = 0; i < items; ++i) text += (i > 0 ? "," : "") + std::to_string(i);
  return "'" + text + "'";
}

}  // namespace fmtrain
