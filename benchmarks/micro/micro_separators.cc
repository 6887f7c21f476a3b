// Where tokens end, 64 bytes a word, by instruction set.
#include "feature/separators.h"
#include "micro.h"

namespace fmtrain::micro {
namespace {

#if defined(__x86_64__)
constexpr const char* set_names[] = {"plain", "sse2", "avx2", "avx512"};
#else
constexpr const char* set_names[] = {"plain", "neon"};
#endif

void check(const std::string& text, mark_separators_function function) {
  std::vector<uint64_t> words(text.size() / 64);
  function(text.data(), text.size(), words.data());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool marked = (words[i / 64] >> (i % 64) & 1) != 0;
    require(marked == (std::strchr(" \t:\n", text[i]) != nullptr), "a separator");
  }
}

void mark(benchmark::State& state, mark_separators_function function) {
  std::string text = with_values(synth_text(256));
  text.resize(text.size() / 64 * 64);
  check(text, function);
  std::vector<uint64_t> words(text.size() / 64);
  for (auto _ : state) {
    function(text.data(), text.size(), words.data());
    benchmark::DoNotOptimize(words.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

const bool registered = [] {
  const simd_list<mark_separators_function> all = all_mark_separators();
  for (size_t i = 0; i < all.count; ++i) {
    const std::string name = std::string("separators/") + set_names[i];
    benchmark::RegisterBenchmark(name.c_str(), mark, all.functions[i]);
  }
  return true;
}();

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
