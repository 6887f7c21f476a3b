// Arbitrary bytes as rows of a delimited file: whatever they are, cells lie within the line or the
// reader, are what a splitter of one byte after the other gives, and say truly whether they are
// plain.
//
// Byte 0: bits 0-1 the dialect, bit 2 a header in the first line, the rest the number of columns.
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "encode/names.h"
#include "encode/row_reader.h"
#include "feature/hash.h"
#include "fuzz.h"

using namespace fmtrain;

namespace {

constexpr dialect dialects[] = {{'\t', 0, false, false},
                                {',', '"', false, false},
                                {',', '"', false, true},
                                {';', '\'', false, true}};

// A line in a block of its own: a byte beyond the padding is an error of the sanitizer.
struct own_line {
  explicit own_line(std::string_view line)
      : text(new char[line.size() + padding_bytes + 1]()), size(line.size()) {
    line.copy(text.get(), size);
    text[size] = '\n';
  }
  std::unique_ptr<char[]> text;
  size_t size;
};

// Without quotes at the start of cells: how many there are is then the separators' number alone.
void check_cells(std::string_view line, const dialect& how, const std::vector<cell>& cells) {
  size_t bytes = 0;
  for (const cell& c : cells) {
    FUZZ_CHECK(c.kind == cell_kind::text && c.size <= line.size());
    volatile char sum = 0;
    for (size_t i = 0; i < c.size + padding_bytes; ++i) sum = static_cast<char>(sum ^ c.text[i]);
    bool plain = true;
    for (size_t i = 0; i < c.size; ++i) plain = plain && !needs_escape(c.text[i]);
    FUZZ_CHECK(c.plain == plain);
    bytes += c.size + 1;
  }
  FUZZ_CHECK(bytes <= line.size() + 1);
  if (how.quote != 0 && line.find(how.quote) != line.npos) return;
  size_t at = 0;
  for (const cell& c : cells) {
    const size_t end = std::min(line.find(how.separator, at), line.size());
    std::string_view want = line.substr(at, end - at);
    if (how.trim) {
      while (!want.empty() && (want.front() == ' ' || want.front() == '\t')) want.remove_prefix(1);
      while (!want.empty() && (want.back() == ' ' || want.back() == '\t')) want.remove_suffix(1);
    }
    FUZZ_CHECK(std::string_view(c.text, c.size) == want);
    at = end + 1;
  }
  FUZZ_CHECK(at == line.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const dialect& how = dialects[data[0] & 3];
  bool header = (data[0] & 4) != 0;
  const size_t columns = 1 + (data[0] >> 3);
  std::vector<std::string> names;
  row_layout layout;
  layout.columns = columns;
  for (size_t i = 0; i < columns; ++i) {
    names.push_back(std::string(1, static_cast<char>('a' + i)));
    layout.column_at.push_back(static_cast<int32_t>(i));
  }
  std::unique_ptr<row_reader> reader = make_delimited_reader(how, layout);
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  while (!rest.empty()) {
    const std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    const own_line line(text);
    const char* const first = line.text.get();
    const char* const last = first + line.size;
    if (header) {
      header = false;
      const status got =
          read_header(first, last, how, names, std::vector<bool>(columns), "x", &layout);
      FUZZ_CHECK(got.message().size() < 1000);
      if (!got.ok()) return 0;
      FUZZ_CHECK(layout.columns == columns && !layout.column_at.empty());
      reader = make_delimited_reader(how, layout);
      continue;
    }
    std::vector<cell> cells(columns);
    const parse_result got = reader->read(first, last, cells.data());
    FUZZ_CHECK(got.where >= first && got.where <= last);
    FUZZ_CHECK(got.kind == line_kind::sample || got.kind == line_kind::blank ||
               got.kind == line_kind::ragged || got.kind == line_kind::open_quote);
    if (got.kind == line_kind::sample && (data[0] & 4) == 0) check_cells(text, how, cells);
  }
  return 0;
}
