// A feature's id from its name: short names (a field and a number), long ones (a URL's length), as
// the parser has them (padded) and as everyone else has them.
#include "micro.h"

namespace fmtrain::micro {
namespace {

constexpr size_t names = 1024;

struct name_text {
  explicit name_text(size_t size) : bytes(names * size + padding_bytes, '\0') {
    for (size_t i = 0; i < names * size; ++i) bytes[i] = static_cast<char>('a' + nth_id(i) % 26);
  }
  std::string bytes;
};

void check() {
  // What mmh3.hash64(name, seed, signed=False)[0] gives in Python.
  require(hash_name("f07_31", 6, 0) == 0x2a8c4fd800f9e3e5ULL, "the hash of a short name");
  const char* const name = "https://example.org/a/long/page?id=1";
  require(hash_name(name, 36, 7) == 0xa326852fbef4f9fcULL, "the hash of a long name");
  for (size_t size = 0; size < 64; ++size) {
    const name_text text(size);
    for (size_t i = 0; i < names; ++i) {
      const char* const at = text.bytes.data() + i * size;
      require(hash_padded(at, size, 3) == hash_name(at, size, 3), "padded and plain hash differ");
    }
  }
}

// A function's pointer would be called, a lambda is inlined, as in the parser.
template <class Function>
void hash(benchmark::State& state, const Function& function) {
  static const bool checked = (check(), true);
  benchmark::DoNotOptimize(checked);
  const auto size = static_cast<size_t>(state.range(0));
  const name_text text(size);
  for (auto _ : state) {
    uint64_t sum = 0;
    for (size_t i = 0; i < names; ++i) sum += function(text.bytes.data() + i * size, size);
    benchmark::DoNotOptimize(sum);
  }
  const auto hashed = static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(names);
  state.SetItemsProcessed(hashed);
  state.SetBytesProcessed(hashed * state.range(0));
}

void padded(benchmark::State& state) {
  hash(state, [](const char* name, size_t size) { return hash_padded(name, size, 0); });
}
void plain(benchmark::State& state) {
  hash(state, [](const char* name, size_t size) { return hash_name(name, size, 0); });
}

BENCHMARK(padded)->ArgName("bytes")->Arg(6)->Arg(12)->Arg(31)->Arg(120);
BENCHMARK(plain)->ArgName("bytes")->Arg(6)->Arg(12)->Arg(31)->Arg(120);

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
