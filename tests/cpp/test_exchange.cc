// Models out to other formats and back: the same weights, the same scores, honest counts.
#include "model/exchange.h"

#include <sstream>

#include "support.h"
#include "synth/synth.h"

namespace fmtrain {
namespace {

std::string sample_text() {
  synth_options options;
  options.fields = 5;
  options.dims = 300;
  options.numeric = 1;
  return synth(options).text(0, 1500, nullptr);
}

std::unique_ptr<model> trained(const char* factors, bool names = true,
                               const char* v_start = "lazy") {
  auto m = std::make_unique<model>(
      hyper_of({{"factors", factors}, {"l1", "0.05"}, {"v_l1", "1e-3"}, {"v_start", v_start}}),
      names);
  train(*m, sample_text());
  // A feature that was only ever met with a zero gradient: its lanes are untouched.
  train(*m, "1:0 untouched other\n");
  return m;
}

std::string exported(const model& m, export_format format, bool keep_zeros, export_counts* counts,
                     bool exact = true) {
  memory_sink sink;
  CHECK_OK(export_model(m, {format, keep_zeros, exact}, sink, counts));
  CHECK_EQ(counts->bytes, sink.bytes.size());
  CHECK_EQ(counts->rows + counts->dropped, m.rows().rows());
  return sink.bytes;
}

std::unique_ptr<model> imported(const std::string& bytes, bool binary, const hyper& h) {
  const temporary_folder folder;
  write_file(folder.path("alphafm"), bytes);
  std::unique_ptr<model> m;
  CHECK_OK(import_alphafm(folder.path("alphafm"), binary, -1, h, &m));
  return m;
}

TEST(alphafm_formats_bring_the_model_back) {
  for (const char* factors : {"0", "4"}) {
    const std::unique_ptr<model> m = trained(factors);
    const predictions expected = predict(*m, sample_text());
    for (const auto format : {export_format::alphafm_text, export_format::alphafm_binary_double,
                              export_format::alphafm_binary_float}) {
      export_counts counts;
      const bool binary = format != export_format::alphafm_text;
      const std::string bytes = exported(*m, format, true, &counts);
      const std::unique_ptr<model> back = imported(bytes, binary, m->hypers());
      CHECK_EQ(back->rows().rows(), m->rows().rows());
      CHECK_EQ(back->factors(), m->factors());
      // Floats are written in full; the bias, a double, loses bits in the float format only.
      const double by = format == export_format::alphafm_binary_float ? 1e-6 : 0;
      const predictions got = predict(*back, sample_text());
      for (size_t i = 0; i < expected.score.size(); ++i) {
        CHECK_NEAR(static_cast<double>(got.score[i]), static_cast<double>(expected.score[i]), by);
      }
      const size_t k = m->factors();
      m->rows().for_each([&](row_ref row, std::string_view) {
        const row_ref other = back->rows().find(row.id());
        for (size_t i = 0; i < 2 + 2 * k; ++i) {
          const bool untouched_v =
              i >= 2 && i < 2 + k && value_of(row, i, k) == 0 && value_of(row, i + k, k) == 0;
          if (!untouched_v) CHECK_EQ(value_of(other, i, k), value_of(row, i, k));
        }
      });
    }
  }
}

// The first update forgets what another program stored: from then on the state decides. A lane that
// was never touched goes on from the v in the file, not from a draw of its own.
TEST(a_model_from_alphafm_goes_on) {
  const std::unique_ptr<model> m = trained("4");
  hyper other_seed = m->hypers();
  other_seed.seed = 99;
  export_counts counts;
  const std::unique_ptr<model> back =
      imported(exported(*m, export_format::alphafm_text, true, &counts), false, other_seed);
  CHECK(back->has_stored());
  train(*back, "");
  CHECK(!back->has_stored());
  const predictions expected = predict(*m, "1 untouched other f00_1\n" + sample_text());
  const predictions got = predict(*back, "1 untouched other f00_1\n" + sample_text());
  for (size_t i = 0; i < expected.score.size(); ++i) {
    CHECK_NEAR(static_cast<double>(got.score[i]), static_cast<double>(expected.score[i]), 1e-5);
  }
}

TEST(dropped_rows_and_saved_bytes) {
  const std::unique_ptr<model> m = trained("0");
  for (const auto format : {export_format::alphafm_text, export_format::alphafm_binary_double,
                            export_format::alphafm_binary_float}) {
    export_counts all, sparse;
    exported(*m, format, true, &all);
    const std::string bytes = exported(*m, format, false, &sparse);
    CHECK_EQ(all.dropped, 0u);
    CHECK_EQ(all.bytes_saved, 0u);
    CHECK(sparse.dropped > 0 && sparse.rows > 0);
    CHECK_EQ(sparse.bytes + sparse.bytes_saved, all.bytes);
    const auto back = imported(bytes, format != export_format::alphafm_text, m->hypers());
    CHECK_EQ(back->rows().rows(), sparse.rows);
    const predictions expected = predict(*m, sample_text()), got = predict(*back, sample_text());
    for (size_t i = 0; i < expected.score.size(); ++i) {
      CHECK_NEAR(static_cast<double>(got.score[i]), static_cast<double>(expected.score[i]), 1e-6);
    }
  }
}

TEST(text_holds_every_weight) {
  for (const bool names : {true, false}) {
    const std::unique_ptr<model> m = trained("4", names);
    export_counts counts;
    std::istringstream text(exported(*m, export_format::text, false, &counts));
    std::string line;
    CHECK(std::getline(text, line));
    CHECK_EQ(line, "# fmtrain-text 1 factors=4 features=" + std::to_string(counts.rows));
    std::string name;
    double bias = 0;
    text >> name >> bias;
    CHECK_EQ(name, std::string("bias"));
    CHECK_EQ(bias, m->bias_weight());
    uint64_t rows = 0;
    for (; text >> name; ++rows) {
      const uint64_t id = names ? id_of(name) : std::stoull(name.substr(3), nullptr, 16);
      if (!names) CHECK(name.size() == 19 && name.compare(0, 3, "id:") == 0);
      const row_ref row = m->rows().find(id);
      CHECK(static_cast<bool>(row));
      float w = 0, v[4] = {}, got = 0;
      m->weights_of(row, &w, v);
      text >> got;
      CHECK_EQ(got, w);
      for (const float lane : v) {
        text >> got;
        CHECK_EQ(got, lane);
      }
    }
    CHECK_EQ(rows, counts.rows);
  }
}

TEST(formats_that_need_names) {
  const std::unique_ptr<model> m = trained("0", false);
  for (const auto format : {export_format::alphafm_text, export_format::alphafm_binary_double,
                            export_format::alphafm_binary_float}) {
    memory_sink sink;
    export_counts counts;
    const status refused = export_model(*m, {format, false, true}, sink, &counts);
    CHECK_EQ(refused.code(), errc::invalid);
    CHECK(refused.message().find("--names") != std::string::npos);
    CHECK(sink.bytes.empty());
  }
}

// A data frame's columns may have such names. Written as they are, they would cut a line in two: a
// file that nobody can read, or one that reads as something else.
TEST(names_that_lines_cannot_hold) {
  struct naming {
    std::string name, in_text;  // "": written by its id
    bool in_alphafm;
  };
  const std::vector<naming> names = {{"of two words", "of two words", false},
                                     {"line\nbreak", "line\\nbreak", false},
                                     {"tab\tbed", "tab\\tbed", true},
                                     {"back\\slash", "back\\\\slash", true},
                                     {"", "", false}};
  for (const auto& [name, in_text, in_alphafm] : names) {
    model m(hyper_of({{"factors", "0"}}), true);
    m.rows().find_or_insert<alone>(id_of(name), name, [](row_ref row) { row.w().z = 5; });
    export_counts counts;
    memory_sink sink;
    const export_options alphafm_text = {export_format::alphafm_text, true, true};
    const status alphafm = export_model(m, alphafm_text, sink, &counts);
    CHECK_EQ(name + check::show(alphafm.ok()), name + check::show(in_alphafm));
    const std::string text = exported(m, export_format::text, true, &counts);
    const std::string expected = "\n" + (name.empty() ? "id:0000000000000000" : in_text) + "\t-";
    CHECK(text.find(expected) != std::string::npos);
    const std::string binary = exported(m, export_format::alphafm_binary_double, true, &counts);
    CHECK_EQ(imported(binary, true, m.hypers())->rows().rows(), 1u);
  }
}

TEST(json_escapes_what_it_must) {
  model m(hyper_of({{"factors", "0"}}), true);
  const std::pair<std::string, const char*> names[] = {
      {"plain", "\"plain\""},
      {"a\"b\\c", "\"a\\\"b\\\\c\""},
      {std::string("\0\x1f", 2), "\"\\u0000\\u001f\""},
      {"\xe6\x97\xa5", "\"\xe6\x97\xa5\""},                      // U+65E5
      {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},              // U+1F600
      {"\xff", "\"\\udcff\""},                                   // no UTF-8
      {"\xc0\x80", "\"\\udcc0\\udc80\""},                        // overlong
      {"\xed\xa0\x80", "\"\\udced\\udca0\\udc80\""},             // a surrogate
      {"\xf4\x90\x80\x80", "\"\\udcf4\\udc90\\udc80\\udc80\""},  // past U+10FFFF
      {"\xe6\x97", "\"\\udce6\\udc97\""},                        // cut
  };
  for (const auto& [name, escaped] : names) {
    m.rows().find_or_insert<alone>(id_of(name), name, [](row_ref row) { row.w().z = 5; });
  }
  export_counts counts;
  const std::string json = exported(m, export_format::json, false, &counts);
  CHECK_EQ(counts.rows, std::size(names));
  for (const auto& [name, escaped] : names) {
    if (json.find(std::string("\"name\": ") + escaped + ", ") == std::string::npos) {
      CHECK_EQ(json, std::string(escaped));
    }
  }
  CHECK(json.find("{\"format\": \"fmtrain-json\", \"version\": 1, \"hyper\": {\"bias\": true,") ==
        0);
  CHECK(json.find("\"bias_l1\": null") != std::string::npos);
  CHECK(json.find("\"v_start\": \"lazy\"") != std::string::npos);
  CHECK(json.substr(json.size() - 4) == "\n]}\n");
}

TEST(a_sink_that_fails_ends_the_export) {
  class full_sink : public byte_sink {
   public:
    status write(const void*, size_t size) override {
      left -= std::min(left, size);
      return left > 0 ? status() : status(errc::io, "disk full");
    }
    size_t left = 500;
  };
  const std::unique_ptr<model> m = trained("4");
  for (const auto format : {export_format::text, export_format::json, export_format::alphafm_text,
                            export_format::alphafm_binary_double}) {
    full_sink sink;
    export_counts counts;
    CHECK_EQ(export_model(*m, {format, true, true}, sink, &counts).message(),
             std::string("disk full"));
  }
}

}  // namespace
}  // namespace fmtrain
