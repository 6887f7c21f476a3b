// Arbitrary bytes as an input cache: refused with a reason, or sound samples that can be packed and
// read again.
//
// Byte 0: bit 0 makes all checksums right first, so that the search gets behind them; the others
// are the size of the pieces in which the bytes come.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cache_bytes.h"
#include "feature/cache_builder.h"
#include "feature/sample_stream.h"
#include "fuzz.h"

using namespace fmtrain;

namespace {

using milliseconds = std::chrono::milliseconds;

// What samples hold, as bytes that can be compared.
void add_bytes(std::string* out, const batch& in) {
  for (size_t s = 0; s < in.samples; ++s) {
    out->append(reinterpret_cast<const char*>(&in.line[s]), sizeof in.line[s]);
    out->append(reinterpret_cast<const char*>(&in.label[s]), sizeof in.label[s]);
    out->append(reinterpret_cast<const char*>(&in.weight[s]), sizeof in.weight[s]);
    out->append(in.key[s]).append(1, '\n');
    for (uint32_t i = in.begin[s]; i < in.begin[s + 1]; ++i) {
      out->append(reinterpret_cast<const char*>(&in.id[i]), sizeof in.id[i]);
      out->append(reinterpret_cast<const char*>(&in.x[i]), sizeof in.x[i]);
    }
  }
}

void check_sound(const batch& in) {
  FUZZ_CHECK(in.dictionary != nullptr && in.begin[in.samples] == in.features);
  for (size_t s = 0; s < in.samples; ++s) {
    FUZZ_CHECK(in.label[s] >= 0 && in.label[s] <= 1);
    FUZZ_CHECK(in.weight[s] >= 0 && std::isfinite(in.weight[s]));
    FUZZ_CHECK(in.begin[s] <= in.begin[s + 1]);
  }
  for (size_t i = 0; i < in.features; ++i) {
    FUZZ_CHECK(std::isfinite(in.x[i]) && in.x[i] != 0);
    FUZZ_CHECK(in.local[i] < in.dictionary->size);
    FUZZ_CHECK(in.dictionary->id[in.local[i]] == in.id[i]);
    size_t sum = 0;
    for (const char c : in.name_of(i)) sum += static_cast<unsigned char>(c);
    FUZZ_CHECK(sum <= 255 * in.name_of(i).size());
  }
}

std::string unpacked(const std::string& raw, uint64_t samples) {
  cache_block block;
  block.header = std::make_shared<const cache_header>();
  block.file = std::make_shared<const std::string>("again");
  block.head.payload_crc = crc32c(0, raw.data(), raw.size());
  block.head.payload_bytes = block.head.raw_bytes = raw.size();
  block.head.items = samples;
  block.payload.reset(new char[raw.size()]);
  std::copy(raw.begin(), raw.end(), block.payload.get());
  cache_scratch scratch;
  line_log log;
  cache_source source(block, scratch, log);
  FUZZ_CHECK(source.open().ok());
  std::string bytes;
  for (batch in; source.fill(in); in.clear()) add_bytes(&bytes, in);
  return bytes;
}

class checker : public batch_consumer {
 public:
  status consume(size_t, uint64_t, const batch_source& source, batch& in) override {
    if (in.dictionary == nullptr) return {};  // text: fuzz_parser's
    FUZZ_CHECK(source.name().find("the-file") == 0);
    check_sound(in);
    for (size_t next = builder_.add(in, 0); next < in.samples; next = builder_.add(in, next)) {
      check_again();
    }
    add_bytes(&seen_, in);
    return {};
  }
  status finish_source(size_t, uint64_t) override {
    if (!builder_.empty()) check_again();
    FUZZ_CHECK(seen_ == again_);
    return {};
  }

 private:
  void check_again() {
    const uint64_t samples = builder_.samples();
    std::string raw;
    FUZZ_CHECK(builder_.encode("again", &raw).ok());
    again_ += unpacked(raw, samples);
  }

  cache_builder builder_{false};
  std::string seen_, again_;
};

status read(const std::string& file, size_t piece) {
  checker seen;
  sample_stream stream(1, parse_options(), seen);
  stream.begin("the-file");
  status got;
  for (size_t at = 0; at < file.size() && got.ok() && !stream.stopped();) {
    size_t taken = 0;
    const size_t size = std::min(piece, file.size() - at);
    got = stream.feed(file.data() + at, size, milliseconds(1000), &taken);
    at += taken;
  }
  if (got.ok()) got = stream.end();
  const status finished = stream.finish();
  return got.ok() ? finished : got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((data[0] & 1) != 0) cache_bytes::fix_checksums(file);
  const status got = read(file, data[0] < 2 ? SIZE_MAX : data[0]);
  FUZZ_CHECK(got.ok() || got.message().find("the-file: ") == 0);
  return 0;
}
