// What the micro-benchmarks share: a check that ends the run, reproducible numbers, text as chunks
// and batches.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "feature/hash.h"
#include "feature/text_source.h"
#include "synth/synth.h"

namespace fmtrain::micro {

// A wrong answer is not worth a time: the process ends with 1, which the benchmark library's own
// way of skipping would not do.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong answer: %s\n", what);
  std::exit(1);
}

// Number i of a stream of well-spread ids, no two alike.
inline uint64_t nth_id(uint64_t i) { return hash_detail::mix_final(i + 1); }

// In [0, 1).
inline float nth_uniform(uint64_t i) { return static_cast<float>(nth_id(i) >> 40) * 0x1p-24f; }

inline const char* name_of(simd level) {
  constexpr const char* names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(level)];
}

inline std::string synth_text(uint64_t samples, int64_t dims = 1000000) {
  synth_options options;
  options.dims = dims;
  return synth(options).text(0, samples, nullptr);
}

// `name name ...` -> `name:1 name:1 ...`
inline std::string with_values(std::string_view text) {
  std::string out;
  bool in_label = true;
  for (const char c : text) {
    if ((c == ' ' || c == '\n') && !in_label) out.append(":1");
    in_label = (in_label && c != ' ') || c == '\n';
    out.push_back(c);
  }
  return out;
}

inline chunk chunk_of(std::string_view text) {
  static const auto source = std::make_shared<const std::string>("micro");
  chunk made;
  made.data = std::make_unique<char[]>(text.size() + padding_bytes);
  std::memcpy(made.data.get(), text.data(), text.size());
  made.size = made.capacity = text.size();
  made.source = source;
  return made;
}

// The batches of a text, which they point into.
struct parsed_text {
  explicit parsed_text(std::string_view text) : source(chunk_of(text), parse_options(), log) {
    for (batch next; source.fill(next); next.clear()) {
      batches.push_back(next);
      samples += next.samples;
    }
  }
  line_log log;
  text_source source;
  std::vector<batch> batches;
  uint64_t samples = 0;
};

}  // namespace fmtrain::micro
