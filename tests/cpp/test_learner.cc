// Score and gradient against the sum over all pairs that they stand for, in doubles.
#include "model/learner.h"

#include "support.h"

namespace fmtrain {
namespace {

struct sample_rows {
  size_t features, factors;
  gathered rows;
  std::vector<float> x;

  sample_rows(size_t features_, size_t factors_, uint64_t seed)
      : features(features_), factors(factors_), x(features_) {
    test_random random(seed);
    rows.reserve(features, factors);
    const auto draw = [&] { return static_cast<float>(random.between(-1, 1)); };
    for (float& w : rows.w) w = draw();
    for (float& v : rows.v) v = draw();
    for (float& value : x) value = random.below(3) == 0 ? 1 : 3 * draw();
  }
  double v(size_t i, size_t f) const { return static_cast<double>(rows.v[i * factors + f]); }
  double x_of(size_t i) const { return static_cast<double>(x[i]); }

  // sum w_i x_i + sum over pairs i < j of <v_i, v_j> x_i x_j, and the sum of the terms' sizes.
  double brute_force(double* size) const {
    double score = 0;
    *size = 0;
    const auto add = [&](double term) {
      score += term;
      *size += std::fabs(term);
    };
    for (size_t i = 0; i < features; ++i) add(static_cast<double>(rows.w[i]) * x_of(i));
    for (size_t i = 0; i < features; ++i) {
      for (size_t j = i + 1; j < features; ++j) {
        for (size_t f = 0; f < factors; ++f) add(v(i, f) * v(j, f) * x_of(i) * x_of(j));
      }
    }
    return score;
  }
};

constexpr size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 40, 131};

template <class Learner>
void check_learner(size_t factors) {
  const Learner learner(factors);
  CHECK_EQ(learner.factors(), factors);
  for (const size_t features : sizes) {
    sample_rows in(features, factors, features + 1000 * factors);
    double size = 0;
    const double expected = in.brute_force(&size);
    CHECK_NEAR(static_cast<double>(learner.score(in.rows, in.x.data(), features)), expected,
               1e-5 * size + 1e-30);

    // The score is quadratic in one lane: a central difference is exact but for rounding.
    const float slope = -0.375f;
    std::vector<float> g(factors);
    for (size_t i = 0; i < std::min<size_t>(features, 9); ++i) {
      learner.gradient(in.rows, slope, in.x[i], i, g.data());
      for (size_t f = 0; f < factors; f += 3) {
        float& lane = in.rows.v[i * factors + f];
        const float at = lane;
        double unused = 0;
        lane = at + 0.5f;
        const double above = in.brute_force(&unused);
        lane = at - 0.5f;
        const double below = in.brute_force(&unused);
        lane = at;
        CHECK_NEAR(static_cast<double>(g[f]), static_cast<double>(slope) * (above - below),
                   1e-5 * size);
      }
    }
  }
}

TEST(lr) { check_learner<fmtrain::lr>(0); }
TEST(fm_of_4) { check_learner<fm<4>>(4); }
TEST(fm_of_8) { check_learner<fm<8>>(8); }
TEST(fm_of_16) { check_learner<fm<16>>(16); }
TEST(fm_of_any_width) {
  for (const size_t factors : {1, 2, 3, 4, 7, 8, 16, 33}) check_learner<fm<any_width>>(factors);
  sample_rows widest(3, factors_max, 1);
  double size = 0;
  const double expected = widest.brute_force(&size);
  CHECK_NEAR(static_cast<double>(fm<any_width>(factors_max).score(widest.rows, widest.x.data(), 3)),
             expected, 1e-5 * size);
}

// The width only unrolls loops: the same sums in the same order, to the last bit.
template <int Width>
void check_same_as_any_width() {
  const fm<Width> fixed(Width);
  const fm<any_width> any(Width);
  for (const size_t features : sizes) {
    sample_rows in(features, Width, 77 + features);
    gathered other = in.rows;
    CHECK_EQ(fixed.score(in.rows, in.x.data(), features), any.score(other, in.x.data(), features));
    CHECK(in.rows.sum == other.sum);
    std::vector<float> g(Width), other_g(Width);
    for (size_t i = 0; i < features; ++i) {
      fixed.gradient(in.rows, 0.3f, in.x[i], i, g.data());
      any.gradient(other, 0.3f, in.x[i], i, other_g.data());
      CHECK(g == other_g);
    }
  }
}

TEST(a_known_width_changes_no_bit) {
  check_same_as_any_width<4>();
  check_same_as_any_width<8>();
  check_same_as_any_width<16>();
}

TEST(the_switch_opens_the_right_type) {
  for (size_t factors = 0; factors <= 20; ++factors) {
    const int width = with_learner(factors, [&](const auto& learner) {
      CHECK_EQ(learner.factors(), factors);
      return std::decay_t<decltype(learner)>::width;
    });
    const bool known = factors == 0 || factors == 4 || factors == 8 || factors == 16;
    CHECK_EQ(width, known ? static_cast<int>(factors) : any_width);
  }
}

}  // namespace
}  // namespace fmtrain
