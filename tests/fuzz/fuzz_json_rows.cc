// Arbitrary bytes as JSON lines: whatever they are, every cell and item can be read with the
// padding behind it, and a row gives the same cells to a reader that has seen others before.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "encode/row_reader.h"
#include "feature/hash.h"
#include "fuzz.h"

using namespace fmtrain;

namespace {

const std::vector<std::string> columns = {"a", "b", "label", "", "\xc3\xa9\n"};

void append(std::string* out, const char* text, size_t size) {
  volatile char sum = 0;
  for (size_t i = 0; i < padding_bytes; ++i) sum = static_cast<char>(sum ^ text[size + i]);
  out->append(text, size).push_back('\x1e');
}

std::string cells_of(row_reader& reader, std::string_view line) {
  const std::unique_ptr<char[]> text(new char[line.size() + padding_bytes + 1]());
  line.copy(text.get(), line.size());
  text[line.size()] = '\n';
  const char* const first = text.get();
  const char* const last = first + line.size();
  std::vector<cell> cells(columns.size());
  for (cell& c : cells) c.kind = cell_kind::number;
  const parse_result got = reader.read(first, last, cells.data());
  FUZZ_CHECK(got.where >= first && got.where <= last);
  std::string out = reason_name(got.kind) + std::to_string(got.where - first);
  if (got.kind != line_kind::sample) {
    FUZZ_CHECK(got.kind == line_kind::blank || got.kind == line_kind::bad_json);
    return out;
  }
  for (const cell& c : cells) {
    out.push_back(static_cast<char>('0' + static_cast<int>(c.kind)));
    FUZZ_CHECK(c.kind != cell_kind::number);
    if (c.kind == cell_kind::boolean) FUZZ_CHECK(c.number == 0 || c.number == 1);
    if (c.kind == cell_kind::text) append(&out, c.text, c.size);
    if (c.kind != cell_kind::items) continue;
    FUZZ_CHECK(c.size <= line.size());
    for (size_t i = 0; i < c.size; ++i) {
      append(&out, c.items[i].text, c.items[i].size);
      FUZZ_CHECK(c.items[i].has_weight || c.items[i].weight == 1);
      out += std::to_string(c.items[i].has_weight) + std::to_string(c.items[i].weight);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto reader = make_json_reader(columns);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::string seen = cells_of(*reader, line);
    FUZZ_CHECK(seen == cells_of(*make_json_reader(columns), line));
    FUZZ_CHECK(seen == cells_of(*reader, line));
  }
  return 0;
}
