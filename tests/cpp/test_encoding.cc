// The encoder in a model file: it comes back, its golden rows are held to, and damage is named.
#include "model/encoding.h"

#include "encode_support.h"
#include "model_bytes.h"

namespace fmtrain {
namespace {

using namespace model_bytes;

constexpr uint32_t encoder_block = 6;
constexpr size_t part_head_bytes = 16;

const char* const schema_text =
    "{'columns': {'y': {'role': 'label'}, 'n': {'type': 'number', 'transforms': ['log',"
    "'equal-width 3']}, 'c': {}, 'l': {'type': 'list'}, 'w': {'type': 'weighted-list'},"
    "'v': {'type': 'number', 'range': [0, 5], 'infinite-as': 'clip'}},"
    "'features': {'x': {'cross': ['c', 'l']}}, 'learned': {'n': {'cuts': [0.5, 1.25]}}}";

std::string rows_text(size_t rows) {
  std::string text;
  for (size_t i = 0; i < rows; ++i) {
    text += std::to_string(i % 2) + "\t" + std::to_string(i % 9) + "\tc" + std::to_string(i % 4) +
            "\ta,b" + std::to_string(i % 3) + "\tp:0." + std::to_string(i % 7) + "\tinf\n";
  }
  return text;
}

std::unique_ptr<model> trained(const char* factors, uint32_t hash_seed = 0, bool names = false,
                               const char* text = schema_text) {
  auto m = std::make_unique<model>(
      hyper_of(
          {{"factors", factors}, {"l1", "0.01"}, {"hash_seed", std::to_string(hash_seed).c_str()}}),
      names);
  m->encoded.plan = encoder_of(text, hash_seed);
  row_input input(*m->encoded.plan, row_format::tsv, {names, true});
  parse_options parsing;
  parsing.hash_seed = hash_seed;
  parsing.names = names;
  parsing.rows = &input;
  trainer run(*m, {1, true}, parsing);
  feed_all(run.input(), rows_text(50));
  CHECK_OK(run.finish());
  m->encoded.add_run(input);
  return m;
}

// Where the encoder's block begins, which is the first behind the header.
size_t block_at(const std::string& file) { return preamble_bytes + at<uint32_t>(file, 12) + 4; }

// Where the payload of the i-th part of this kind begins.
size_t part_at(const std::string& file, uint32_t kind, size_t i = 0) {
  size_t part = block_at(file) + block_head_bytes;
  const size_t end = part + at<uint64_t>(file, block_at(file) + 8);
  while (part < end) {
    if (at<uint32_t>(file, part) == kind && i-- == 0) return part + part_head_bytes;
    part += part_head_bytes + at<uint64_t>(file, part + 8);
  }
  CHECK(false);
  return 0;
}

std::string refused(std::string file) {
  fix_checksums(file);
  std::unique_ptr<model> m;
  const status got = model_of(file, &m);
  CHECK(!got.ok() && m == nullptr);
  return got.message();
}

TEST(an_encoder_comes_back_with_its_model) {
  for (const char* const factors : {"0", "3"}) {
    for (const bool names : {false, true}) {
      const std::unique_ptr<model> m = trained(factors, 7, names);
      CHECK_EQ(m->encoded.rows.size(), golden_log::rows_max);
      const std::string bytes = bytes_of(*m);
      CHECK_EQ(at<uint32_t>(bytes, 8), model_file_version);
      CHECK_EQ(at<uint32_t>(bytes, block_at(bytes)), encoder_block);
      CHECK_EQ(at<uint64_t>(bytes, block_at(bytes) + 16), golden_log::rows_max);
      std::unique_ptr<model> back;
      CHECK_OK(model_of(bytes, &back));
      CHECK(bytes_of(*back) == bytes);
      CHECK_EQ(back->encoded.plan->text(), m->encoded.plan->text());
      CHECK_EQ(back->encoded.plan->hash_seed(), 7u);
      CHECK(back->encoded.rows == m->encoded.rows);
      CHECK_EQ(back->encoded.guards.size(), 6u);
      CHECK_EQ(back->encoded.guards[5].infinite, 50u);
      CHECK_EQ(back->encoded.guards[1].rows, 50u);
    }
  }
}

// Without an encoder a model is of the version that others read, too.
TEST(a_model_without_an_encoder) {
  model m(hyper_of({{"factors", "0"}}), true);
  train(m, "1 a b\n0 c\n");
  const std::string bytes = bytes_of(m);
  CHECK(at<uint32_t>(bytes, block_at(bytes)) != encoder_block);
  std::unique_ptr<model> back;
  CHECK_OK(model_of(bytes, &back));
  CHECK(back->encoded.plan == nullptr && back->encoded.rows.empty());
}

TEST(golden_rows_are_held_to) {
  const std::string whole = bytes_of(*trained("2"));
  const std::string lead = "the-file: a golden row ";
  const std::string rest =
      " here than where the model was saved: this build or machine must not score with it; the row "
      "is {\"y\":\"0\",\"n\":\"0\",\"c\":\"c0\"";
  const size_t row = part_at(whole, 3);
  const size_t text_bytes = at<uint32_t>(whole, row), features = at<uint32_t>(whole, row + 4);
  const size_t ids = row + 8 + text_bytes, values = ids + 8 * features,
               score = values + 4 * features;
  CHECK_EQ(features, 7u);
  const auto flipped = [&](size_t offset, int bit = 1) {
    std::string file = whole;
    file[offset] = static_cast<char>(file[offset] ^ bit);
    return refused(file).substr(0, lead.size() + 22 + rest.size());
  };
  const auto begins = [](const std::string& text, const std::string& with) {
    return text.compare(0, with.size(), with) == 0 ? with : text;
  };
  CHECK_EQ(begins(flipped(ids), lead + "becomes other features" + rest),
           lead + "becomes other features" + rest);
  CHECK_EQ(begins(flipped(values - 1), lead + "becomes other features"),
           lead + "becomes other features");
  CHECK_EQ(begins(flipped(values), lead + "becomes other features"),
           lead + "becomes other features");
  CHECK_EQ(begins(flipped(score), lead + "scores otherwise" + rest),
           lead + "scores otherwise" + rest);
  // The state of a weight.
  std::string file = whole;
  const std::string id = whole.substr(ids, 8);
  const size_t last = file.rfind(id);
  put(file, last + 8, at<float>(file, last + 8) * 2 + 5);
  CHECK_EQ(begins(refused(file), lead + "scores otherwise"), lead + "scores otherwise");
  // The schema says otherwise: a cut moves.
  file = whole;
  const size_t cut = file.find("1.25");
  file.replace(cut, 4, "9.75");
  CHECK_EQ(begins(refused(file), lead + "becomes other features"), lead + "becomes other features");
  // The row says otherwise.
  file = whole;
  file[file.find("\"c\":\"c0\"", row) + 6] = 'd';
  CHECK_EQ(begins(refused(file), lead + "becomes other features"), lead + "becomes other features");
  file = whole;
  file[row + 8] = '[';
  CHECK_EQ(begins(refused(file), lead + "becomes other features"), lead + "becomes other features");
}

// The first two features of a sum may change places without a difference.
TEST(the_order_of_golden_features_counts_since_version_4) {
  std::string file = bytes_of(*trained("2"));
  const size_t row = part_at(file, 3);
  const size_t ids = row + 8 + at<uint32_t>(file, row);
  const size_t values = ids + 8 * at<uint32_t>(file, row + 4);
  std::swap_ranges(file.begin() + static_cast<ptrdiff_t>(ids),
                   file.begin() + static_cast<ptrdiff_t>(ids + 8),
                   file.begin() + static_cast<ptrdiff_t>(ids + 8));
  std::swap_ranges(file.begin() + static_cast<ptrdiff_t>(values),
                   file.begin() + static_cast<ptrdiff_t>(values + 4),
                   file.begin() + static_cast<ptrdiff_t>(values + 4));
  const std::string lead = "the-file: a golden row becomes other features";
  CHECK_EQ(refused(file).substr(0, lead.size()), lead);
  put(file, 8, uint32_t{3});
  fix_checksums(file);
  std::unique_ptr<model> old;
  CHECK_OK(model_of(file, &old));
  // But not which they are.
  file[ids] = static_cast<char>(file[ids] ^ 1);
  CHECK_EQ(refused(file).substr(0, lead.size()), lead);
}

TEST(parts_that_are_damaged) {
  const std::string whole = bytes_of(*trained("0"));
  const auto with = [&](size_t offset, auto value) {
    std::string file = whole;
    put(file, offset, value);
    return refused(file);
  };
  const std::string lead = "the-file: ";
  const auto says = [](const std::string& message, const std::string& what) {
    return message.find(what) != std::string::npos ? what : message;
  };
  const size_t schema = part_at(whole, 1), golden = part_at(whole, 3), guards = part_at(whole, 4);
  const auto check_says = [&](const std::string& message, const std::string& what) {
    CHECK_EQ(message.substr(0, lead.size()), lead);
    CHECK_EQ(says(message, what), what);
  };
  check_says(with(schema - 16, uint32_t{9}), "its encoder has a part of unknown kind");
  check_says(with(schema - 16, uint32_t{0}), "its encoder has a part of unknown kind");
  check_says(with(schema - 8, uint64_t{1} << 40), "a part of its encoder is cut");
  check_says(with(schema - 8, ~uint64_t{0}), "a part of its encoder is cut");
  check_says(with(schema, '['), "line 1");
  check_says(with(golden, uint32_t{5}), "a golden row is cut");
  check_says(with(golden, ~uint32_t{0}), "a golden row is cut");
  check_says(with(golden + 4, ~uint32_t{0}), "a golden row is cut");
  check_says(with(guards - 16, uint32_t{2}), "forest");
  check_says(with(block_at(whole), uint32_t{5}), "");
  // Guards of more columns than the schema has.
  std::string file = whole;
  const size_t size = at<uint64_t>(file, guards - 8);
  CHECK_EQ(size, 6 * sizeof(column_guard));
  file.insert(guards + size, std::string(sizeof(column_guard), '\0'));
  put(file, guards - 8, uint64_t{size + sizeof(column_guard)});
  put(file, block_at(file) + 8, at<uint64_t>(file, block_at(file) + 8) + sizeof(column_guard));
  check_says(refused(file), "it has guards of columns that its schema lacks");
  // Twice; in a file of an older version; of another hash seed.
  const size_t block = block_at(whole);
  const size_t bytes = block_head_bytes + at<uint64_t>(whole, block + 8);
  file = whole;
  file.insert(block, whole.substr(block, bytes));
  check_says(refused(file), "it has a block of unknown kind");
  check_says(with(8, uint32_t{2}), "it has a block of unknown kind");
  file = whole;
  file.replace(file.find("hash_seed=0"), 11, "hash_seed=1");
  check_says(refused(file), "a golden row becomes other features");
  // A schema that has not learned yet.
  file = whole;
  file.replace(file.find("\"cuts\""), 6, "\"mean\"");
  check_says(refused(file), "");
}

// Cut anywhere, flipped anywhere, with checksums right or wrong: refused, or a model.
TEST(no_damage_is_a_crash) {
  const std::string whole = bytes_of(*trained("0"));
  const size_t block = block_at(whole);
  const size_t end = block + block_head_bytes + at<uint64_t>(whole, block + 8);
  for (size_t size = block; size < end; size += 3) {
    std::unique_ptr<model> m;
    CHECK(!model_of(std::string_view(whole).substr(0, size), &m).ok());
    // The block ends there, too.
    std::string file = whole.substr(0, std::max(size, block + block_head_bytes));
    put(file, block + 8, uint64_t{file.size() - block - block_head_bytes});
    file += whole.substr(end);
    fix_checksums(file);
    (void)model_of(file, &m);
  }
  test_random random(5);
  for (int i = 0; i < 3000; ++i) {
    std::string file = whole;
    for (uint64_t n = 1 + random.below(3); n > 0; --n) {
      const size_t at = block + random.below(end - block);
      file[at] = static_cast<char>(file[at] ^ (1 << random.below(8)));
    }
    std::unique_ptr<model> m;
    CHECK(!model_of(file, &m).ok());
    fix_checksums(file);
    if (model_of(file, &m).ok()) (void)bytes_of(*m);
  }
}

// A row that its text does not give back is left out, and the file is the same once it was read.
TEST(golden_rows_that_do_not_encode) {
  const std::unique_ptr<model> m = trained("0");
  m->encoded.rows[3] = "{\"w\": {\"a\": 1, \"a\": 2}}";
  m->encoded.rows[4] = "";
  const std::string bytes = bytes_of(*m);
  CHECK_EQ(at<uint64_t>(bytes, block_at(bytes) + 16), golden_log::rows_max - 2);
  std::unique_ptr<model> back;
  CHECK_OK(model_of(bytes, &back));
  CHECK_EQ(back->encoded.rows.size(), golden_log::rows_max - 2);
  CHECK(bytes_of(*back) == bytes);
}

TEST(a_row_as_text_gives_the_same_sample) {
  const auto plan = encoder_of(schema_text);
  const auto reader = make_json_reader(plan->column_names());
  for (const char* const row :
       {"{}",
        "{'y': 0, 'n': 1e-7, 'c': 'a\\u0000\\n\\\\\\' \\u007f\\u00e9', 'l': ['x', 1, true, ''],"
        "'w': {'p': 0.1, 'q': -2e300, '': 1}, 'v': 3}",
        "{'c': true, 'n': true, 'l': [], 'w': {}, 'v': 'nan'}",
        "{'c': [[1]], 'n': [1], 'l': 'x,y', 'w': 'a:x,b', 'v': 1e999}"}) {
    const padded_line line(json_of(row));
    std::vector<cell> cells(6);
    CHECK_EQ(reader->read(line.first(), line.last(), cells.data()).kind, line_kind::sample);
    const encoded_row want = encode_cells(*plan, cells.data());
    const std::string text = row_text(*plan, cells.data());
    batch got;
    CHECK_OK(encode_row(*plan, text, got));
    CHECK_EQ(got.features, want.samples.features);
    for (size_t i = 0; i < got.features; ++i) {
      CHECK_EQ(got.id[i], want.samples.id[i]);
      CHECK_EQ(got.x[i], want.samples.x[i]);
    }
  }
  // Numbers that came as numbers.
  std::vector<cell> cells(6);
  for (const double number : {0.1, -0.0, 1e22, 1e300, 5e-324, 3.0, std::nan("")}) {
    for (cell& c : cells) {
      c.kind = cell_kind::number;
      c.number = number;
    }
    cells[0] = cell();
    batch got;
    CHECK_OK(encode_row(*plan, row_text(*plan, cells.data()), got));
    const encoded_row want = encode_cells(*plan, cells.data());
    CHECK_EQ(got.features, want.samples.features);
    for (size_t i = 0; i < got.features; ++i) CHECK_EQ(got.id[i], want.samples.id[i]);
  }
}

}  // namespace
}  // namespace fmtrain
