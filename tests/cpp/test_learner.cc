// Score and gradient against the sum over all pairs that they stand for, in doubles.
#include "model/learner.h"

#include <algorithm>
#include <limits>

#include "support.h"

namespace fmtrain {
namespace {

struct sample_weights {
  size_t features, factors;
  weights at;
  buffer<float> x;

  sample_weights(size_t features_, size_t factors_, uint64_t seed)
      : features(features_), factors(factors_) {
    test_random random(seed);
    at.reserve(features, factors);
    x.reserve(features);
    const auto draw = [&] { return static_cast<float>(random.between(-1, 1)); };
    for (size_t i = 0; i < features; ++i) at.w[i] = draw();
    for (size_t i = 0; i < features * factors; ++i) at.v[i] = draw();
    for (size_t i = 0; i < features; ++i) x[i] = random.below(3) == 0 ? 1 : 3 * draw();
  }
  double v(size_t i, size_t f) const { return static_cast<double>(at.v[i * factors + f]); }
  double x_of(size_t i) const { return static_cast<double>(x[i]); }

  // sum w_i x_i + sum over pairs i < j of <v_i, v_j> x_i x_j, and the sum of the terms' sizes.
  double brute_force(double* size) const {
    double score = 0;
    *size = 0;
    const auto add = [&](double term) {
      score += term;
      *size += std::fabs(term);
    };
    for (size_t i = 0; i < features; ++i) add(static_cast<double>(at.w[i]) * x_of(i));
    for (size_t i = 0; i < features; ++i) {
      for (size_t j = i + 1; j < features; ++j) {
        for (size_t f = 0; f < factors; ++f) add(v(i, f) * v(j, f) * x_of(i) * x_of(j));
      }
    }
    return score;
  }
  // By a central difference around this weight; the score is at most quadratic in one, so that it
  // is exact but for rounding.
  double slope_at(float& weight) const {
    const float before = weight;
    double unused = 0;
    weight = before + 0.5f;
    const double above = brute_force(&unused);
    weight = before - 0.5f;
    const double below = brute_force(&unused);
    weight = before;
    return above - below;
  }
};

constexpr size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 40, 131};

void check_learner(size_t factors) {
  const learner learns(factors);
  CHECK_EQ(learns.factors(), factors);
  for (const size_t features : sizes) {
    sample_weights in(features, factors, features + 1000 * factors);
    double size = 0;
    const double expected = in.brute_force(&size);
    CHECK_NEAR(learns.score(in.at, in.x.data(), features), expected, 1e-5 * size + 1e-30);

    const float slope = -0.375f;
    gradients g;
    g.reserve(features, factors);
    const float steepest = learns.gradient(in.at, in.x.data(), slope, features, g);
    float largest = 0;
    for (size_t i = 0; i < features; ++i) largest = std::max(largest, std::fabs(g.w[i]));
    for (size_t i = 0; i < features * factors; ++i) largest = std::max(largest, std::fabs(g.v[i]));
    CHECK_EQ(steepest, largest);
    for (size_t i = 0; i < std::min<size_t>(features, 9); ++i) {
      CHECK_EQ(g.w[i], slope * in.x[i]);
      for (size_t f = 0; f < factors; f += 3) {
        CHECK_NEAR(static_cast<double>(g.v[i * factors + f]),
                   static_cast<double>(slope) * in.slope_at(in.at.v[i * factors + f]), 1e-5 * size);
      }
    }
  }
}

TEST(lr) { check_learner(0); }
TEST(fm_of_4) { check_learner(4); }
TEST(fm_of_8) { check_learner(8); }
TEST(fm_of_16) { check_learner(16); }
TEST(fm_of_any_width) {
  for (const size_t factors : {1, 2, 3, 7, 15, 17, 33}) check_learner(factors);
  sample_weights widest(3, factors_max, 1);
  double size = 0;
  const double expected = widest.brute_force(&size);
  CHECK_NEAR(learner(factors_max).score(widest.at, widest.x.data(), 3), expected, 1e-5 * size);
}

// A known width only unrolls loops: lanes are independent, so that the first k of a wider model,
// which has no width of its own, hold the same sums and gradients to the last bit.
TEST(a_known_width_changes_no_bit) {
  for (const size_t factors : {4, 8, 16}) {
    const size_t wider = factors + 1;
    for (const size_t features : sizes) {
      sample_weights in(features, factors, 77 + features), other(features, wider, 1);
      for (size_t i = 0; i < features; ++i) {
        other.x[i] = in.x[i];
        other.at.w[i] = in.at.w[i];
        for (size_t f = 0; f < wider; ++f) {
          other.at.v[i * wider + f] = f < factors ? in.at.v[i * factors + f] : 0;
        }
      }
      const learner known(factors), any(wider);
      CHECK_EQ(known.score(in.at, in.x.data(), features),
               any.score(other.at, other.x.data(), features));
      gradients g, other_g;
      g.reserve(features, factors);
      other_g.reserve(features, wider);
      CHECK_EQ(known.gradient(in.at, in.x.data(), 0.3f, features, g),
               any.gradient(other.at, other.x.data(), 0.3f, features, other_g));
      for (size_t f = 0; f < factors; ++f) {
        CHECK_EQ(in.at.sum[f], other.at.sum[f]);
        for (size_t i = 0; i < features; ++i) {
          CHECK_EQ(g.v[i * factors + f], other_g.v[i * wider + f]);
        }
      }
    }
  }
}

// What is not finite must be seen by whoever looks at the largest gradient alone, wherever it is.
TEST(a_gradient_that_is_not_finite_is_returned) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  for (const size_t factors : {0, 3, 4, 8, 16, 17}) {
    const learner learns(factors);
    for (const float bad : {std::nanf(""), infinite, -infinite}) {
      for (const size_t features : {1, 5, 40}) {
        for (size_t i = 0; i < features; ++i) {
          sample_weights in(features, factors, 5);
          gradients g;
          g.reserve(features, factors);
          learns.score(in.at, in.x.data(), features);
          if (factors > 0) {  // in a lane alone: w's gradients are fine
            in.at.v[i * factors + i % factors] = bad;
            CHECK(!std::isfinite(learns.gradient(in.at, in.x.data(), 1, features, g)));
          }
          in.x[i] = bad;
          CHECK(!std::isfinite(learns.gradient(in.at, in.x.data(), 1, features, g)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace fmtrain
