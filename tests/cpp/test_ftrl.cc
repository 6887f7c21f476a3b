// The float update against the textbook's in doubles, the inverse of the closed form, and the far
// ends of the floats.
#include "model/ftrl.h"

#include "support.h"

namespace fmtrain {
namespace {

// McMahan et al. 2013, algorithm 1, as it is printed: the plain difference of roots.
struct textbook {
  double alpha, beta, l1, l2;

  double weight(double z, double n) const {
    if (std::fabs(z) <= l1) return 0;
    return -(z - (z > 0 ? l1 : -l1)) / ((beta + std::sqrt(n)) / alpha + l2);
  }
  void update(double& z, double& n, double g, double w) const {
    const double sigma = (std::sqrt(n + g * g) - std::sqrt(n)) / alpha;
    z += g - sigma * w;
    n += g * g;
  }
};

const textbook rules[] = {
    {.05, 1, .1, 5}, {.1, 1, 0, 0}, {1, 1e-3, 1, 0}, {1e-3, 10, .01, 100}, {5, 1, 0, 1e-3}};

template <class Real>
ftrl<Real> rule_of(const textbook& r) {
  return ftrl<Real>(r.alpha, r.beta, r.l1, r.l2);
}

TEST(a_step_is_the_textbook_step) {
  test_random random(1);
  for (const textbook& book : rules) {
    const auto rule = rule_of<float>(book);
    for (int round = 0; round < 20000; ++round) {
      const auto z0 = static_cast<float>(random.between(-20, 20));
      const auto n0 =
          static_cast<float>(random.below(4) == 0 ? 0 : std::exp(random.between(-9, 9)));
      const auto g = static_cast<float>(random.between(-2, 2) * std::exp(random.between(-6, 1)));
      const float w0 = rule.weight(z0, n0);
      const double book_w0 = book.weight(static_cast<double>(z0), static_cast<double>(n0));
      CHECK_NEAR(
          static_cast<double>(w0), book_w0,
          1e-6 * std::fabs(book_w0) + 1e-6 * std::fabs(z0) / (book.beta / book.alpha + book.l2));
      float z = z0, n = n0;
      double book_z = static_cast<double>(z0), book_n = static_cast<double>(n0);
      rule.update(z, n, g, w0);
      book.update(book_z, book_n, static_cast<double>(g), static_cast<double>(w0));
      CHECK_NEAR(static_cast<double>(n), book_n, 2e-7 * book_n);
      const double pulled = std::fabs(book_z - static_cast<double>(z0) - static_cast<double>(g));
      CHECK_NEAR(
          static_cast<double>(z), book_z,
          3e-7 * (std::fabs(static_cast<double>(z0)) + std::fabs(static_cast<double>(g)) + pulled));
    }
  }
}

TEST(a_thousand_steps_stay_by_the_textbook) {
  test_random random(2);
  for (const textbook& book : rules) {
    const auto narrow = rule_of<float>(book);
    const auto wide = rule_of<double>(book);
    float z = 0, n = 0;
    double z2 = 0, n2 = 0, book_z = 0, book_n = 0;
    for (int step = 0; step < 1000; ++step) {
      const auto g = static_cast<float>(random.between(-1, 0.9));
      narrow.update(z, n, g, narrow.weight(z, n));
      wide.update(z2, n2, static_cast<double>(g), wide.weight(z2, n2));
      book.update(book_z, book_n, static_cast<double>(g), book.weight(book_z, book_n));
    }
    CHECK_NEAR(z2, book_z, 1e-10 * std::fabs(book_z));
    CHECK_NEAR(n2, book_n, 1e-12 * book_n);
    CHECK_NEAR(static_cast<double>(z), book_z, 1e-4 * std::fabs(book_z) + 1e-4);
    CHECK_NEAR(static_cast<double>(n), book_n, 1e-5 * book_n);
  }
}

// sigma, read off z with w = -1: the plain form gives 0 here in floats, every step.
TEST(a_small_step_on_a_large_n_is_not_lost) {
  const ftrl<float> rule(1, 1, 0, 0);
  for (const float n0 : {1e4f, 1e8f, 1e12f}) {
    float z = 0, n = n0;
    const float g = 1e-2f;
    rule.update(z, n, g, -1e6f);
    const double root = std::sqrt(static_cast<double>(n0));
    const double sigma = static_cast<double>(g) * static_cast<double>(g) / (2 * root);
    const double expected = static_cast<double>(g) + sigma * 1e6;
    CHECK_NEAR(static_cast<double>(z), expected, 1e-5 * expected);
  }
}

TEST(the_dead_zone_is_exact) {
  const ftrl<float> rule(.05, 1, .1, 5);
  for (const float z : {0.0f, -0.0f, .1f, -.1f, .0999f}) CHECK_EQ(rule.weight(z, 3), 0.0f);
  CHECK(rule.weight(std::nextafter(.1f, 1.0f), 3) < 0);
  CHECK(rule.weight(-std::nextafter(.1f, 1.0f), 3) > 0);
}

TEST(z_for_inverts_the_closed_form) {
  test_random random(3);
  for (const textbook& book : rules) {
    const auto narrow = rule_of<float>(book);
    const auto wide = rule_of<double>(book);
    CHECK_EQ(narrow.z_for(0, 1), 0.0f);
    for (int round = 0; round < 10000; ++round) {
      const double w = random.between(-1, 1), n = random.below(2) == 0 ? 0 : random.between(0, 50);
      CHECK_NEAR(wide.weight(wide.z_for(w, n), n), w, 1e-11);
      const auto w4 = static_cast<float>(w), n4 = static_cast<float>(n);
      // z carries l1 beside w's share: what rounds away is half an ulp of their sum.
      const double share = (book.beta + std::sqrt(n)) / book.alpha + book.l2;
      CHECK_NEAR(static_cast<double>(narrow.weight(narrow.z_for(w4, n4), n4)),
                 static_cast<double>(w4), 3e-7 * (std::fabs(w) + book.l1 / share));
    }
  }
}

// Nothing that passes the trainer's check may leave the finite numbers, however often it comes.
TEST(the_state_saturates) {
  constexpr float largest = std::numeric_limits<float>::max();
  const float gradients[] = {0,    1e-45f, -1e-45f, 1e-38f, 1e-20f,       -1,
                             1e6f, 1e18f,  -1e18f,  3e18f,  gradient_max, -gradient_max};
  const float starts[] = {0, 1e-45f, 1e-38f, 1, 1e30f, largest};
  const textbook extreme[] = {{.05, 1, .1, 5}, {1e9, 1e-9, 0, 0}, {1e-9, 1e9, 1e9, 1e9}};
  test_random random(4);
  for (const textbook& book : extreme) {
    const auto rule = rule_of<float>(book);
    for (const float n0 : starts) {
      for (const float size : starts) {
        float z = random.below(2) == 0 ? size : -size, n = n0;
        for (int step = 0; step < 200; ++step) {
          const float w = rule.weight(z, n);
          if (!std::isfinite(w)) break;  // its sample is refused
          rule.update(z, n, gradients[random.below(std::size(gradients))], w);
          CHECK(std::isfinite(z));
          CHECK(std::isfinite(n));
          CHECK(n >= 0);
        }
      }
    }
  }
}

TEST(a_zero_gradient_changes_nothing) {
  const ftrl<float> rule(.05, 1, .1, 5);
  for (const float n0 : {0.0f, 1e-45f, 2.0f}) {
    float z = -3.25f, n = n0;
    rule.update(z, n, 0, rule.weight(z, n));
    CHECK_EQ(z, -3.25f);
    CHECK_EQ(n, n0);
  }
}

}  // namespace
}  // namespace fmtrain
