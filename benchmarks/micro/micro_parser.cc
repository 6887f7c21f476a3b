// Text lines -> batches: `name name`, `name:1 name:1`, and decimal values.
#include <sstream>

#include "micro.h"

namespace fmtrain::micro {
namespace {

constexpr uint64_t samples = 2000;
constexpr int64_t fields = 40;

std::string decimal_text() {
  synth_options options;
  options.numeric = fields;
  options.fields = 1;
  return synth(options).text(0, samples, nullptr);
}

// Against the plainest reading of the same text; a value of 0 is dropped.
void check(const std::string& text) {
  const parsed_text parsed(text);
  require(parsed.samples == samples, "the number of samples");
  std::istringstream lines(text);
  for (const batch& in : parsed.batches) {
    for (size_t sample = 0; sample < in.samples; ++sample) {
      std::string line, token, label;
      require(static_cast<bool>(std::getline(lines, line)), "a line for every sample");
      std::istringstream tokens(line);
      tokens >> label;
      require(in.label[sample] == std::stof(label), "a label");
      uint32_t i = in.begin[sample];
      while (tokens >> token) {
        const size_t colon = token.find(':');
        const float value = colon == token.npos ? 1 : std::stof(token.substr(colon + 1));
        if (value == 0) continue;
        const std::string name = token.substr(0, colon);
        require(in.x[i] == value, "a value");
        require(in.id[i] == hash_name(name.data(), name.size(), 0), "an id");
        require(in.name_of(i) == name, "a name");
        ++i;
      }
      require(i == in.begin[sample + 1], "the number of features");
    }
  }
}

void parse(benchmark::State& state, std::string (*make)()) {
  const std::string text = make();
  check(text);
  line_log log;
  batch out;
  chunk whole = chunk_of(text);
  for (auto _ : state) {
    text_source source(std::move(whole), parse_options(), log);
    for (; source.fill(out); out.clear()) benchmark::DoNotOptimize(out.id.data());
    out.clear();
    whole = source.take_chunk();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * samples));
}

BENCHMARK_CAPTURE(parse, names, [] { return synth_text(samples); });
BENCHMARK_CAPTURE(parse, ones, [] { return with_values(synth_text(samples)); });
BENCHMARK_CAPTURE(parse, decimals, decimal_text);

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
