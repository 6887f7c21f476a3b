#include "encode/golden.h"

#include <cmath>
#include <cstring>

#include "encode/row_encoder.h"
#include "encode/row_reader.h"
#include "encode/transform.h"

namespace fmtrain {
namespace {

void append_string(std::string& to, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  to.push_back('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20) {
      const char code[6] = {'\\', 'u', '0', '0', digits[u >> 4], digits[u & 15]};
      to.append(code, sizeof code);
    } else {
      if (c == '"' || c == '\\') to.push_back('\\');
      to.push_back(c);
    }
  }
  to.push_back('"');
}

void append_number(std::string& to, double value) {
  if (std::isnan(value)) {
    to.append("null");
    return;
  }
  if (std::isinf(value)) {
    to.append(value < 0 ? "-1e999" : "1e999");
    return;
  }
  char digits[32];
  to.append(digits, write_number(digits, value));
}

void append_items(std::string& to, const cell& c) {
  const bool weighted = c.size > 0 && c.items[0].has_weight;
  to.push_back(weighted ? '{' : '[');
  for (uint32_t i = 0; i < c.size; ++i) {
    if (i > 0) to.push_back(',');
    append_string(to, {c.items[i].text, c.items[i].size});
    if (!weighted) continue;
    to.push_back(':');
    append_number(to, c.items[i].weight);
  }
  to.push_back(weighted ? '}' : ']');
}

void append_cell(std::string& to, const cell& c) {
  switch (c.kind) {
    case cell_kind::missing: to.append("null"); break;
    case cell_kind::text: append_string(to, {c.text, c.size}); break;
    case cell_kind::number: append_number(to, c.number); break;
    case cell_kind::boolean: to.append(c.number != 0 ? "true" : "false"); break;
    case cell_kind::items: append_items(to, c); break;
    case cell_kind::invalid: to.append("[[]]"); break;
  }
}

}  // namespace

std::string row_text(const encoder& plan, const cell* cells) {
  std::string text = "{";
  const std::vector<column_plan>& columns = plan.plan().columns;
  for (size_t column = 0; column < columns.size(); ++column) {
    if (!plan.reads(column) || cells[column].kind == cell_kind::missing) continue;
    if (text.size() > 1) text.push_back(',');
    append_string(text, columns[column].name);
    text.push_back(':');
    append_cell(text, cells[column]);
  }
  return text.append("}");
}

status encode_row(const encoder& plan, const std::string& row, batch& out) {
  const std::unique_ptr<row_reader> reader = make_json_reader(plan.column_names());
  std::vector<char> line(row.size() + 1 + padding_bytes);
  std::memcpy(line.data(), row.data(), row.size());
  line[row.size()] = '\n';
  std::vector<cell> cells(plan.plan().columns.size());
  const char* const first = line.data();
  parse_result got = reader->read(first, first + row.size(), cells.data());
  row_encoder rows(plan, {false, false});
  rows.begin(out);
  if (got.kind == line_kind::sample) got = rows.add(cells.data(), 1, out);
  rows.end(out);
  if (got.kind == line_kind::sample) return {};
  return {errc::invalid, reason_text(got.kind)};
}

void golden_log::keep(const encoder& plan, const cell* cells) {
  std::string row = row_text(plan, cells);
  if (row.size() > bytes_max) return;
  const std::lock_guard<std::mutex> hold(lock_);
  if (rows_.size() < rows_max) rows_.push_back(std::move(row));
  kept_.store(rows_.size(), std::memory_order_relaxed);
}

std::vector<std::string> golden_log::rows() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return rows_;
}

}  // namespace fmtrain
