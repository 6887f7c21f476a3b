// A frozen FM (k = 8) as a server looks features up in it, 480 at once (8 items of 60): among few
// that stay in the caches (warm), anywhere (cold), not there; in each precision. The rows are read,
// as a score reads them. Items are ids.
#include <memory>

#include "base/file.h"
#include "micro.h"
#include "model/model.h"
#include "serve/freeze.h"
#include "serve/frozen.h"

namespace fmtrain::micro {
namespace {

constexpr size_t at_once = 480;
constexpr size_t warm_rows_wanted = 2000;
constexpr size_t drawn = at_once * 2048;
constexpr size_t factors = 8;

// Of nth_id(0) ... nth_id(rows - 1). The model is gone when the first file is opened.
std::string file_of(size_t rows, precision as) {
  static size_t made_rows = 0;
  static std::unique_ptr<model> made;
  if (made_rows != rows) {
    made_rows = rows;
    hyper h;
    h.factors = factors;
    made = std::make_unique<model>(h, false);
    for (size_t i = 0; i < rows; ++i) {
      const row_ref row = made->rows().find_or_insert<alone>(nth_id(i), {}, [](row_ref) {});
      row.w() = {2 + nth_uniform(i), 1};
      for (size_t f = 0; f < factors; ++f) row.v[f] = {1 + nth_uniform(i + f), 1};
    }
  }
  freeze_options options;
  options.precision = as;
  freeze_counts counts;
  memory_sink sink;
  require(freeze(*made, options, sink, &counts).ok(), "the model is frozen");
  return std::move(sink.bytes);
}

const frozen& frozen_of(size_t rows, precision as) {
  static size_t made_rows = 0;
  static std::unique_ptr<frozen> made;
  if (made_rows == rows && made->meta().precision == as) return *made;
  made.reset();
  const std::string bytes = file_of(rows, as);
  made_rows = rows;
  require(
      frozen::open_memory(bytes.data(), bytes.size(), frozen::residence::copied, "it", &made).ok(),
      "the file opens");
  require(made->verify().ok(), "the file is as it should be");
  return *made;
}

enum class which { warm, cold, absent };

std::vector<uint64_t> draw(size_t rows, which of) {
  std::vector<uint64_t> ids(drawn);
  for (size_t i = 0; i < drawn; ++i) {
    const uint64_t random = hash_detail::mix_final(~uint64_t{i});
    const uint64_t among = of == which::warm ? std::min(rows, warm_rows_wanted) : rows;
    ids[i] = nth_id(random % among + (of == which::absent ? rows : 0));
  }
  return ids;
}

void look_up(benchmark::State& state, precision as, which of) {
  const auto rows = static_cast<size_t>(state.range(0));
  const frozen& in = frozen_of(rows, as);
  const std::vector<uint64_t> ids = draw(rows, of);
  frozen::scratch use(in.factors());
  const float* found[at_once];
  size_t at = 0;
  for (auto _ : state) {
    const uint64_t* const id = ids.data() + at;
    at = (at + at_once) % drawn;
    const size_t unknown = in.look_up(id, at_once, use, found);
    float sum = 0;
    for (size_t i = 0; i < at_once; ++i) sum += found[i][0] + found[i][factors];
    require(unknown == (of == which::absent ? at_once : 0), "all or none");
    require((sum == 0) == (of == which::absent), "weights are there");
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * at_once));
}

// By file, so that each is made once.
const bool registered = [] {
  for (const int64_t rows : {100000, 10000000}) {
    for (const precision as : {precision::float32, precision::float16, precision::int8}) {
      const auto add = [rows, as](const std::string& which_ids, which of) {
        const std::string name = which_ids + "_" + fmtrain::name_of(as);
        benchmark::RegisterBenchmark(name.c_str(), look_up, as, of)->ArgName("rows")->Arg(rows);
      };
      add("warm", which::warm);
      add("cold", which::cold);
      add("absent", which::absent);
    }
  }
  return true;
}();

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
