// The float update and the merge against the textbook's in doubles, the inverse of the closed form,
// and the far ends of the floats.
#include "model/ftrl.h"

#include <algorithm>
#include <limits>

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

// ---- merging a copy ----

// z += G - ((sqrt(n + Q) - sqrt(n)) / alpha) w_ref, n += Q, as it is printed: the copy moved z by
// its gradients G less the same term at its own n; w_ref is the mean of its first and last weight.
void merge_by_the_book(const textbook& book, double& z, double& n, double base_z, double base_n,
                       double copy_z, double copy_n) {
  const double square = copy_n - base_n;
  const double reference = (book.weight(base_z, base_n) + book.weight(copy_z, copy_n)) / 2;
  const double gradients =
      copy_z - base_z + (std::sqrt(copy_n) - std::sqrt(base_n)) / book.alpha * reference;
  z += gradients - (std::sqrt(n + square) - std::sqrt(n)) / book.alpha * reference;
  n += square;
}

struct learned {
  float z, n;
};

// What this many steps of random gradients make of a state.
learned after_steps(const ftrl<float>& rule, learned from, uint64_t steps, test_random& random) {
  for (; steps > 0; --steps) {
    const auto g = static_cast<float>(random.between(-1, 0.8));
    rule.update(from.z, from.n, g, rule.weight(from.z, from.n));
  }
  return from;
}

TEST(a_merge_is_the_formula) {
  test_random random(5);
  for (const textbook& book : rules) {
    const auto rule = rule_of<float>(book);
    const auto wide = rule_of<double>(book);
    for (int round = 0; round < 5000; ++round) {
      const learned base = after_steps(rule, {0, 0}, random.below(50), random);
      const learned copy = after_steps(rule, base, random.below(30), random);
      const learned others = after_steps(rule, base, random.below(30), random);
      const double b[] = {static_cast<double>(base.z), static_cast<double>(base.n),
                          static_cast<double>(copy.z), static_cast<double>(copy.n)};
      double book_z = static_cast<double>(others.z), book_n = static_cast<double>(others.n);
      double z2 = book_z, n2 = book_n;
      merge_by_the_book(book, book_z, book_n, b[0], b[1], b[2], b[3]);
      wide.merge(z2, n2, b[0], b[1], b[2], b[3]);
      CHECK_NEAR(z2, book_z, 1e-11 * (std::fabs(book_z) + std::fabs(b[0]) + std::fabs(b[2])));
      CHECK_NEAR(n2, book_n, 1e-13 * book_n);
      float z = others.z, n = others.n;
      rule.merge(z, n, base.z, base.n, copy.z, copy.n);
      // What is added and taken away rounds at its own size.
      const double reference = (book.weight(b[0], b[1]) + book.weight(b[2], b[3])) / 2;
      const double proximal = std::sqrt(b[3]) / book.alpha * std::fabs(reference);
      CHECK_NEAR(static_cast<double>(z), book_z,
                 1e-6 * (std::fabs(static_cast<double>(others.z)) + std::fabs(b[0]) +
                         std::fabs(b[2]) + proximal));
      CHECK_NEAR(static_cast<double>(n), book_n, 3e-7 * book_n);
    }
  }
}

// A copy that learned nothing adds nothing, to the last bit.
TEST(merging_an_unchanged_copy_changes_nothing) {
  test_random random(6);
  for (const textbook& book : rules) {
    const auto rule = rule_of<float>(book);
    for (int round = 0; round < 1000; ++round) {
      const learned base = after_steps(rule, {0, 0}, random.below(20), random);
      const learned others = after_steps(rule, base, random.below(20), random);
      float z = others.z, n = others.n;
      rule.merge(z, n, base.z, base.n, base.z, base.n);
      CHECK_EQ(z, others.z);
      CHECK_EQ(n, others.n);
    }
  }
}

// Nobody else learned: the row becomes the copy, but for what a difference and a sum round away.
TEST(merging_into_an_unchanged_row_gives_the_copy) {
  test_random random(7);
  for (const textbook& book : rules) {
    const auto rule = rule_of<float>(book);
    for (int round = 0; round < 1000; ++round) {
      const learned base = after_steps(rule, {0, 0}, random.below(20), random);
      const learned copy = after_steps(rule, base, 1 + random.below(20), random);
      float z = base.z, n = base.n;
      rule.merge(z, n, base.z, base.n, copy.z, copy.n);
      const double by = static_cast<double>(std::fabs(base.z) + std::fabs(copy.z));
      CHECK_NEAR(static_cast<double>(z), static_cast<double>(copy.z), 2e-7 * by);
      CHECK_NEAR(static_cast<double>(n), static_cast<double>(copy.n),
                 2e-7 * static_cast<double>(copy.n));
    }
  }
}

// In the dead zone the weight is 0 and with it the proximal part: z is a sum of gradients. These
// are multiples of 1/4, exact in a float.
TEST(a_merge_within_the_dead_zone_is_an_exact_sum) {
  const ftrl<float> rule(.05, 1, 1e9, 5);
  test_random random(8);
  for (int round = 0; round < 1000; ++round) {
    float sum_z = 0, sum_n = 0, state[3][2] = {};
    for (float* const at : {state[0], state[1], state[2]}) {
      for (uint64_t steps = random.below(40); steps > 0; --steps) {
        const float g = static_cast<float>(random.below(9)) * 0.25f - 1;
        rule.update(at[0], at[1], g, rule.weight(at[0], at[1]));
        sum_z += g;
        sum_n += g * g;
      }
      if (at != state[0]) continue;
      for (float* const copy : {state[1], state[2]}) std::copy(at, at + 2, copy);
    }
    const float base[] = {state[0][0], state[0][1]};
    float z = base[0], n = base[1];
    for (const float* const copy : {state[1], state[2]}) {
      rule.merge(z, n, base[0], base[1], copy[0], copy[1]);
    }
    CHECK_EQ(z, sum_z);
    CHECK_EQ(n, sum_n);
  }
}

// Whatever was learned: the row stays finite and n never falls.
TEST(a_merge_saturates) {
  constexpr float largest = std::numeric_limits<float>::max();
  const float sizes[] = {0, 1e-45f, 1e-38f, 1e-20f, 1, 1e10f, 1e19f, 1e30f, 1e38f, largest};
  const textbook extreme[] = {{.05, 1, .1, 5}, {1e9, 1e-9, 0, 0}, {1e-9, 1e9, 1e9, 1e9}};
  test_random random(9);
  const auto size = [&] { return sizes[random.below(std::size(sizes))]; };
  const auto signed_size = [&] { return random.below(2) == 0 ? size() : -size(); };
  for (const textbook& book : extreme) {
    const auto rule = rule_of<float>(book);
    for (int round = 0; round < 200000; ++round) {
      const float base_n = size(), copy_n = std::max(base_n, size()), n0 = std::max(base_n, size());
      float z = signed_size(), n = n0;
      rule.merge(z, n, signed_size(), base_n, signed_size(), copy_n);
      CHECK(std::isfinite(z));
      CHECK(std::isfinite(n));
      CHECK(n >= n0);
    }
  }
}

}  // namespace
}  // namespace fmtrain
