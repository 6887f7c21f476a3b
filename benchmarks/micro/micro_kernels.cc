// The arithmetic of one sample of 40 features, by instruction set; lanes of an FM with k = 8.
#include <cmath>

#include "micro.h"
#include "model/hyper.h"
#include "model/kernels.h"
#include "model/model.h"

namespace fmtrain::micro {
namespace {

constexpr size_t features = 40, factors = 8, lanes = features * factors;

// What every kernel reads and writes; the states of features that have learned.
struct arrays {
  ftrl<float> rule = optimiser(hyper()).w;
  buffer<coordinate> before, after;
  buffer<float> weights, x, g, sum;
  double score = 0;
  float largest = 0;

  arrays() {
    before.reserve(lanes);
    after.reserve(lanes);
    for (buffer<float>* all : {&weights, &x, &g, &sum}) all->reserve(lanes);
    for (size_t i = 0; i < lanes; ++i) {
      before[i] = {nth_uniform(i) - 0.5f, 3 * nth_uniform(lanes + i)};
      weights[i] = rule.weight(before[i].z, before[i].n);
      x[i] = i % 4 == 0 ? nth_uniform(2 * lanes + i) : 1;
      g[i] = nth_uniform(3 * lanes + i) - 0.5f;
    }
    for (size_t f = 0; f < factors; ++f) sum[f] = nth_uniform(4 * lanes + f);
  }

  bool operator==(const arrays& other) const {
    const auto same = [](const auto& a, const auto& b) {
      return std::memcmp(a.data(), b.data(), lanes * sizeof a[0]) == 0;
    };
    return same(after, other.after) && same(weights, other.weights) && same(g, other.g) &&
           same(sum, other.sum) && score == other.score && largest == other.largest;
  }
};

struct kernel {
  const char* name;
  size_t coordinates;
  void (*run)(const kernels& use, arrays& a);
};

const kernel all[] = {
    {"weigh", features,
     [](const kernels& use, arrays& a) {
       use.weigh(a.rule, a.before.data(), a.weights.data(), features);
     }},
    {"weigh_lanes", lanes,
     [](const kernels& use, arrays& a) {
       use.weigh(a.rule, a.before.data(), a.weights.data(), lanes);
     }},
    {"update", features,
     [](const kernels& use, arrays& a) {
       use.update(a.rule, a.before.data(), a.g.data(), a.weights.data(), a.after.data(), features);
     }},
    {"update_lanes", lanes,
     [](const kernels& use, arrays& a) {
       use.update(a.rule, a.before.data(), a.g.data(), a.weights.data(), a.after.data(), lanes);
     }},
    {"linear_score", features,
     [](const kernels& use, arrays& a) {
       a.score = use.linear_score(a.weights.data(), a.x.data(), features);
     }},
    {"linear_gradient", features,
     [](const kernels& use, arrays& a) {
       a.largest = use.linear_gradient(a.x.data(), 0.25f, features, a.g.data());
     }},
    {"fm_score", lanes,
     [](const kernels& use, arrays& a) {
       a.score = use.fm_score(a.weights.data(), a.x.data(), features, factors, a.sum.data());
     }},
    {"fm_gradient", lanes,
     [](const kernels& use, arrays& a) {
       a.largest = use.fm_gradient(a.weights.data(), a.x.data(), a.sum.data(), 0.25f, features,
                                   factors, a.g.data());
     }},
};

// The formulas in doubles, to the rounding of floats.
void check_formulas() {
  arrays a;
  const kernels& use = *kernels_of(simd::baseline);
  double pairs = 0, linear = 0;
  for (size_t i = 0; i < features; ++i) {
    linear += static_cast<double>(a.weights[i]) * static_cast<double>(a.x[i]);
    for (size_t j = 0; j < i; ++j) {
      for (size_t f = 0; f < factors; ++f) {
        pairs += static_cast<double>(a.weights[i * factors + f] * a.weights[j * factors + f]) *
                 static_cast<double>(a.x[i] * a.x[j]);
      }
    }
  }
  const double got_pairs =
      use.fm_score(a.weights.data(), a.x.data(), features, factors, a.sum.data());
  const double got_linear = use.linear_score(a.weights.data(), a.x.data(), features);
  require(std::abs(got_linear - linear) < 1e-9, "linear_score");
  require(std::abs(got_pairs - pairs) < 1e-5, "fm_score");
  use.update(a.rule, a.before.data(), a.g.data(), a.weights.data(), a.after.data(), lanes);
  for (size_t i = 0; i < lanes; ++i) {
    const double n = static_cast<double>(a.before[i].n), g = static_cast<double>(a.g[i]);
    const double sigma = (std::sqrt(n + g * g) - std::sqrt(n)) * 20;  // 1 / alpha
    const double z =
        static_cast<double>(a.before[i].z) + g - sigma * static_cast<double>(a.weights[i]);
    require(std::abs(static_cast<double>(a.after[i].n) - (n + g * g)) < 1e-6, "n of update");
    require(std::abs(static_cast<double>(a.after[i].z) - z) < 1e-5, "z of update");
  }
}

void run(benchmark::State& state, const kernel& of, const kernels& use) {
  arrays plain, a;
  of.run(*kernels_of(simd::baseline), plain);
  of.run(use, a);
  require(a == plain, "instruction sets give the same bits");
  for (auto _ : state) {
    of.run(use, a);
    benchmark::DoNotOptimize(a.score);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * of.coordinates));
}

const bool registered = [] {
  check_formulas();
  for (const kernel& of : all) {
    for (const simd level : {simd::baseline, simd::avx2, simd::avx512}) {
      const kernels* const use = kernels_of(level);
      if (use == nullptr) continue;
      const std::string name = std::string(of.name) + "/" + use->name;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&of, use](benchmark::State& state) { run(state, of, *use); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
