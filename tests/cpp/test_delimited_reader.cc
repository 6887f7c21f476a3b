// TSV and CSV rows: examples of every rule, and random rows against a splitter byte by byte.
#include "encode/names.h"
#include "row_cells.h"
#include "support.h"

namespace fmtrain {
namespace {

constexpr dialect tsv{'\t', 0, false, false};
constexpr dialect csv{',', '"', false, false};
constexpr dialect trimmed_csv{',', '"', false, true};
constexpr dialect trimmed_tsv{'\t', 0, false, true};

row_layout in_order(size_t columns) {
  row_layout layout;
  layout.columns = columns;
  for (size_t i = 0; i < columns; ++i) layout.column_at.push_back(static_cast<int32_t>(i));
  return layout;
}

std::string row(const dialect& how, std::string_view text, size_t columns) {
  const auto reader = make_delimited_reader(how, in_order(columns));
  return read_row(*reader, text, columns);
}

TEST(cells_stand_between_separators) {
  CHECK_EQ(row(tsv, "1\ta b\t", 3), "\"1\" \"a b\" \"\"");
  CHECK_EQ(row(tsv, "\t\t", 3), "\"\" \"\" \"\"");
  CHECK_EQ(row(tsv, "a,\"b", 1), "\"a,\"b\"");
  CHECK_EQ(row(csv, "a,b\tc,\r", 3), "\"a\" \"b\tc\" \"\r\"");
  CHECK_EQ(row(csv, "a\nb,c", 2), "\"a\nb\" \"c\"");  // a caller's line, not a chunk's
}

TEST(another_number_of_cells_is_ragged) {
  CHECK_EQ(row(tsv, "a\tb", 3), "ragged@3");
  CHECK_EQ(row(tsv, "a\tb\tc", 2), "ragged@4");
  CHECK_EQ(row(tsv, "a\tb\t", 2), "ragged@4");
  CHECK_EQ(row(tsv, "a", 2), "ragged@1");
  CHECK_EQ(row(trimmed_tsv, " ", 2), "ragged@1");
  CHECK_EQ(row(csv, "a,\"b\",\"c\"", 2), "ragged@6");
}

TEST(an_empty_line_is_blank_where_rows_have_several_cells) {
  CHECK_EQ(row(tsv, "", 2), "blank@0");
  CHECK_EQ(row(csv, "", 1), "\"\"");
  CHECK_EQ(row(csv, "\"\"", 1), "\"\"");
}

TEST(quotes) {
  CHECK_EQ(row(csv, "\"a,b\",c", 2), "\"a,b\" \"c\"");
  CHECK_EQ(row(csv, "\"a\"\"b\",\"\"\"\"", 2), "\"a\"b\" \"\"\"");
  CHECK_EQ(row(csv, "\"\",\"\"\"\"\"\"", 2), "\"\" \"\"\"\"");
  CHECK_EQ(row(csv, "a\"b,\"c\"", 2), "\"a\"b\" \"c\"");  // not at the cell's start
  CHECK_EQ(row(csv, " \"a\",b", 2), "\" \"a\"\" \"b\"");
  CHECK_EQ(row(dialect{'\t', '\'', false, false}, "'a\t''b'\t\"", 2), "\"a\t'b\" \"\"\"");
}

TEST(quotes_that_are_not_closed) {
  CHECK_EQ(row(csv, "a,\"b", 2), "open_quote@2");
  CHECK_EQ(row(csv, "\"a,b", 2), "open_quote@0");
  CHECK_EQ(row(csv, "a,\"", 2), "open_quote@2");
  CHECK_EQ(row(csv, "a,\"b\"\"", 2), "open_quote@2");
  CHECK_EQ(row(csv, "\"a\"b,c", 2), "open_quote@0");
  CHECK_EQ(row(csv, "\"a\" ,c", 2), "open_quote@0");
  CHECK_EQ(row(csv, "\"a\"b\"\",c", 2), "open_quote@0");
  CHECK_EQ(row(trimmed_csv, "a, \"b\" c", 2), "open_quote@3");
  CHECK_EQ(row(trimmed_csv, "a, \"b\"c ", 2), "open_quote@3");
}

TEST(blanks_around_cells) {
  CHECK_EQ(row(trimmed_csv, " a , b c\t,  ", 3), "\"a\" \"b c\" \"\"");
  CHECK_EQ(row(trimmed_csv, " \" a\" , \"\" ", 2), "\" a\" \"\"");
  CHECK_EQ(row(trimmed_tsv, " a\t\t b ", 3), "\"a\" \"\" \"b\"");
  CHECK_EQ(row(trimmed_csv,
               "\xa0"
               "a\xa0",
               1),
           "\"\xa0"
           "a\xa0\"");
}

TEST(cells_that_no_column_wants_and_columns_that_no_cell_gives) {
  row_layout layout;
  layout.columns = 4;
  layout.column_at = {2, row_layout::unread, 0, row_layout::unread};
  const auto reader = make_delimited_reader(csv, layout);
  CHECK_EQ(read_row(*reader, "a,b,c,d", 4), "\"c\" - \"a\" -");
  CHECK_EQ(read_row(*reader, "a,\"b,c\",d,\"e\"", 4), "\"d\" - \"a\" -");
  CHECK_EQ(read_row(*reader, "a,\"b,c,d,e", 4), "open_quote@2");
  CHECK_EQ(read_row(*reader, "a,b,c", 4), "ragged@5");
}

TEST(a_million_cells) {
  constexpr size_t cells = 1000000;
  std::string line = "1";
  for (size_t i = 1; i < cells; ++i) line += ",\"\"\"\"";
  const auto reader = make_delimited_reader(csv, in_order(cells));
  const padded_line padded(line);
  std::vector<cell> out(cells);
  CHECK_EQ(reader->read(padded.first(), padded.last(), out.data()).kind, line_kind::sample);
  for (size_t i = 1; i < cells; ++i) CHECK(out[i].size == 1 && *out[i].text == '"');
  CHECK_EQ(row(csv, line, 39), "ragged@" + std::to_string(1 + 38 * 5 + 1));
  CHECK_EQ(row(csv, std::string(cells, '"'), 1), "\"" + std::string(cells / 2 - 1, '"') + "\"");
  CHECK_EQ(row(csv, std::string(cells + 1, '"'), 1), "open_quote@0");
}

// ---- against the definition ----

struct plain_row {
  std::string outcome;             // "" or the reason and where
  std::vector<std::string> cells;  // unquoted and trimmed
};

// One byte after the other, as the rules are written in row_reader.h.
plain_row plain_split(const std::string& line, const dialect& how) {
  plain_row out;
  const auto blank = [&](char c) {
    return (c == ' ' || c == '\t') && c != how.separator && how.trim;
  };
  size_t at = 0;
  for (;;) {
    size_t open = at;
    while (open < line.size() && blank(line[open])) ++open;
    std::string text;
    if (how.quote != 0 && open < line.size() && line[open] == how.quote) {
      const std::string bad = "open_quote@" + std::to_string(open);
      at = open + 1;
      for (;; ++at) {
        if (at >= line.size()) return {bad, {}};
        if (line[at] != how.quote) {
          text += line[at];
        } else if (at + 1 < line.size() && line[at + 1] == how.quote) {
          text += line[at++];
        } else {
          break;
        }
      }
      ++at;
      while (at < line.size() && blank(line[at])) ++at;
      if (at < line.size() && line[at] != how.separator) return {bad, {}};
    } else {
      while (at < line.size() && line[at] != how.separator) text += line[at++];
      while (!text.empty() && blank(text.back())) text.pop_back();
      while (!text.empty() && blank(text.front())) text.erase(0, 1);
    }
    out.cells.push_back(text);
    if (at >= line.size()) return out;
    ++at;
  }
}

void check_row(const std::string& line, const dialect& how, row_reader& reader, size_t columns) {
  const padded_line padded(line);
  std::vector<cell> cells(columns);
  const parse_result got = reader.read(padded.first(), padded.last(), cells.data());
  const plain_row want = plain_split(line, how);
  if (line.empty()) {
    CHECK_EQ(got.kind, line_kind::blank);
  } else if (want.cells.size() != columns) {
    CHECK(got.kind == line_kind::ragged || got.kind == line_kind::open_quote);
    if (want.outcome.empty()) CHECK_EQ(got.kind, line_kind::ragged);
  } else {
    CHECK_EQ(got.kind, line_kind::sample);
    for (size_t i = 0; i < columns; ++i) {
      CHECK_EQ(text_of(cells[i]), want.cells[i]);
      bool plain = true;
      for (const char c : want.cells[i]) plain = plain && !needs_escape(c);
      CHECK_EQ(cells[i].plain, plain);
    }
  }
}

TEST(random_rows_against_a_splitter_byte_by_byte) {
  test_random random(17);
  const dialect dialects[] = {tsv,
                              csv,
                              trimmed_csv,
                              trimmed_tsv,
                              {'\t', '\'', false, true},
                              {':', '%', false, true},
                              {'\xff', '\x01', false, false},
                              {' ', '"', false, true}};
  for (const dialect& how : dialects) {
    constexpr size_t most = 12;
    std::vector<std::unique_ptr<row_reader>> readers;
    for (size_t n = 0; n <= most; ++n) readers.push_back(make_delimited_reader(how, in_order(n)));
    std::string alphabet = "ab :%&\t ";
    for (int i = 0; i < 3; ++i) alphabet += how.separator;
    for (int i = 0; i < 6 && how.quote != 0; ++i) alphabet += how.quote;
    for (int round = 0; round < 20000; ++round) {
      std::string line;
      const uint64_t rare = 1 + random.below(12);
      for (uint64_t i = random.below(round % 10 == 0 ? 300 : 20); i > 0; --i) {
        line += random.below(rare) == 0 ? random.pick(alphabet) : 'x';
      }
      const plain_row want = plain_split(line, how);
      const size_t cells = std::min(want.cells.size(), most);
      if (cells > 1) check_row(line, how, *readers[cells], cells);
      const size_t other = 2 + random.below(most - 1);
      check_row(line, how, *readers[other], other);
      if (!want.outcome.empty()) {
        CHECK_EQ(row(how, line, 100).substr(0, 11), want.outcome.substr(0, 11));
        CHECK_EQ(row(how, line, 100), want.outcome);
      }
    }
  }
}

// ---- the header ----

std::string header(std::string_view line, const std::vector<std::string>& columns,
                   const dialect& how = csv, std::vector<bool> required = {}) {
  required.resize(columns.size(), true);
  const padded_line padded(line);
  row_layout layout;
  const status got =
      read_header(padded.first(), padded.last(), how, columns, required, "raw.csv", &layout);
  if (!got.ok()) return got.message();
  CHECK_EQ(layout.columns, columns.size());
  std::string out;
  for (const int32_t column : layout.column_at) out += std::to_string(column) + " ";
  return out;
}

TEST(a_header_says_where_columns_stand) {
  CHECK_EQ(header("a,b,c", {"c", "a"}), "1 -1 0 ");
  CHECK_EQ(header("\xEF\xBB\xBFlabel,\"a,\"\"b\"\"\",,", {"a,\"b\"", "label"}), "1 0 -1 -1 ");
  CHECK_EQ(header(" a , \"b \"", {"a", "b "}, trimmed_csv), "0 1 ");
  CHECK_EQ(header("a\t\"b\"", {"\"b\""}, tsv), "-1 0 ");
  CHECK_EQ(header("a,c", {"a", "b", "c"}, csv, {true, false, true}), "0 2 ");
}

TEST(headers_that_do_not_fit) {
  CHECK_EQ(header("a,b,c", {"b", "I3"}), "raw.csv: the header has no column 'I3'; it has: a, b, c");
  CHECK_EQ(header("1,2,3,4,5,6,7,8,9,10,11,12", {"I3"}),
           "raw.csv: the header has no column 'I3'; it has: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... "
           "(12 columns)");
  CHECK_EQ(header("a,b,a", {"a"}), "raw.csv: the header has the column 'a' twice");
  CHECK_EQ(header("a,b,b", {"a"}), "raw.csv: the header has the column 'b' twice");
  CHECK_EQ(header("", {"a"}), "raw.csv: the header is an empty line");
  CHECK_EQ(header("\xEF\xBB\xBF", {"a"}), "raw.csv: the header is an empty line");
  CHECK_EQ(header("a,\"b", {"a"}), "raw.csv: the header has a quote that is not closed, at byte 3");
  const std::string e_acute = "\xc3\xa9";
  std::string longer = "x", cut = "x";
  for (int i = 0; i < 40; ++i) longer += e_acute;
  for (int i = 0; i < 29; ++i) cut += e_acute;
  CHECK_EQ(header(longer, {"a"}), "raw.csv: the header has no column 'a'; it has: " + cut + "...");
}

}  // namespace
}  // namespace fmtrain
