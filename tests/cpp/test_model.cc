// From a row's state to its weights: closed form, starts, the flags that switch terms off.
#include "model/model.h"

#include "model/gather.h"
#include "support.h"

namespace fmtrain {
namespace {

constexpr uint64_t id = 77;

// A row that is in no table.
struct lone_row {
  row_head head = {id, {0, 0}};
  std::vector<coordinate> v = std::vector<coordinate>(4, coordinate{0, 0});
  row_ref ref() { return {&head, v.data()}; }
};

struct row_weights {
  float w;
  std::vector<float> v;
};

// One by one and, as in training and scoring, many at once: the same bits.
row_weights weights_of(const model& m, lone_row row) {
  const row_ref ref = row.ref();
  row_weights one{0, std::vector<float>(m.factors())};
  m.weights_of(ref, &one.w, one.v.data());
  const row_ref rows[] = {ref, ref, {}};
  gathered states;
  weights many;
  states.reserve(3, m.factors());
  many.reserve(3, m.factors());
  gather<shared, 0>(rows, 3, m.factors(), m.clears_lanes(), states);
  weigh(m, best_kernels(), rows, 3, states, many);
  for (size_t i = 0; i < 3; ++i) {
    CHECK_EQ(many.w[i], i < 2 ? one.w : 0.0f);
    for (size_t f = 0; f < m.factors(); ++f) {
      CHECK_EQ(many.v[i * m.factors() + f], i < 2 ? one.v[f] : 0.0f);
    }
  }
  return one;
}

// Lane 0 untouched, 1 trained to a weight, 2 trained to 0, 3 as 1.
const lone_row trained = {{id, {-3, 4}}, {{0, 0}, {-2, 1}, {.05f, 1}, {2, 1}}};

TEST(lazy_lanes_hold_their_start_until_touched) {
  const model m(hyper_of({{"factors", "4"}, {"seed", "9"}, {"init_stdev", "0.5"}}), false);
  const ftrl<float>& rule = m.update_rule().v;
  const row_weights fresh = weights_of(m, lone_row());
  CHECK_EQ(fresh.w, 0.0f);
  for (size_t f = 0; f < 4; ++f) CHECK_EQ(fresh.v[f], start_value(id, f, 9) * 0.5f);
  const row_weights got = weights_of(m, trained);
  CHECK_EQ(got.w, m.update_rule().w.weight(-3, 4));
  CHECK_EQ(got.v[0], start_value(id, 0, 9) * 0.5f);
  CHECK_EQ(got.v[1], rule.weight(-2, 1));
  CHECK_EQ(got.v[2], 0.0f);
  CHECK_EQ(got.v[3], rule.weight(2, 1));
}

TEST(kept_lanes_go_on_from_their_start) {
  const model m(hyper_of({{"factors", "4"}, {"seed", "9"}, {"v_start", "kept"}}), false);
  lone_row state;
  m.create(state.ref());
  const row_weights got = weights_of(m, state);
  for (size_t f = 0; f < 4; ++f) {
    const float start = start_value(id, f, 9) * 0.1f;
    CHECK_NEAR(static_cast<double>(got.v[f]), static_cast<double>(start),
               1e-6 * std::fabs(static_cast<double>(start)) + 1e-8);
  }
  // z = 0 and n = 0 is a state like any other here: no draw.
  CHECK_EQ(weights_of(m, lone_row()).v[0], 0.0f);
}

TEST(lazy_rows_start_as_zeros) {
  const model m(hyper_of({{"factors", "4"}}), false);
  lone_row state;
  m.create(state.ref());
  for (size_t i = 0; i < 10; ++i) CHECK_EQ(value_of(state.ref(), i, 4), 0.0f);
}

TEST(force_v_sparse_clears_what_was_trained) {
  const model m(hyper_of({{"factors", "4"}, {"force_v_sparse", "true"}}), false);
  lone_row state = trained;
  CHECK_EQ(weights_of(m, state).v[1], m.update_rule().v.weight(-2, 1));
  state.head.w.z = 0;  // w is 0 now
  const row_weights got = weights_of(m, state);
  CHECK_EQ(got.v[0], start_value(id, 0, 0) * 0.1f);
  for (size_t f = 1; f < 4; ++f) CHECK_EQ(got.v[f], 0.0f);
}

// n = 0: nothing was learned yet, so there is nothing to clear.
TEST(force_v_sparse_leaves_a_kept_start_alone) {
  const model m(hyper_of({{"factors", "4"}, {"v_start", "kept"}, {"force_v_sparse", "true"}}),
                false);
  lone_row state;
  m.create(state.ref());
  const row_weights got = weights_of(m, state);
  for (size_t f = 0; f < 4; ++f) CHECK(got.v[f] != 0);
}

TEST(terms_that_are_off) {
  const model no_linear(hyper_of({{"factors", "4"}, {"linear", "0"}}), false);
  CHECK_EQ(weights_of(no_linear, trained).w, 0.0f);
  model no_bias(hyper_of({{"bias", "0"}}), false);
  no_bias.bias = {-5, 2};
  CHECK_EQ(no_bias.bias_weight(), 0.0);
  model with_bias(hyper_of({{"bias_l1", "0.5"}, {"bias_l2", "2"}}), false);
  with_bias.bias = {-5, 4};
  CHECK_NEAR(with_bias.bias_weight(), 4.5 / ((1 + 2) / .05 + 2), 1e-15);
}

}  // namespace
}  // namespace fmtrain
