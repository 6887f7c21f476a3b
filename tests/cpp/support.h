// What several tests need: reproducible randomness, padded text, models trained in one call.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.h"
#include "feature/hash.h"
#include "model/model.h"
#include "model/model_file.h"
#include "score/predictor.h"
#include "train/trainer.h"

namespace fmtrain {

// splitmix64: the same numbers everywhere.
class test_random {
 public:
  explicit test_random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return hash_detail::mix_final(state_ += 0x9e3779b97f4a7c15ULL); }
  uint64_t below(uint64_t n) { return next() % n; }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  // One of the bytes of `alphabet`.
  char pick(std::string_view alphabet) { return alphabet[below(alphabet.size())]; }

 private:
  uint64_t state_;
};

inline hyper hyper_of(std::initializer_list<std::pair<const char*, const char*>> values) {
  hyper h;
  for (const auto& [name, value] : values) CHECK_OK(set_hyper(h, name, value));
  CHECK_OK(check_hyper(h));
  return h;
}

inline void feed_all(sample_stream& stream, std::string_view text, const char* name = "test") {
  stream.begin(name);
  for (size_t at = 0; at < text.size();) {
    size_t taken = 0;
    CHECK_OK(stream.feed(text.data() + at, text.size() - at, std::chrono::seconds(1), &taken));
    at += taken;
  }
  CHECK_OK(stream.end());
}

// One pass; returns the meter of it.
inline meter train(model& m, std::string_view text, size_t threads = 1,
                   bool deterministic = false) {
  trainer run(m, {threads, deterministic}, parse_options());
  feed_all(run.input(), text);
  CHECK_OK(run.finish());
  return run.progress(false).total;
}

inline predictions predict(const model& m, std::string_view text, size_t threads = 1) {
  predictor run(m, threads, parse_options(), predict_options());
  feed_all(run.input(), text);
  CHECK_OK(run.finish());
  return run.take();
}

inline std::string bytes_of(const model& m) {
  memory_sink sink;
  CHECK_OK(write_model(m, sink));
  return sink.bytes;
}

inline status model_of(std::string_view bytes, std::unique_ptr<model>* out,
                       const std::string& name = "the-file") {
  memory_source source(bytes.data(), bytes.size());
  return read_model(source, name, out);
}

// That the bytes are refused as damaged, with a message that says `what`.
void check_refused(std::string_view bytes, const std::string& what);

inline uint64_t id_of(std::string_view name, uint32_t seed = 0) {
  return hash_name(name.data(), name.size(), seed);
}

// A row's state as one list: z and n of w, then z of all lanes, then n of all lanes.
inline float& value_of(row_ref row, size_t i, size_t factors) {
  if (i < 2) return i == 0 ? row.w().z : row.w().n;
  return i < 2 + factors ? row.v[i - 2].z : row.v[i - 2 - factors].n;
}
inline size_t values_of(const model& m) { return 2 + 2 * m.factors(); }

// A folder that is gone afterwards.
class temporary_folder {
 public:
  temporary_folder();
  ~temporary_folder();
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::string> names() const;  // of the files in it

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);

}  // namespace fmtrain
