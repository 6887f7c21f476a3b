// Arbitrary bytes as a model file: refused with a reason, or a model that can be written, exported
// and read again, and whose rows may expire.
//
// Byte 0: 1 makes all checksums right first, so that the search gets behind them.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "fuzz.h"
#include "model/exchange.h"
#include "model/model_file.h"
#include "model_bytes.h"

using namespace fmtrain;

namespace {

std::unique_ptr<model> read(const std::string& bytes) {
  std::unique_ptr<model> m;
  memory_source source(bytes.data(), bytes.size());
  const status got = read_model(source, "the-file", &m);
  FUZZ_CHECK(got.ok() == (m != nullptr));
  FUZZ_CHECK(got.ok() || got.message().find("the-file: ") == 0);
  return m;
}

std::string write(const model& m) {
  memory_sink sink;
  FUZZ_CHECK(write_model(m, sink).ok());
  return sink.bytes;
}

void check_weights(const model& m) {
  std::vector<float> v(m.factors());
  float w = 0;
  m.rows().for_each([&](row_ref row, std::string_view) {
    m.weights_of(row, &w, v.data());
    FUZZ_CHECK(!std::isnan(w));
    for (const float lane : v) FUZZ_CHECK(!std::isnan(lane));
  });
  FUZZ_CHECK(!std::isnan(m.bias_weight()));
}

void check_exports(const model& m) {
  for (const auto format :
       {export_format::text, export_format::json, export_format::alphafm_text}) {
    if (format == export_format::alphafm_text && !m.rows().has_names()) continue;
    memory_sink sink;
    export_counts counts;
    const status done = export_model(m, {format, false, true}, sink, &counts);
    // A name may hold what alphaFM's text cannot.
    FUZZ_CHECK(done.ok() || format == export_format::alphafm_text);
    if (!done.ok()) continue;
    FUZZ_CHECK(counts.rows + counts.dropped == m.rows().rows());
    FUZZ_CHECK(counts.bytes == sink.bytes.size());
  }
}

// Whatever the stamps are: rows leave, and the others make a file.
void check_expiry(model& m) {
  const uint64_t before = m.rows().rows();
  m.set_time(1u << 20);
  const uint64_t gone = m.expire();
  FUZZ_CHECK(m.rows().rows() + gone == before);
  FUZZ_CHECK(m.expire() == 0);
  const std::unique_ptr<model> left = read(write(m));
  FUZZ_CHECK(left != nullptr && left->rows().rows() + gone == before);
  check_weights(*left);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] == 1) model_bytes::fix_checksums(file);
  const std::unique_ptr<model> m = read(file);
  if (m == nullptr) return 0;
  check_weights(*m);
  check_exports(*m);
  const std::string written = write(*m);
  const std::unique_ptr<model> back = read(written);
  FUZZ_CHECK(back != nullptr);
  FUZZ_CHECK(write(*back) == written);
  if (!back->has_stored()) check_expiry(*back);
  return 0;
}
