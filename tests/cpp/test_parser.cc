// Lines of text: what becomes a sample, what is refused, and at which byte.
#include "feature/parser.h"

#include <string>

#include "feature/text_source.h"
#include "support.h"

namespace fmtrain {
namespace {

// One line, parsed as the last of a padded chunk. The bytes behind it are hostile: a scan that does
// not stop at the newline would take them for more features.
struct parsed_line {
  std::string text;
  batch samples;
  line_kind kind;
  size_t column;  // 1-based

  explicit parsed_line(const std::string& line, text_format format = text_format::text) {
    text = line + "\n";
    for (size_t i = 0; i < padding_bytes; ++i) text.push_back("7e5:x "[i % 6]);
    samples.text = text.data();
    parse_options options;
    options.format = format;
    const parse_result got =
        parse_line(text.data(), text.data() + line.size(), options, 1, samples);
    kind = got.kind;
    column = static_cast<size_t>(got.where - text.data()) + 1;
  }
  std::string features() const {
    std::string out;
    for (size_t i = 0; i < samples.features; ++i) {
      out.append(out.empty() ? "" : " ").append(samples.name_of(i));
      out.append("=").append(check::show(samples.x[i]));
      CHECK_EQ(samples.id[i], id_of(samples.name_of(i)));
    }
    return out;
  }
};

struct refused {
  const char* line;
  line_kind kind;
  size_t column;
};

void check_refused(const refused& expected, text_format format) {
  const parsed_line got(expected.line, format);
  const std::string line = std::string("'") + expected.line + "' ";
  CHECK_EQ(line + reason_name(got.kind), line + reason_name(expected.kind));
  CHECK_EQ(line + std::to_string(got.column), line + std::to_string(expected.column));
  CHECK_EQ(got.samples.samples, 0u);
  CHECK_EQ(got.samples.features, 0u);
}

TEST(lines_that_are_no_samples) {
  for (const char* line : {"", " ", "\t \t"}) CHECK_EQ(parsed_line(line).kind, line_kind::blank);
  for (const char* line : {"#", "# words", "\t#", " # 1 a:1", "#\tx"}) {
    CHECK_EQ(parsed_line(line).kind, line_kind::comment);
  }
}

TEST(bad_lines_and_their_columns) {
  constexpr auto missing_label = line_kind::missing_label, bad_label = line_kind::bad_label,
                 bad_weight = line_kind::bad_weight, missing_name = line_kind::missing_name,
                 missing_value = line_kind::missing_value, bad_value = line_kind::bad_value,
                 nonfinite = line_kind::nonfinite_value;
  const refused lines[] = {
      {":1 a", missing_label, 1},
      {" \t: a", missing_label, 3},
      {"a", bad_label, 1},
      {"#tag a", bad_label, 1},
      {"2 a", bad_label, 1},
      {"-2 a", bad_label, 1},
      {" 1.5 a", bad_label, 2},
      {"-0.5", bad_label, 1},
      {"nan a", bad_label, 1},
      {"inf a", bad_label, 1},
      {"1e400 a", bad_label, 1},
      {"1x a", bad_label, 1},
      {"1,a", bad_label, 1},
      {"0x1 a", bad_label, 1},
      {"+ a", bad_label, 1},
      {"1: a", bad_weight, 3},
      {"1:", bad_weight, 3},
      {"1:-1 a", bad_weight, 3},
      {"1:x a", bad_weight, 3},
      {"1:1:1 a", bad_weight, 3},
      {"1:nan a", bad_weight, 3},
      {"1:inf a", bad_weight, 3},
      {" 0.5:1e39", bad_weight, 6},
      {"1 :2", missing_name, 3},
      {"1 a :2", missing_name, 5},
      {"1 a::2", bad_value, 5},
      {"1 a:", missing_value, 4},
      {"1 a: b", missing_value, 4},
      {"1 a:\tb", missing_value, 4},
      {"1 ab:1 c:", missing_value, 9},
      {"1 a:x", bad_value, 5},
      {"1 a:1x", bad_value, 5},
      {"1 a:1 b:2 c:3z", bad_value, 13},
      {"1 a:1:2", bad_value, 5},
      {"1 a:b:2", bad_value, 5},
      {"1 a:0x10", bad_value, 5},
      {"1 a:1,5", bad_value, 5},
      {"1 a:+-1", bad_value, 5},
      {"1 a:++1", bad_value, 5},
      {"1 a:-+1", bad_value, 5},
      {"1 a:--1", bad_value, 5},
      {"1 a:.", bad_value, 5},
      {"1 a:-", bad_value, 5},
      {"1 a:+", bad_value, 5},
      {"1 a:-.", bad_value, 5},
      {"1 a:e5", bad_value, 5},
      {"1 a:1e", bad_value, 5},
      {"1 a:1e+", bad_value, 5},
      {"1 a:1..2", bad_value, 5},
      {"1 a:1-", bad_value, 5},
      {"1 a:1#", bad_value, 5},
      {"1 a:nan", nonfinite, 5},
      {"1 a:-nan", nonfinite, 5},
      {"1 a:inf", nonfinite, 5},
      {"1 a:-inf", nonfinite, 5},
      {"1 a:infinity", nonfinite, 5},
      {"1 a:1e39", nonfinite, 5},
      {"1 a:-1e400", nonfinite, 5},
      {"1 a:+1e400", nonfinite, 5},
      {"1 b:2 a:3.5e38", nonfinite, 9},
  };
  for (const refused& line : lines) check_refused(line, text_format::text);
}

TEST(bad_lines_of_libffm) {
  const refused lines[] = {
      {"1 f", line_kind::missing_name, 4},
      {"1 f x", line_kind::missing_name, 4},
      {"1 f:", line_kind::missing_name, 3},
      {"1 :a:1", line_kind::missing_name, 3},
      {"1 f::1", line_kind::missing_name, 3},
      {"1 f: a", line_kind::missing_name, 3},
      {"1 f:a:", line_kind::missing_value, 6},
      {"1 f:a:x", line_kind::bad_value, 7},
      {"1 f:a:1:2", line_kind::bad_value, 7},
      {"1 f:a:inf", line_kind::nonfinite_value, 7},
      {"1 f:a:1 g:b:1 h", line_kind::missing_name, 16},
  };
  for (const refused& line : lines) check_refused(line, text_format::libffm);
}

TEST(features_of_a_line) {
  const std::pair<const char*, const char*> lines[] = {
      {"1", ""},
      {"1 a", "a=1"},
      {"1\ta:2\t \tb:-.5  c", "a=2 b=-0.5 c=1"},
      {"  1 a:+3. ", "a=3"},
      {"1 a:1 a:1 a:1", "a=1 a=1 a=1"},
      {"1 a:0 b:-0 c:0.000 d:1e-400 e:-1e-400 f:1e-46 g", "g=1"},
      {"1 a:1e-45", "a=1.4012984643248171e-45"},
      {"1 #tag:2 a#b x#", "#tag=2 a#b=1 x#=1"},
      {"1 12 -1:2 1e5:3", "12=1 -1=2 1e5=3"},
      {"1 nan inf:2", "nan=1 inf=2"},
      {"1 a\rb \xff\xfe:2 \x01", "a\rb=1 \xff\xfe=2 \x01=1"},
      {"1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:5 b",
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=5 b=1"},
  };
  for (const auto& [line, expected] : lines) {
    const parsed_line got(line);
    CHECK_EQ(got.kind, line_kind::sample);
    CHECK_EQ(got.features(), std::string(expected));
  }
  const parsed_line nul(std::string("1 a\0b:2 \0", 9));
  CHECK_EQ(nul.features(), std::string("a\0b=2 \0=1", 9));
}

TEST(features_of_libffm) {
  const parsed_line got("1 0:a:2 1:b 2:a", text_format::libffm);
  CHECK_EQ(got.kind, line_kind::sample);
  CHECK_EQ(got.features(), std::string("a=2 b=1 a=1"));
}

TEST(labels_and_weights) {
  struct expected {
    const char* line;
    float label, weight;
  };
  const expected lines[] = {{"1 a", 1, 1},         {"0 a", 0, 1},         {"-1 a", 0, 1},
                            {"+1 a", 1, 1},        {"0.25 a", .25f, 1},   {"1e-3 a", 1e-3f, 1},
                            {"1.0:2.5 a", 1, 2.5}, {"-1:0 a", 0, 0},      {"0:1e-400", 0, 0},
                            {"1:+3", 1, 3},        {"1:1e38 a", 1, 1e38f}};
  for (const expected& line : lines) {
    const parsed_line got(line.line);
    CHECK_EQ(got.kind, line_kind::sample);
    CHECK_EQ(got.samples.label[0], line.label);
    CHECK_EQ(got.samples.weight[0], line.weight);
  }
}

TEST(keys) {
  const std::pair<const char*, const char*> lines[] = {
      {"1 a # user 7", "user 7"}, {"1 #\tkey \t", "key"},   {"1 a #", ""},  {"1 a # ", ""},
      {"1 a # b # c", "b # c"},   {"1 a # x:nan", "x:nan"}, {"1 a #b", ""}, {"1 a", ""}};
  for (const auto& [line, key] : lines) {
    const parsed_line got(line);
    CHECK_EQ(got.kind, line_kind::sample);
    CHECK_EQ(std::string(got.samples.key[0]), std::string(key));
  }
}

TEST(every_reason_has_its_words) {
  for (int kind = 0; kind < line_kinds; ++kind) {
    CHECK(std::string(reason_name(static_cast<line_kind>(kind))).size() > 3);
    CHECK(std::string(reason_text(static_cast<line_kind>(kind))).size() > 3);
  }
}

// ---- lines of a chunk ----

chunk chunk_of(const std::string& text, uint64_t first_line = 1) {
  chunk c;
  c.capacity = text.size();
  c.size = text.size();
  c.data.reset(new char[text.size() + padding_bytes]());
  text.copy(c.data.get(), text.size());
  c.first_line = first_line;
  c.source = std::make_shared<const std::string>("clicks.txt");
  return c;
}

TEST(a_chunk_of_lines) {
  line_log log;
  const std::string bad_line_text = "1 b:x" + std::string(100, 'y');
  text_source source(
      chunk_of("# head\r\n1 a:1\r\n\r\n" + bad_line_text + "\n0 c\r d\r\n1 e\r\r\n", 7),
      parse_options(), log);
  batch samples;
  CHECK(source.fill(samples));
  CHECK_EQ(samples.samples, 3u);
  CHECK_EQ(samples.line[0], 8u);
  CHECK_EQ(samples.line[1], 11u);
  CHECK_EQ(samples.line[2], 12u);
  CHECK_EQ(std::string(samples.name_of(0)), std::string("a"));
  CHECK_EQ(std::string(samples.name_of(1)), std::string("c\r"));
  CHECK_EQ(std::string(samples.name_of(2)), std::string("d"));
  CHECK_EQ(std::string(samples.name_of(3)), std::string("e\r"));
  CHECK_EQ(std::string(source.line_at(10)), bad_line_text);

  const line_counts counts = log.counts();
  CHECK_EQ(counts[static_cast<int>(line_kind::sample)], 3u);
  CHECK_EQ(counts[static_cast<int>(line_kind::blank)], 1u);
  CHECK_EQ(counts[static_cast<int>(line_kind::comment)], 1u);
  CHECK_EQ(counts[static_cast<int>(line_kind::bad_value)], 1u);
  CHECK_EQ(log.comment(), std::string("# head"));
  const std::vector<bad_line> examples = log.examples();
  CHECK_EQ(examples.size(), 1u);
  CHECK_EQ(examples[0].source, std::string("clicks.txt"));
  CHECK_EQ(examples[0].line, 10u);
  CHECK_EQ(examples[0].column, 5u);
  CHECK_EQ(examples[0].detail, bad_line_text.substr(4, line_log::detail_bytes_max));

  samples.clear();
  CHECK(!source.fill(samples));
}

TEST(a_batch_closes_at_its_bounds) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "1 a\n";
  std::string wide = "1";
  for (size_t i = 0; i < batch::features_max + 500; ++i) wide += " n" + std::to_string(i);
  text += wide + "\n" + wide + "\n1 last\n";
  line_log log;
  text_source source(chunk_of(text), parse_options(), log);
  batch samples;
  std::vector<size_t> sizes;
  for (samples.clear(); source.fill(samples); samples.clear()) {
    sizes.push_back(samples.samples);
    for (size_t s = 0; s < samples.samples; ++s) CHECK(samples.begin[s] <= samples.begin[s + 1]);
    CHECK_EQ(samples.begin[samples.samples], samples.features);
  }
  // 32 + 32 + 32, then 4 and the first wide one, the second wide one, the last.
  CHECK(sizes == (std::vector<size_t>{32, 32, 32, 5, 1, 1}));
}

}  // namespace
}  // namespace fmtrain
