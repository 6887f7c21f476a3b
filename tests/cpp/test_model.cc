// From a row's state to its weights: closed form, starts, the flags that switch terms off.
#include "model/model.h"

#include "support.h"

namespace fmtrain {
namespace {

struct weights {
  float w;
  std::vector<float> v;
};

weights weights_of(const model& m, uint64_t id, const std::vector<float>& state) {
  weights any{0, std::vector<float>(m.factors())}, fixed = any;
  m.weights_of<any_width>(id, state.data(), &any.w, any.v.data());
  if (m.factors() == 4) {
    m.weights_of<4>(id, state.data(), &fixed.w, fixed.v.data());
    CHECK_EQ(fixed.w, any.w);
    CHECK(fixed.v == any.v);
  }
  return any;
}

// z, n of w; z of v (4); n of v (4): lane 0 untouched, 1 trained to a weight, 2 trained to 0, 3
// as 1.
const std::vector<float> trained = {-3, 4, 0, -2, .05f, 2, 0, 1, 1, 1};
constexpr uint64_t id = 77;

TEST(lazy_lanes_hold_their_start_until_touched) {
  const model m(hyper_of({{"factors", "4"}, {"seed", "9"}, {"init_stdev", "0.5"}}), false);
  const ftrl<float>& rule = m.update_rule().v;
  const weights fresh = weights_of(m, id, std::vector<float>(10));
  CHECK_EQ(fresh.w, 0.0f);
  for (size_t f = 0; f < 4; ++f) CHECK_EQ(fresh.v[f], start_value(id, f, 9) * 0.5f);
  const weights got = weights_of(m, id, trained);
  CHECK_EQ(got.w, m.update_rule().w.weight(-3, 4));
  CHECK_EQ(got.v[0], start_value(id, 0, 9) * 0.5f);
  CHECK_EQ(got.v[1], rule.weight(-2, 1));
  CHECK_EQ(got.v[2], 0.0f);
  CHECK_EQ(got.v[3], rule.weight(2, 1));
}

TEST(kept_lanes_go_on_from_their_start) {
  const model m(hyper_of({{"factors", "4"}, {"seed", "9"}, {"v_start", "kept"}}), false);
  std::vector<float> state(10);
  m.create(id, state.data());
  const weights got = weights_of(m, id, state);
  for (size_t f = 0; f < 4; ++f) {
    const float start = start_value(id, f, 9) * 0.1f;
    CHECK_NEAR(static_cast<double>(got.v[f]), static_cast<double>(start),
               1e-6 * std::fabs(static_cast<double>(start)) + 1e-8);
  }
  // z = 0 and n = 0 is a state like any other here: no draw.
  CHECK_EQ(weights_of(m, id, std::vector<float>(10)).v[0], 0.0f);
}

TEST(lazy_rows_start_as_zeros) {
  const model m(hyper_of({{"factors", "4"}}), false);
  std::vector<float> state(10);
  m.create(id, state.data());
  CHECK(state == std::vector<float>(10));
}

TEST(force_v_sparse_clears_what_was_trained) {
  const model m(hyper_of({{"factors", "4"}, {"force_v_sparse", "true"}}), false);
  std::vector<float> state = trained;
  CHECK_EQ(weights_of(m, id, state).v[1], m.update_rule().v.weight(-2, 1));
  state[0] = 0;  // w is 0 now
  const weights got = weights_of(m, id, state);
  CHECK_EQ(got.v[0], start_value(id, 0, 0) * 0.1f);
  for (size_t f = 1; f < 4; ++f) CHECK_EQ(got.v[f], 0.0f);
}

// n = 0: nothing was learned yet, so there is nothing to clear.
TEST(force_v_sparse_leaves_a_kept_start_alone) {
  const model m(hyper_of({{"factors", "4"}, {"v_start", "kept"}, {"force_v_sparse", "true"}}),
                false);
  std::vector<float> state(10);
  m.create(id, state.data());
  const weights got = weights_of(m, id, state);
  for (size_t f = 0; f < 4; ++f) CHECK(got.v[f] != 0);
}

TEST(terms_that_are_off) {
  const model no_linear(hyper_of({{"factors", "4"}, {"linear", "0"}}), false);
  CHECK_EQ(weights_of(no_linear, id, trained).w, 0.0f);
  model no_bias(hyper_of({{"bias", "0"}}), false);
  no_bias.bias = {-5, 2};
  CHECK_EQ(no_bias.bias_weight(), 0.0);
  model with_bias(hyper_of({{"bias_l1", "0.5"}, {"bias_l2", "2"}}), false);
  with_bias.bias = {-5, 4};
  CHECK_NEAR(with_bias.bias_weight(), 4.5 / ((1 + 2) / .05 + 2), 1e-15);
}

}  // namespace
}  // namespace fmtrain
