// Raw rows through the stream: the same samples from every format, thread count and cut.
#include "encode/row_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "encode_support.h"

namespace fmtrain {
namespace {

const char* const columns =
    "'y': {'role': 'label'}, 'n': {'type': 'number', 'transforms': ['log', 'boundaries 0 1 2']},"
    "'c': {}, 'l': {'type': 'list', 'separator': '|'}, 'k': {'role': 'key'}";
const char* const crosses = ", 'features': {'x': {'cross': ['c', 'l']}}";

struct collected {
  std::string text;      // the samples, printed
  std::string messages;  // of the examples of bad lines
  line_counts counts{};
  guard_counts guards;
  std::vector<std::string> golden;
  std::string error;
  std::string side;
};

std::string shown_example(const bad_line& bad) {
  return bad.source + ":" + std::to_string(bad.line) + ":" + std::to_string(bad.column) + ": " +
         reason_name(bad.kind) + ": " + bad.detail + "\n";
}

using inputs = std::vector<std::pair<const char*, std::string>>;

// piece: how many bytes are fed at once.
collected encode(const encoder& plan, row_format format, const inputs& all, size_t threads,
                 bool label_required = true, size_t piece = SIZE_MAX) {
  collected out;
  const temporary_folder folder;
  const std::string path = folder.path("out"), side = folder.path("side");
  const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const int side_fd = ::open(side.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  row_input rows(plan, format, {true, label_required});
  parse_options parsing;
  parsing.names = true;
  parsing.rows = &rows;
  {
    sample_writer writer(threads, parsing, fd);
    writer.input().log().copy_bad_lines_to(side_fd);
    for (const auto& [name, text] : all) {
      writer.input().begin(name);
      for (size_t at = 0; at < text.size() && !writer.input().stopped();) {
        size_t taken = 0;
        const size_t size = std::min(piece, text.size() - at);
        CHECK_OK(writer.input().feed(text.data() + at, size, std::chrono::seconds(1), &taken));
        at += taken;
      }
      CHECK_OK(writer.input().end());
    }
    out.error = writer.finish().message();
    out.counts = writer.input().log().counts();
    std::vector<std::string> lines;
    for (const bad_line& bad : writer.input().log().examples()) {
      lines.push_back(shown_example(bad));
    }
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) out.messages += line;
  }
  ::close(fd);
  ::close(side_fd);
  out.text = read_file(path);
  out.side = read_file(side);
  out.guards = rows.guards().counts();
  out.golden = rows.golden().rows();
  return out;
}

// One row in each of the formats; what must be quoted in CSV is there.
struct raw_rows {
  std::string tsv, csv, jsonl;
};

raw_rows random_rows(size_t count) {
  raw_rows rows;
  test_random random(7);
  const char* const words[] = {"a", "b c", "\xc3\xa9", "x:y", "", "q=1&2", "100%"};
  for (size_t i = 0; i < count; ++i) {
    const std::string label = std::to_string(random.below(2));
    const std::string number = random.below(5) == 0 ? "" : std::to_string(random.below(2000) / 100);
    const std::string word = words[random.below(7)];
    std::string list;
    for (uint64_t n = random.below(4); n > 0; --n)
      list += words[random.below(7)] + std::string("|");
    const std::string key = "u" + std::to_string(random.below(100));
    rows.tsv += label + "\t" + number + "\t" + word + "\t" + list + "\t" + key + "\n";
    rows.csv += label + ",\"" + number + "\",\"" + word + "\"," + list + "," + key +
                (i % 2 == 0 ? "\r\n" : "\n");
    rows.jsonl += "{\"k\": \"" + key + "\", \"c\": \"" + word + "\", \"n\": \"" + number +
                  "\", \"z\": [1, {}], \"l\": \"" + list + "\", \"y\": " + label + "}\n";
  }
  return rows;
}

TEST(the_same_from_every_format_and_thread) {
  const auto plan = columns_of(columns, crosses);
  const raw_rows rows = random_rows(30000);
  const collected want = encode(*plan, row_format::tsv, {{"a", rows.tsv}}, 1);
  CHECK_EQ(want.error, "");
  CHECK_EQ(want.counts[0], 30000u);
  CHECK(std::count(want.text.begin(), want.text.end(), '\n') == 30000);
  for (const size_t threads : {1, 2, 8}) {
    const collected tsv = encode(*plan, row_format::tsv, {{"a", rows.tsv}}, threads, true, 100001);
    const collected csv = encode(*plan, row_format::csv, {{"a", rows.csv}}, threads);
    const collected json = encode(*plan, row_format::jsonl, {{"a", rows.jsonl}}, threads);
    for (const collected& got : {tsv, csv, json}) {
      CHECK(got.text == want.text);
      CHECK_EQ(got.error, "");
      CHECK(got.golden == want.golden);
      CHECK_EQ(got.golden.size(), golden_log::rows_max);
      for (size_t i = 0; i < got.guards.size(); ++i) {
        CHECK_EQ(got.guards[i].rows, 30000u);
        CHECK_EQ(got.guards[i].missing, want.guards[i].missing);
      }
    }
  }
  // What is printed is parsed to the same samples.
  sample_writer again(
      2,
      [] {
        parse_options options;
        options.names = true;
        return options;
      }(),
      -1);
  feed_all(again.input(), want.text);
  CHECK_OK(again.finish());
  const sample_arrays parsed = again.take();
  row_input input(*plan, row_format::tsv, {true, true});
  parse_options parsing;
  parsing.names = true;
  parsing.rows = &input;
  sample_writer direct(2, parsing, -1);
  feed_all(direct.input(), rows.tsv);
  CHECK_OK(direct.finish());
  const sample_arrays encoded = direct.take();
  CHECK(parsed.id == encoded.id && parsed.x == encoded.x && parsed.label == encoded.label);
  CHECK(parsed.names == encoded.names && parsed.keys == encoded.keys);
  CHECK(parsed.line == encoded.line && parsed.features == encoded.features);
  CHECK_EQ(encoded.line.back(), 30000u);
}

// Several batches of a source wait before they are learned: names and keys must outlive the next.
TEST(training_in_turn_with_names_kept) {
  const auto plan = columns_of(columns, crosses);
  const raw_rows rows = random_rows(20000);
  const std::string text = encode(*plan, row_format::tsv, {{"a", rows.tsv}}, 1).text;
  const auto made = [] { return std::make_unique<model>(hyper_of({{"factors", "2"}}), true); };
  const std::unique_ptr<model> from_text = made();
  train(*from_text, text);
  const std::string want = bytes_of(*from_text);
  for (const size_t threads : {1, 2, 8}) {
    for (const bool csv : {false, true}) {
      const std::unique_ptr<model> m = made();
      row_input input(*plan, csv ? row_format::csv : row_format::tsv, {true, true});
      parse_options parsing;
      parsing.rows = &input;
      parsing.names = true;
      trainer run(*m, {threads, true}, parsing);
      feed_all(run.input(), csv ? rows.csv : rows.tsv);
      CHECK_OK(run.finish());
      CHECK(bytes_of(*m) == want);
    }
  }
}

const char* const named =
    "{'format': 'csv', 'header': true, 'columns': {'y': {'role': 'label'}, 'a': {}, 'b': {},"
    "'w': {'role': 'weight'}, 'i': {'role': 'ignore'}}}";

TEST(headers) {
  const auto plan = encoder_of(named);
  const auto with = [&](const inputs& all, bool label = true, size_t piece = SIZE_MAX) {
    const collected one = encode(*plan, row_format::csv, all, 1, label, piece);
    const collected two = encode(*plan, row_format::csv, all, 2, label, piece);
    CHECK_EQ(one.text, two.text);
    CHECK_EQ(one.error, two.error);
    return one.error.empty() ? one.text + one.messages : one.error;
  };
  const std::string want = "1:2 a=p b=q\n0 a=r b=\n";
  for (const size_t piece : {size_t{1}, size_t{7}, SIZE_MAX}) {
    CHECK_EQ(with({{"f", "y,a,b,w\n1,p,q,2\n0,r,,\n"}}, true, piece), want);
    CHECK_EQ(with({{"f", "y,a,b,w\r\n1,p,q,2\r\n0,r,,1\r\n"}}, true, piece), want);
    CHECK_EQ(with({{"f", "\xEF\xBB\xBFy,a,b,w\n1,p,q,2\n0,r,,"}}, true, piece), want);
    CHECK_EQ(with({{"f", "w,other,b,\"a\",y\n2,x,q,p,1\n,y,,r,0"}}, true, piece), want);
    CHECK_EQ(with({{"f", "y,a,b,w\n"}}, true, piece), "");
    CHECK_EQ(with({{"f", "y,a,b,w"}}, true, piece), "");
    CHECK_EQ(with({{"f", ""}}, true, piece), "");
    CHECK_EQ(
        with({{"f", "y,a,b,w\n1,p,q,2\n"}, {"g", ""}, {"h", "a,w,y,b\nr,1,0,\n"}}, true, piece),
        want);
  }
  CHECK_EQ(with({{"f", "a,b\np,q\n"}}, false), "0 a=p b=q\n");
  CHECK_EQ(with({{"f", "y,a,w\n1,p,2\n"}}), "f: the header has no column 'b'; it has: y, a, w");
  CHECK_EQ(with({{"f", "y,a,b\n1,p,2\n"}}), "f: the header has no column 'w'; it has: y, a, b");
  CHECK_EQ(with({{"f", "a,b,w\np,q,2\n"}}), "f: the header has no column 'y'; it has: a, b, w");
  CHECK_EQ(with({{"f", "y,a,b,w\n1,p,q,2\n0,r,,\n"}, {"g", "1,p,q,2\n"}}),
           "g: the header has no column 'y'; it has: 1, p, q, 2");
  CHECK_EQ(with({{"f", "y,a,a,w\n1,p,2\n"}}), "f: the header has the column 'a' twice");
  CHECK_EQ(with({{"f", "\n1,p,2\n"}}), "f: the header is an empty line");
  CHECK_EQ(with({{"f", "y,\"a,b\n1,p,2\n"}}),
           "f: the header has a quote that is not closed, at byte 3");
}

// Lines are counted with the header; the rows of every chunk have it.
TEST(a_header_of_many_chunks) {
  const auto plan = encoder_of(named);
  std::string text = "y,b,a,w";
  // Longer than a chunk is.
  for (size_t i = 0; i < 120000; ++i) text += ",c" + std::to_string(i);
  const std::string rest(120000, ',');
  text += "\n";
  CHECK(text.size() > chunk_bytes_default);
  for (size_t i = 0; i < 12; ++i) {
    text += (i == 7 ? "2" : "1") + (",q" + std::to_string(i)) + ",p,1" + rest + "\n";
  }
  for (const size_t threads : {1, 2, 8}) {
    const collected got = encode(*plan, row_format::csv, {{"f", text}}, threads);
    CHECK_EQ(got.error, "");
    CHECK_EQ(got.counts[0], 11u);
    CHECK_EQ(got.text.substr(0, 24), "1 a=p b=q0\n1 a=p b=q1\n1 ");
    CHECK_EQ(got.messages.substr(0, 24), "f:9:1: bad_label: y: 2,q");
  }
}

TEST(a_header_that_is_too_long) {
  const auto plan = encoder_of(named);
  const std::string header = "y,a,b,w," + std::string(line_bytes_max, 'x');
  for (const char* const rest : {"", "\n", "\n1,p,q,2\n", "\ny,a,b,w\n1,p,q,2\n"}) {
    CHECK_EQ(encode(*plan, row_format::csv, {{"f", header + rest}}, 2).error,
             "f: the header is longer than a line may be, 16 MiB");
  }
}

TEST(bad_rows) {
  const auto plan = encoder_of(
      "{'format': 'csv', 'columns': {'y': {'role': 'label'}, 'n': {'type': 'number', 'invalid-as':"
      "'reject'}, 'c': {'missing-as': 'reject'}, 'w': {'role': 'weight'}}}");
  const std::string text =
      "1,2,a,1\n1,2,a\n\n1,2,a,1,5\n1,x2,a,1\n1,2,,1\n,2,a,1\n5,2,a,1\n1,2,a,-1\n"
      "1,\"2,a,1\n1,\"\"2,a,1\n\"1\",\"2\"x,a,1\n1,2,\"a\"\"b\",1\n0,3,\"c,d\",\n\"\"\"\",1,a,1\n";
  for (const size_t threads : {1, 2}) {
    const collected got = encode(*plan, row_format::csv, {{"f", text}}, threads);
    CHECK_EQ(got.error, "");
    CHECK_EQ(got.text, "1 n:2 c=a\n1 n:2 c=a\"b\n0 n:3 c=c,d\n");
    CHECK_EQ(got.counts[static_cast<int>(line_kind::blank)], 1u);
    CHECK_EQ(got.counts[static_cast<int>(line_kind::ragged)], 2u);
    CHECK_EQ(got.counts[static_cast<int>(line_kind::open_quote)], 3u);
    CHECK_EQ(got.counts[static_cast<int>(line_kind::rejected_cell)], 2u);
    CHECK_EQ(got.messages,
             "f:10:3: open_quote: \"2,a,1\n"
             "f:11:3: open_quote: \"\"2,a,1\n"
             "f:12:5: open_quote: \"2\"x,a,1\n"
             "f:2:6: ragged: \n"
             "f:4:9: ragged: 5\n"
             "f:5:3: rejected_cell: n: x2,a,1\n"
             "f:6:5: rejected_cell: c: ,1\n"
             "f:7:1: missing_label: y: ,2,a,1\n"
             "f:8:1: bad_label: y: 5,2,a,1\n"
             "f:9:7: bad_weight: w: -1\n");
    CHECK_EQ(got.side,
             "1,2,a\n1,2,a,1,5\n1,x2,a,1\n1,2,,1\n,2,a,1\n5,2,a,1\n1,2,a,-1\n1,\"2,a,1\n"
             "1,\"\"2,a,1\n\"1\",\"2\"x,a,1\n\"\"\"\",1,a,1\n");
    // Of a ragged row no cell is looked at.
    CHECK_EQ(got.guards[0].rows, 9u);
  }
}

TEST(bad_json_rows) {
  const auto plan = columns_of("'y': {'role': 'label'}, 'c': {'invalid-as': 'reject'}");
  const collected got = encode(*plan, row_format::jsonl,
                               {{"f",
                                 "{\"y\":1,\"c\":\"a\"}\r\n{\"y\":1,}\n \n[1]\n{\"y\":1,\"c\":[]}\n"
                                 "{\"c\":[[]],\"y\":0}\n{\"y\":\"x\"}\n{\"y\":0,\"y\":1}\n{"}},
                               2);
  CHECK_EQ(got.error, "");
  CHECK_EQ(got.text, "1 c=a\n1 c=\n");
  CHECK_EQ(got.counts[static_cast<int>(line_kind::blank)], 1u);
  CHECK_EQ(got.messages,
           "f:2:8: bad_json: }\n"
           "f:4:1: bad_json: [1]\n"
           "f:6:0: rejected_cell: c: {\"c\":[[]],\"y\":0}\n"
           "f:7:7: bad_label: y: x\"}\n"
           "f:8:8: bad_json: \"y\":1}\n"
           "f:9:2: bad_json: \n");
}

TEST(rows_that_are_too_long_or_too_wide) {
  const auto plan = columns_of("'l': {'type': 'list'}, 'm': {'type': 'list'}",
                               ", 'features': {'x': {'cross': ['l', 'm']}}");
  std::string wide = "0";
  for (int i = 1; i < 100000; ++i) wide += "," + std::to_string(i);
  const std::string text = "a\tb\n" + std::string(line_bytes_max + 5, 'x') + "\nc\td\n" + wide +
                           "\t" + wide + "\ne\tf\n" + std::string(2 * line_bytes_max, 'y');
  for (const size_t threads : {1, 2}) {
    const collected got = encode(*plan, row_format::tsv, {{"f", text}}, threads);
    CHECK_EQ(got.error, "");
    CHECK_EQ(got.text, "0 l=a m=b l=a&m=b\n0 l=c m=d l=c&m=d\n0 l=e m=f l=e&m=f\n");
    CHECK_EQ(got.messages.substr(0, 40), "f:2:0: too_long: \nf:4:0: too_wide: 0,1,2");
    CHECK_EQ(got.counts[static_cast<int>(line_kind::too_long)], 2u);
  }
}

// An empty line is a row where there is one column.
TEST(one_column) {
  const auto plan = columns_of("'c': {}");
  CHECK_EQ(encode(*plan, row_format::tsv, {{"f", "a\n\nb\r\n"}}, 1).text, "0 c=a\n0 c=\n0 c=b\n");
}

}  // namespace
}  // namespace fmtrain
