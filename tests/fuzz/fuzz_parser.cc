// Arbitrary bytes as a stream of text: whatever they are, what comes out is fit for a learner,
// every line is accounted for, and the pieces in which the bytes came do not show.
//
// Byte 0: bit 0 chooses libffm, the rest the size of the pieces.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "feature/hash.h"
#include "feature/text_source.h"
#include "fuzz.h"
#include "io/chunk_reader.h"

using namespace fmtrain;

namespace {

constexpr uint32_t hash_seed = 3;

struct outcome {
  std::vector<float> label, weight, x;
  std::vector<uint64_t> line, id, features;
  std::string keys;
  line_counts counts{};
  bool operator==(const outcome& other) const {
    return label == other.label && weight == other.weight && x == other.x && line == other.line &&
           id == other.id && features == other.features && keys == other.keys &&
           counts == other.counts;
  }
};

void check_and_take(const batch& in, outcome* out) {
  FUZZ_CHECK(in.begin[0] == 0 && in.begin[in.samples] == in.features);
  for (size_t s = 0; s < in.samples; ++s) {
    FUZZ_CHECK(in.begin[s] <= in.begin[s + 1]);
    FUZZ_CHECK(in.label[s] >= 0 && in.label[s] <= 1);
    FUZZ_CHECK(in.weight[s] >= 0 && std::isfinite(in.weight[s]));
    out->label.push_back(in.label[s]);
    out->weight.push_back(in.weight[s]);
    out->line.push_back(in.line[s]);
    out->features.push_back(in.begin[s + 1] - in.begin[s]);
    out->keys.append(in.key[s]).push_back('\n');
  }
  for (size_t i = 0; i < in.features; ++i) {
    const std::string_view name = in.name_of(i);
    FUZZ_CHECK(std::isfinite(in.x[i]) && in.x[i] != 0);
    FUZZ_CHECK(!name.empty() && name.find_first_of(" \t:\n") == std::string_view::npos);
    FUZZ_CHECK(in.id[i] == hash_name(name.data(), name.size(), hash_seed));
    out->id.push_back(in.id[i]);
    out->x.push_back(in.x[i]);
  }
}

outcome run(const char* data, size_t size, size_t piece, bool flush, text_format format) {
  parse_options options;
  options.format = format;
  options.hash_seed = hash_seed;
  outcome out;
  line_log log;
  batch samples;
  buffer_pool pool;
  chunk_reader reader(line_bytes_max, padding_bytes, pool);
  const auto drain = [&](bool all) {
    chunk c;
    while (reader.next(all, &c)) {
      text_source source(std::move(c), options, log);
      for (samples.clear(); source.fill(samples); samples.clear()) {
        check_and_take(samples, &out);
        FUZZ_CHECK(!source.line_at(samples.line[0]).empty());
      }
      pool.give(source.take_chunk());
    }
  };
  reader.begin("fuzz");
  for (size_t at = 0; at < size;) {
    at += reader.append(data + at, std::min(piece, size - at));
    drain(flush);
  }
  reader.end();
  drain(true);
  out.counts = log.counts();
  for (const bad_line& bad : log.examples()) FUZZ_CHECK(is_bad(bad.kind) && bad.line > 0);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto format = (data[0] & 1) != 0 ? text_format::libffm : text_format::text;
  const size_t piece = 1 + (data[0] >> 1);
  const auto* const text = reinterpret_cast<const char*>(data + 1);
  --size;
  const outcome whole = run(text, size, size + 1, false, format);
  FUZZ_CHECK(whole == run(text, size, piece, true, format));

  uint64_t lines = 0, counted = 0;
  for (size_t i = 0; i < size; ++i) lines += text[i] == '\n' ? 1 : 0;
  if (size > 0 && text[size - 1] != '\n') ++lines;
  for (const uint64_t count : whole.counts) counted += count;
  FUZZ_CHECK(counted == lines);
  FUZZ_CHECK(whole.counts[static_cast<int>(line_kind::sample)] == whole.label.size());
  return 0;
}
