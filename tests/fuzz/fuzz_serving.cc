// Arbitrary bytes as a serving file: refused with a reason, or a model that scores.
//
// Byte 0: 1 makes all checksums right first, so that the search gets behind them. Then pieces, u16
// bytes each and those, which are put at multiples of 4096: the zeros between sections are not
// searched through.
#include <algorithm>
#include <memory>
#include <string>

#include "fuzz.h"
#include "serve/frozen.h"
#include "serving_bytes.h"

using namespace fmtrain;

namespace {

std::string spread(const uint8_t* data, size_t size) {
  std::string bytes;
  while (size >= 2) {
    const size_t piece = std::min<size_t>(data[0] | data[1] << 8, size - 2);
    bytes.resize((bytes.size() + 4095) / 4096 * 4096);
    bytes.append(reinterpret_cast<const char*>(data) + 2, piece);
    data += 2 + piece;
    size -= 2 + piece;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string bytes = spread(data + 1, size - 1);
  if (data[0] == 1) seal_serving(bytes);
  std::unique_ptr<frozen> m;
  status done =
      frozen::open_memory(bytes.data(), bytes.size(), frozen::residence::copied, "the-file", &m);
  FUZZ_CHECK(done.ok() == (m != nullptr));
  if (done.ok()) done = m->verify();
  FUZZ_CHECK(done.ok() || done.message().find("the-file: ") == 0);
  if (!done.ok()) return 0;
  const sample_score score = score_of(*m);
  batch in;
  golden_row sample;
  for (uint64_t i = 0; i < 100; ++i) {
    sample.id.push_back(i * 0x28f5c28f5c28f5cULL);
    sample.x.push_back(1);
  }
  take_features(sample, in);
  (void)m->calibrated().prediction(static_cast<double>(score(in)));
  for (const golden_row& row : m->golden()) {
    take_features(row, in);
    (void)score(in);
  }
  return 0;
}
