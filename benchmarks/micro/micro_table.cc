// The table as the trainer uses it, 1,280 ids at once so that their cache misses overlap: found
// among few that stay in the caches (hot), found anywhere (cold), not there, inserted; by rows.
// Items are ids.
#include <memory>

#include "micro.h"
#include "model/table.h"

namespace fmtrain::micro {
namespace {

constexpr size_t at_once = 1280;  // 32 samples of 40 features
constexpr size_t hot_rows_wanted = 2000;
constexpr size_t drawn = at_once * 1024;

row_ref insert(table& in, uint64_t id, row_head* guessed = nullptr) {
  return in.find_or_insert<alone>(id, {}, [](row_ref) {}, guessed);
}

// Of nth_id(0) ... nth_id(rows - 1), their numbers in w.n. The last one made is kept: ten million
// rows take seconds.
table& table_of(size_t rows) {
  static size_t made_rows = 0;
  static std::unique_ptr<table> made;
  if (made_rows == rows) return *made;
  made = std::make_unique<table>(0, false);
  made_rows = rows;
  for (size_t i = 0; i < rows; ++i) insert(*made, nth_id(i)).w() = {1, static_cast<float>(i % 97)};
  require(made->rows() == rows, "the number of rows");
  for (size_t i = 0; i < rows; i += 1 + rows / 10000) {
    const row_ref row = made->find(nth_id(i));
    require(row && row.id() == nth_id(i), "a row that is there is found");
    require(row.w().n == static_cast<float>(i % 97), "a row keeps its state");
    require(!made->find(nth_id(rows + i)), "a row that is not there is not found");
  }
  return *made;
}

enum class which { hot, cold, absent };

std::vector<uint64_t> draw(size_t rows, which of) {
  std::vector<uint64_t> ids(drawn);
  for (size_t i = 0; i < drawn; ++i) {
    const uint64_t random = hash_detail::mix_final(~uint64_t{i});
    const uint64_t among = of == which::hot ? std::min(rows, hot_rows_wanted) : rows;
    ids[i] = nth_id(random % among + (of == which::absent ? rows : 0));
  }
  return ids;
}

void find(benchmark::State& state, which of) {
  const auto rows = static_cast<size_t>(state.range(0));
  table& in = table_of(rows);
  const std::vector<uint64_t> ids = draw(rows, of);
  row_head* guessed[at_once];
  size_t at = 0;
  for (auto _ : state) {
    const uint64_t* const id = ids.data() + at;
    at = (at + at_once) % drawn;
    for (size_t i = 0; i < at_once; ++i) in.prefetch(id[i]);
    for (size_t i = 0; i < at_once; ++i) guessed[i] = in.guess<to_read>(id[i]);
    float sum = 0;
    for (size_t i = 0; i < at_once; ++i) {
      const row_ref row = in.find(id[i], guessed[i]);
      if (row) sum += row.w().z;
    }
    require(sum == (of == which::absent ? 0.0f : static_cast<float>(at_once)), "all or none");
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * at_once));
}

// From an empty table to all rows, its growth included.
void insert_all(benchmark::State& state) {
  const auto rows = static_cast<size_t>(state.range(0));
  double bytes = 0;
  for (auto _ : state) {
    auto filled = std::make_unique<table>(0, false);
    for (size_t first = 0; first < rows; first += at_once) {
      const size_t last = std::min(first + at_once, rows);
      for (size_t i = first; i < last; ++i) filled->prefetch(nth_id(i));
      for (size_t i = first; i < last; ++i)
        insert(*filled, nth_id(i), filled->guess<to_read>(nth_id(i)));
    }
    state.PauseTiming();
    require(filled->rows() == rows, "the number of rows");
    filled->reclaim();
    bytes = static_cast<double>(filled->memory_bytes()) / static_cast<double>(rows);
    filled.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * rows));
  state.counters["bytes_a_row"] = bytes;
}

// By rows first, so that each table is made once.
const bool registered = [] {
  for (const int64_t rows : {10000, 100000, 1000000, 10000000}) {
    const auto add = [rows](const char* name, which of) {
      benchmark::RegisterBenchmark(name, find, of)->ArgName("rows")->Arg(rows);
    };
    add("find_hot", which::hot);
    add("find_cold", which::cold);
    add("find_absent", which::absent);
    benchmark::RegisterBenchmark("insert", insert_all)
        ->ArgName("rows")
        ->Arg(rows)
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
