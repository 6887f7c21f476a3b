// Every instruction set's kernels against the baseline's, bit for bit, and against the rule that
// they stand for.
#include "model/kernels.h"

#include <cstring>
#include <limits>
#include <thread>

#include "support.h"

namespace fmtrain {
namespace {

constexpr float largest = std::numeric_limits<float>::max();
constexpr float infinite = std::numeric_limits<float>::infinity();

const simd levels[] = {simd::baseline, simd::avx2, simd::avx512};
const size_t widths[] = {0, 1, 3, 4, 8, 16, 17, 33};
constexpr size_t counts_max = 100;

// Of NaNs only that they are: which of two operands' payloads is kept is the compiler's to choose.
bool same_bits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}
bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}
bool same_bits(coordinate a, coordinate b) { return same_bits(a.z, b.z) && same_bits(a.n, b.n); }

// An array that starts `shift` elements behind a cache line, with the room behind its end that
// kernels may touch. What lies before it is not theirs.
template <class T>
class shifted {
 public:
  shifted(size_t count, size_t shift) : count_(count), shift_(shift) {
    all_.reserve(shift + count);
    if (shift > 0) std::memset(static_cast<void*>(all_.data()), mark, shift * sizeof(T));
  }
  T* data() { return all_.data() + shift_; }
  T& operator[](size_t i) { return data()[i]; }

  bool same_as(shifted& other) {
    for (size_t i = 0; i < count_; ++i) {
      if (!same_bits((*this)[i], other[i])) return false;
    }
    return front_is_whole() && other.front_is_whole();
  }

 private:
  static constexpr int mark = 0x5A;
  bool front_is_whole() {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(all_.data());
    for (size_t i = 0; i < shift_ * sizeof(T); ++i) {
      if (bytes[i] != mark) return false;
    }
    return true;
  }

  buffer<T> all_;
  const size_t count_, shift_;
};

enum class inputs { plain, edges, not_finite };

// What a float can be, from zero to its ends.
float draw(test_random& random, inputs from) {
  constexpr float edges[] = {0,     1e-45f, 1e-40f, 0x1p-126f, 1e-30f,  1e-12f, 0.1f,   1,
                             3.25f, 1e6f,   1e12f,  1e18f,     0x1p62f, 1e30f,  largest};
  constexpr float beyond[] = {infinite, std::numeric_limits<float>::quiet_NaN()};
  if (from == inputs::plain) return static_cast<float>(random.between(-3, 3));
  float size = edges[random.below(std::size(edges))];
  if (from == inputs::not_finite && random.below(8) == 0) size = beyond[random.below(2)];
  return random.below(2) == 0 ? size : -size;
}

// Calls visit(kernels, count, shift, random, inputs) for every set but the first.
template <class Visit>
void for_each_case(inputs last, const Visit& visit) {
  for (const simd level : levels) {
    const kernels* const use = kernels_of(level);
    if (use == nullptr) continue;
    for (size_t count = 0; count <= counts_max; ++count) {
      for (int from = 0; from <= static_cast<int>(last); ++from) {
        test_random random(count * 10 + static_cast<size_t>(from));
        visit(*use, count, random.below(4), random, static_cast<inputs>(from));
      }
    }
  }
}

const kernels& baseline() { return *kernels_of(simd::baseline); }

const ftrl<float> rules[] = {{.05, 1, .1, 5}, {.1, 1, 0, 0},       {1, 1e-3, 1, 0},
                             {5, 1, 0, 1e-3}, {1e9, 1e-9, 0, 1e9}, {1e-9, 1e9, 1e9, 0}};

TEST(the_best_kernels_are_of_the_best_set_there_is) {
  CHECK(kernels_of(simd::baseline) != nullptr);
  CHECK(&best_kernels() == kernels_of(best_simd()));
  for (const simd level : levels) {
    CHECK_EQ(kernels_of(level) != nullptr, level <= best_simd());
    if (kernels_of(level) != nullptr && level > simd::baseline) {
      CHECK(std::string(kernels_of(level)->name) != baseline().name);
    }
  }
}

TEST(weights_are_the_rules_one_by_one) {
  for_each_case(inputs::edges, [](const kernels& use, size_t count, size_t shift,
                                  test_random& random, inputs from) {
    for (const ftrl<float>& rule : rules) {
      shifted<coordinate> states(count, shift);
      for (size_t i = 0; i < count; ++i) {
        states[i] = {draw(random, from), std::fabs(draw(random, from))};
        if (random.below(5) == 0) states[i].z = rule.l1;  // the dead zone's edge
      }
      shifted<float> expected(count, 3 * shift), got(count, 3 * shift);
      for (size_t i = 0; i < count; ++i) expected[i] = rule.weight(states[i].z, states[i].n);
      use.weigh(rule, states.data(), got.data(), count);
      CHECK(got.same_as(expected));
    }
  });
}

TEST(updates_are_the_rules_one_by_one) {
  for_each_case(inputs::edges, [](const kernels& use, size_t count, size_t shift,
                                  test_random& random, inputs from) {
    for (const ftrl<float>& rule : rules) {
      shifted<coordinate> before(count, shift), after(count, shift + 1), expected(count, 0);
      shifted<float> g(count, shift), w(count, shift + 2);
      for (size_t i = 0; i < count; ++i) {
        before[i] = {draw(random, from), std::fabs(draw(random, from))};
        w[i] = random.below(2) == 0 ? draw(random, from) : rule.weight(before[i].z, before[i].n);
        if (!std::isfinite(w[i])) w[i] = 0;  // its sample is refused
        do g[i] = draw(random, from);
        while (std::fabs(g[i]) > gradient_max);
        expected[i] = before[i];
        rule.update(expected[i].z, expected[i].n, g[i], w[i]);
        CHECK(std::isfinite(expected[i].z) && std::isfinite(expected[i].n));
      }
      use.update(rule, before.data(), g.data(), w.data(), after.data(), count);
      CHECK(after.same_as(expected));
    }
  });
}

TEST(linear_kernels_are_the_baselines_bit_for_bit) {
  for_each_case(inputs::not_finite, [](const kernels& use, size_t count, size_t shift,
                                       test_random& random, inputs from) {
    shifted<float> w(count, shift), x(count, shift + 1);
    for (size_t i = 0; i < count; ++i) {
      w[i] = draw(random, from);
      x[i] = draw(random, from);
    }
    CHECK(same_bits(use.linear_score(w.data(), x.data(), count),
                    baseline().linear_score(w.data(), x.data(), count)));
    const float slope = draw(random, from);
    shifted<float> got(count, shift), expected(count, shift), base(count, shift);
    float steepest = 0;
    for (size_t i = 0; i < count; ++i) {
      expected[i] = slope * x[i];
      if (!(std::fabs(expected[i]) <= steepest)) steepest = std::fabs(expected[i]);
      if (std::isnan(steepest)) steepest = infinite;
    }
    const float largest_got = use.linear_gradient(x.data(), slope, count, got.data());
    CHECK(got.same_as(expected));
    if (std::isfinite(steepest)) CHECK(same_bits(largest_got, steepest));
    if (!std::isfinite(steepest)) CHECK(!std::isfinite(largest_got));
    baseline().linear_gradient(x.data(), slope, count, base.data());
    CHECK(base.same_as(expected));
  });
}

TEST(factor_kernels_are_the_baselines_bit_for_bit) {
  for (const size_t factors : widths) {
    for_each_case(inputs::not_finite, [factors](const kernels& use, size_t count, size_t shift,
                                                test_random& random, inputs from) {
      const size_t lanes = count * factors;
      shifted<float> v(lanes, shift), x(count, shift + 1);
      for (size_t i = 0; i < lanes; ++i) v[i] = draw(random, from);
      for (size_t i = 0; i < count; ++i) x[i] = draw(random, from);
      shifted<float> sum(factors, shift), base_sum(factors, 0);
      CHECK(same_bits(use.fm_score(v.data(), x.data(), count, factors, sum.data()),
                      baseline().fm_score(v.data(), x.data(), count, factors, base_sum.data())));
      CHECK(sum.same_as(base_sum));
      const float slope = draw(random, from);
      shifted<float> g(lanes, shift), base_g(lanes, 0);
      const float got =
          use.fm_gradient(v.data(), x.data(), sum.data(), slope, count, factors, g.data());
      const float base = baseline().fm_gradient(v.data(), x.data(), base_sum.data(), slope, count,
                                                factors, base_g.data());
      CHECK(g.same_as(base_g));
      CHECK_EQ(std::isfinite(got), std::isfinite(base));
      CHECK(!std::isfinite(got) || same_bits(got, base));
      bool all_finite = true;
      for (size_t i = 0; i < lanes; ++i) all_finite &= std::isfinite(g[i]);
      CHECK_EQ(all_finite, std::isfinite(got));
    });
  }
}

// Whoever sets flush-to-zero, a library's start-up code or a compiler's flag, changes models: the
// results would be 0. In a new thread too.
void check_denormals() {
  constexpr size_t count = 37;
  const ftrl<float> rule(1, 1, 0, 0);  // w = -z / (1 + sqrt(n))
  for (const simd level : levels) {
    const kernels* const use = kernels_of(level);
    if (use == nullptr) continue;
    buffer<coordinate> states, after;
    buffer<float> x, g, w, v;
    states.reserve(count);
    after.reserve(count);
    for (buffer<float>* all : {&x, &g, &w, &v}) all->reserve(count);
    for (size_t i = 0; i < count; ++i) states[i] = {0x1p-130f, 1};
    use->weigh(rule, states.data(), w.data(), count);
    for (size_t i = 0; i < count; ++i) CHECK_EQ(w[i], -0x1p-131f);
    for (size_t i = 0; i < count; ++i) {
      g[i] = 0x1p-131f;
      w[i] = 0;
    }
    use->update(rule, states.data(), g.data(), w.data(), after.data(), count);
    for (size_t i = 0; i < count; ++i) CHECK_EQ(after[i].z, 0x1.8p-130f);
    for (size_t i = 0; i < count; ++i) x[i] = 0x1p-140f;
    CHECK_EQ(use->linear_gradient(x.data(), 0x1p5f, count, g.data()), 0x1p-135f);
    for (size_t i = 0; i < count; ++i) CHECK_EQ(g[i], 0x1p-135f);
    for (size_t i = 0; i < count; ++i) w[i] = 0x1p100f;
    CHECK_EQ(use->linear_score(w.data(), x.data(), count), 0x1p-40 * count);
    // Lanes of 2^-70 at x = 2^-70: their sums are denormal, so are the gradients.
    for (const size_t factors : {4, 8, 16, 37}) {
      buffer<float> sum;
      sum.reserve(factors);
      const size_t features = count / factors;
      for (size_t i = 0; i < count; ++i) v[i] = x[i] = 0x1p-70f;
      use->fm_score(v.data(), x.data(), features, factors, sum.data());
      for (size_t f = 0; f < factors; ++f) {
        CHECK_EQ(sum[f], 0x1p-140f * static_cast<float>(features));
        sum[f] = 0x1p-60f;
      }
      use->fm_gradient(v.data(), x.data(), sum.data(), 1, features, factors, g.data());
      for (size_t i = 0; i < features * factors; ++i) CHECK_EQ(g[i], 0x1p-130f);
    }
  }
}

TEST(denormals_are_kept) {
  check_denormals();
  std::thread(check_denormals).join();
}

}  // namespace
}  // namespace fmtrain
