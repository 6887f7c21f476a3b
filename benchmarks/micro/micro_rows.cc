// Raw rows -> cells: TSV, CSV with and without quotes, JSON lines; 39 columns as in click logs.
// Cells
// -> samples: by a schema of bins and categories, and by one with crosses.
#include <string_view>
#include <vector>

#include "encode/row_encoder.h"
#include "encode/row_reader.h"
#include "micro.h"

namespace fmtrain::micro {
namespace {

constexpr size_t rows = 1000;
constexpr size_t numbers = 13, columns = 39;

// What stands in a cell: a small number, a category of 8 hex digits, or nothing in one of ten.
std::string value_at(size_t row, size_t column) {
  const uint64_t random = nth_id(row * columns + column);
  if (random % 10 == 0) return "";
  char text[24];
  std::snprintf(text, sizeof(text), column < numbers ? "%llu" : "%08llx",
                static_cast<unsigned long long>(column < numbers ? random % 1000 : random >> 32));
  return text;
}

enum class form { tsv, csv, quoted_csv, trimmed_csv, json };

std::string cell_text(form how, size_t row, size_t column) {
  const std::string value = value_at(row, column);
  if (how == form::quoted_csv && column >= numbers) return "\"" + value + "\"";
  if (how == form::trimmed_csv) return " " + value;
  if (how != form::json) return value;
  const std::string member = "\"c" + std::to_string(column) + "\": ";
  if (value.empty()) return member + "null";
  return member + (column < numbers ? value : "\"" + value + "\"");
}

std::string text_of(form how) {
  std::string out;
  for (size_t row = 0; row < rows; ++row) {
    if (how == form::json) out += '{';
    for (size_t column = 0; column < columns; ++column) {
      if (column > 0) out += how == form::tsv ? "\t" : how == form::json ? ", " : ",";
      out += cell_text(how, row, column);
    }
    out += how == form::json ? "}\n" : "\n";
  }
  return out;
}

std::unique_ptr<row_reader> reader_of(form how) {
  if (how == form::json) {
    std::vector<std::string> names;
    for (size_t i = 0; i < columns; ++i) names.push_back("c" + std::to_string(i));
    return make_json_reader(names);
  }
  row_layout layout;
  layout.columns = columns;
  for (size_t i = 0; i < columns; ++i) layout.column_at.push_back(static_cast<int32_t>(i));
  dialect dialect_of;
  dialect_of.separator = how == form::tsv ? '\t' : ',';
  dialect_of.quote = how == form::tsv ? '\0' : '"';
  dialect_of.trim = how == form::trimmed_csv;
  return make_delimited_reader(dialect_of, layout);
}

// Hands every line of a chunk, with the padding behind it, to the reader.
template <class Done>
void read_all(const chunk& text, row_reader& reader, cell* cells, Done done) {
  const char* const end = text.data.get() + text.size;
  for (const char* first = text.data.get(); first < end;) {
    const auto* const last =
        static_cast<const char*>(std::memchr(first, '\n', static_cast<size_t>(end - first)));
    done(reader.read(first, last, cells));
    first = last + 1;
  }
}

void check(const chunk& text, form how) {
  const auto reader = reader_of(how);
  std::vector<cell> cells(columns);
  size_t row = 0;
  read_all(text, *reader, cells.data(), [&](const parse_result& got) {
    require(got.kind == line_kind::sample, "a row");
    for (size_t i = 0; i < columns; ++i) {
      const std::string want = value_at(row, i);
      const bool missing = how == form::json && want.empty();
      require(cells[i].kind == (missing ? cell_kind::missing : cell_kind::text), "a kind");
      require(missing || std::string_view(cells[i].text, cells[i].size) == want, "a cell");
    }
    ++row;
  });
  require(row == rows, "the number of rows");
}

void read(benchmark::State& state, form how) {
  const chunk text = chunk_of(text_of(how));
  check(text, how);
  const auto reader = reader_of(how);
  std::vector<cell> cells(columns);
  for (auto _ : state) {
    read_all(text, *reader, cells.data(),
             [&](const parse_result&) { benchmark::DoNotOptimize(cells.data()); });
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * rows));
}

BENCHMARK_CAPTURE(read, tsv, form::tsv);
BENCHMARK_CAPTURE(read, csv, form::csv);
BENCHMARK_CAPTURE(read, quoted_csv, form::quoted_csv);
BENCHMARK_CAPTURE(read, trimmed_csv, form::trimmed_csv);
BENCHMARK_CAPTURE(read, json_lines, form::json);

std::shared_ptr<const encoder> encoder_with(const std::string& features) {
  std::string text = "{\"columns\": {";
  for (size_t i = 0; i < columns; ++i) {
    text += (i > 0 ? ", \"c" : "\"c") + std::to_string(i) + "\": {";
    // Roles in turn, as the columns of a log have them.
    text += i % 3 == 0 ? "\"role\": \"user\"" : "\"role\": \"item\"";
    text += i >= numbers ? "}" : R"(, "type": "number", "transforms": ["boundaries 1 10 99 500"]})";
  }
  text += "}, \"features\": {" + features + "}}";
  std::shared_ptr<const encoder> plan;
  require(encoder::compile(text, {}, 0, &plan).ok(), "a schema");
  return plan;
}

std::vector<cell> cells_of(const chunk& text) {
  const auto reader = reader_of(form::tsv);
  std::vector<cell> cells(rows * columns);
  cell* to = cells.data();
  const char* const end = text.data.get() + text.size;
  for (const char* first = text.data.get(); first < end; to += columns) {
    const auto* const last =
        static_cast<const char*>(std::memchr(first, '\n', static_cast<size_t>(end - first)));
    reader->read(first, last, to);
    first = last + 1;
  }
  return cells;
}

// Whole rows, or items of a user, who is every hundredth row.
void encode(benchmark::State& state, const char* features, bool items) {
  const chunk text = chunk_of(text_of(form::tsv));
  const std::vector<cell> cells = cells_of(text);
  const auto plan = encoder_with(features);
  row_encoder encoder_of(*plan, {false, false});
  batch user, out;
  uint32_t rest = 0;
  for (auto _ : state) {
    for (size_t row = 0; row < rows; ++row) {
      const cell* const of = cells.data() + row * columns;
      if (items && row % 100 == 0) {
        user.clear();
        encoder_of.begin(user);
        encoder_of.set_user(of, user);
      }
      if (out.full() || row == 0) {
        out.clear();
        encoder_of.begin(out);
      }
      const parse_result got =
          items ? encoder_of.add_item(of, row, out, &rest) : encoder_of.add(of, row, out);
      benchmark::DoNotOptimize(got);
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * rows));
}

constexpr char some_crosses[] =
    R"("x": {"cross": ["c15", "c16"]}, "y": {"cross": ["c17", "c20", "c18"]})";
BENCHMARK_CAPTURE(encode, columns_alone, "", false);
BENCHMARK_CAPTURE(encode, crosses, some_crosses, false);
BENCHMARK_CAPTURE(encode, items_of_columns_alone, "", true);
BENCHMARK_CAPTURE(encode, items_of_crosses, some_crosses, true);

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
