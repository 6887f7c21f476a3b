// The model file: exact round trips, and files that are cut, flipped, foreign or newer. Crafted
// files, whose checksums are right, are in test_model_craft.cc.
#include "model/model_file.h"

#include "model/exchange.h"
#include "model_bytes.h"
#include "support.h"
#include "synth/synth.h"

namespace fmtrain {
namespace {

std::string sample_text(uint64_t samples, int64_t dims = 2000) {
  synth_options options;
  options.fields = 6;
  options.dims = dims;
  options.numeric = 2;
  return synth(options).text(0, samples, nullptr);
}

// Reads the bytes, checks that they write back the same, and gives the model.
std::unique_ptr<model> check_round_trip(const std::string& bytes) {
  std::unique_ptr<model> back;
  CHECK_OK(model_of(bytes, &back));
  CHECK(back != nullptr);
  CHECK(bytes_of(*back) == bytes);
  return back;
}

TEST(models_of_every_kind_come_back) {
  const std::string text = sample_text(2000);
  for (const char* factors : {"0", "1", "4", "8", "11"}) {
    for (const char* start : {"lazy", "kept"}) {
      for (const bool names : {false, true}) {
        model m(hyper_of({{"factors", factors},
                          {"v_start", start},
                          {"l1", "0.01"},
                          {"seed", "3"},
                          {"bias_l1", "0"}}),
                names);
        train(m, text);
        const std::unique_ptr<model> back = check_round_trip(bytes_of(m));
        CHECK_EQ(back->rows().rows(), m.rows().rows());
        CHECK_EQ(back->seen.samples, 2000u);
        CHECK(predict(*back, text).score == predict(m, text).score);
        // It goes on where it was.
        train(m, text);
        train(*back, text);
        CHECK(bytes_of(*back) == bytes_of(m));
      }
    }
  }
}

TEST(an_empty_model) {
  const model m(hyper_of({{"bias_l2", "1.5"}, {"linear", "0"}}), true);
  const std::unique_ptr<model> back = check_round_trip(bytes_of(m));
  for (const hyper_line& line : hyper_list()) {
    CHECK_EQ(get_hyper(back->hypers(), line.name), get_hyper(m.hypers(), line.name));
  }
  CHECK(back->rows().has_names());
}

TEST(many_blocks) {
  model m(hyper_of({{"factors", "2"}}), true);
  for (uint64_t i = 0; i < 100000; ++i) {
    const row_ref row = m.rows().find_or_insert<alone>(hash_detail::mix_final(i),
                                                       std::string(i % 41, 'n'), [](row_ref) {});
    value_of(row, i % 6, 2) = static_cast<float>(i);
  }
  // A name longer than a block aims at.
  m.rows().find_or_insert<alone>(~uint64_t{0}, std::string(3 << 20, 'x'), [](row_ref) {});
  const std::string bytes = bytes_of(m);
  CHECK(bytes.size() > size_t{6} << 20);
  check_round_trip(bytes);
}

// A small model with all there is: names and stored weights.
std::string small_file() {
  const temporary_folder folder;
  write_file(folder.path("alphafm"),
             "bias 0.5 2 -3\nuser=1 0.25 0.5 3 -4 1 -2\nx 0 0.125 0 0.5 0 0\n");
  std::unique_ptr<model> m;
  CHECK_OK(import_alphafm(folder.path("alphafm"), false, -1, hyper(), &m));
  CHECK(m->has_stored() && m->factors() == 1);
  return bytes_of(*m);
}

TEST(stored_weights_come_back) {
  const std::unique_ptr<model> back = check_round_trip(small_file());
  CHECK(back->has_stored());
  CHECK_EQ(back->bias_weight(), 0.5);
  float w = 0, v = 0;
  CHECK(back->stored_weights_of(id_of("user=1"), &w, &v));
  CHECK_EQ(w, 0.25f);
  CHECK_EQ(v, 0.5f);
  back->rows().for_each([](row_ref row, std::string_view name) {
    CHECK_EQ(row.id(), id_of(name));
    CHECK(name == "user=1" || name == "x");
  });
}

// Not fine, says which file, and gives no model.
void check_refused(const std::string& bytes, errc code, const std::string& what) {
  std::unique_ptr<model> m;
  const status refused = model_of(bytes, &m, "dir/model.fmt");
  CHECK_EQ(refused.code(), code);
  CHECK(refused.message().find("dir/model.fmt: ") == 0);
  if (refused.message().find(what) == std::string::npos) CHECK_EQ(refused.message(), what);
  CHECK(m == nullptr);
}

TEST(a_cut_file_at_every_length) {
  const std::string whole = small_file();
  check_refused("", errc::format, "not an fmtrain model (it is empty)");
  for (size_t size = 1; size < whole.size(); ++size) {
    check_refused(whole.substr(0, size), errc::format, "damaged model file: it ends inside");
  }
}

TEST(a_flipped_bit_anywhere) {
  const std::string whole = small_file();
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    std::unique_ptr<model> m;
    const status refused = model_of(flipped, &m, "dir/model.fmt");
    CHECK(refused.code() == errc::format || refused.code() == errc::version);
    CHECK(refused.message().find("dir/model.fmt: ") == 0);
    CHECK(m == nullptr);
  }
}

TEST(bytes_behind_the_end) {
  check_refused(small_file() + '\0', errc::format, "there are bytes behind its end");
}

TEST(a_file_of_the_future) {
  for (const uint32_t version : {model_file_version + 1, 7u, ~0u}) {
    std::string file = small_file();
    model_bytes::put(file, 8, version);
    check_refused(file, errc::version,
                  "newer fmtrain: model format version " + std::to_string(version));
    model_bytes::fix_checksums(file);
    check_refused(file, errc::version, "newer fmtrain");
  }
}

TEST(foreign_files) {
  for (const std::string& file :
       {std::string("bias 0 0 0\n"), std::string("{\"version\": 1}"), std::string(100, '\0'),
        std::string("\x89PNG\r\n\x1a\n"
                    "123456789")}) {
    check_refused(file, errc::format, "not an fmtrain model");
  }
}

TEST(files_on_disk) {
  const temporary_folder folder;
  model m(hyper_of({{"factors", "4"}}), true);
  train(m, sample_text(500));
  const std::string path = folder.path("model.fmt");
  CHECK_OK(save_model(m, path));
  CHECK(read_file(path) == bytes_of(m));
  CHECK(folder.names() == std::vector<std::string>{"model.fmt"});
  std::unique_ptr<model> back;
  CHECK_OK(load_model(path, &back));
  CHECK(bytes_of(*back) == bytes_of(m));

  back.reset();
  write_file(path, bytes_of(m).substr(0, 700));
  CHECK_EQ(load_model(path, &back).code(), errc::format);
  const status missing = load_model(folder.path("none"), &back);
  CHECK_EQ(missing.code(), errc::io);
  CHECK(missing.message().find(folder.path("none")) == 0);
  CHECK(back == nullptr);
  CHECK_EQ(save_model(m, folder.path("no/folder")).code(), errc::io);
}

}  // namespace
}  // namespace fmtrain
