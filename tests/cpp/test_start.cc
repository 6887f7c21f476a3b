// v's start: pinned values (the normal quantile of scipy, rounded to float), its distribution, and
// the two functions it is made of against libm.
#include "model/start.h"

#include <algorithm>

#include "support.h"

namespace fmtrain {
namespace {

struct pinned {
  uint64_t id, lane, seed;
  float value;
};

// Part of the file format: a model file does not hold the starts of untouched lanes.
const pinned golden[] = {
    {0x0000000000000000, 0, 0, -0.798377156f},
    {0x0000000000000000, 1, 0, -0.707731724f},
    {0x0000000000000000, 7, 0, 0.00662718015f},
    {0x0000000000000001, 0, 0, -0.77332437f},
    {0xb2ab5ba8f0ea0c6f, 0, 0, 2.55304599f},
    {0xb2ab5ba8f0ea0c6f, 3, 0, -0.601896822f},
    {0xffffffffffffffff, 1023, 0, -1.58786058f},
    {0x000000000000002a, 0, 1, -0.628565848f},
    {0x000000000000002a, 0, 9223372036854775807, -0.99961096f},
    {0x123456789abcdef0, 15, 20240229, 0.694476843f},
};

TEST(values_are_pinned) {
  for (const pinned& p : golden) CHECK_EQ(start_value(p.id, p.lane, p.seed), p.value);
}

// ids made by running the mixing backwards: all 64 bits of their draw are 0, or 1.
TEST(the_ends_of_the_draw_are_the_ends_of_the_normal) {
  CHECK_NEAR(static_cast<double>(start_value(0x9ca066f1a4ab2eea, 0, 0)), -8.29, 0.2);
  CHECK_NEAR(static_cast<double>(start_value(0xd91c9cf2d52ce447, 0, 0)), 8.29, 0.2);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

TEST(draws_are_normal) {
  constexpr size_t ids = 50000, lanes = 8;
  std::vector<double> draws;
  for (uint64_t id = 0; id < ids; ++id) {
    for (uint64_t lane = 0; lane < lanes; ++lane) {
      draws.push_back(static_cast<double>(start_value(hash_detail::mix_final(id), lane, 5)));
    }
  }
  const auto count = static_cast<double>(draws.size());
  double moment[5] = {};
  for (const double x : draws) {
    for (int power = 1; power <= 4; ++power) moment[power] += std::pow(x, power) / count;
  }
  // Five standard errors of each.
  CHECK_NEAR(moment[1], 0, 5 * std::sqrt(1 / count));
  CHECK_NEAR(moment[2], 1, 5 * std::sqrt(2 / count));
  CHECK_NEAR(moment[3], 0, 5 * std::sqrt(15 / count));
  CHECK_NEAR(moment[4], 3, 5 * std::sqrt(96 / count));
  // Kolmogorov-Smirnov: exceeded by chance once in 10^5.
  std::sort(draws.begin(), draws.end());
  double distance = 0;
  for (size_t i = 0; i < draws.size(); ++i) {
    const double p = normal_cdf(draws[i]);
    distance = std::max({distance, std::fabs(p - static_cast<double>(i) / count),
                         std::fabs(p - static_cast<double>(i + 1) / count)});
  }
  CHECK(std::sqrt(count) * distance < 2.47);
}

// Neighbours in any of the three arguments have nothing to do with each other.
TEST(draws_are_independent) {
  constexpr int count = 100000;
  double with_id = 0, with_lane = 0, with_seed = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(start_value(i, 3, 9));
    with_id += x * static_cast<double>(start_value(i + 1, 3, 9));
    with_lane += x * static_cast<double>(start_value(i, 4, 9));
    with_seed += x * static_cast<double>(start_value(i, 3, 10));
  }
  for (const double sum : {with_id, with_lane, with_seed}) {
    CHECK_NEAR(sum / count, 0, 5 / std::sqrt(static_cast<double>(count)));
  }
}

TEST(portable_log_is_log) {
  test_random random(1);
  CHECK_NEAR(portable_log(1), 0, 1e-15);
  for (int i = 0; i < 100000; ++i) {
    const double x = std::ldexp(1 - random.uniform() / 2, -static_cast<int>(random.below(60)));
    CHECK_NEAR(portable_log(x), std::log(x), 1e-12);
  }
  for (const double x : {0x1p-54, 1e-300, 5e-324, 0.5, 0.70710678118654752, 1 - 0x1p-53}) {
    CHECK_NEAR(portable_log(x), std::log(x), 1e-12 * std::max(1.0, -std::log(x)));
  }
}

// One Newton step by erfc makes the approximation exact: it must move it by 1.2e-9 of it at most.
void check_quantile(double p) {
  const double x = normal_quantile(p);
  const double density = std::exp(-x * x / 2) * 0.3989422804014327;
  const double step =
      p < 0.5 ? (normal_cdf(x) - p) / density : ((1 - p) - normal_cdf(-x)) / density;
  CHECK_NEAR(step, 0, 1.2e-9 * std::fabs(x) + 1e-16);
}

TEST(normal_quantile_round_trips) {
  CHECK_NEAR(normal_quantile(0.5), 0, 1e-300);
  test_random random(2);
  for (int i = 0; i < 100000; ++i) {
    const double p = (static_cast<double>(random.next() >> 12) + 0.5) * 0x1p-52;
    check_quantile(p);
    check_quantile(std::ldexp(p, -static_cast<int>(random.below(50))));
  }
  for (const double p : {0.02425, 0.024249999, 0.024250001, 0.97575, 0.97575001, 1 - 0x1p-53}) {
    check_quantile(p);
  }
}

}  // namespace
}  // namespace fmtrain
