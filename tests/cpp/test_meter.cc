// The loss at its ends, and the meter's sums and bucketed AUC against exact ones.
#include "train/meter.h"

#include "support.h"

namespace fmtrain {
namespace {

struct scored {
  double label, score, weight;
};

meter meter_of(const std::vector<scored>& samples) {
  meter m;
  for (const scored& s : samples) m.add(s.label, s.score, s.weight);
  return m;
}

// Over all pairs; a soft label is a positive of weight y and a negative of weight 1 - y.
double exact_auc(const std::vector<scored>& samples) {
  double won = 0, pairs = 0;
  for (const scored& p : samples) {
    for (const scored& n : samples) {
      const double weight = p.weight * p.label * n.weight * (1 - n.label);
      pairs += weight;
      won += weight * (p.score > n.score ? 1 : p.score == n.score ? 0.5 : 0);
    }
  }
  return won / pairs;
}

std::vector<scored> random_samples(test_random& random, double spread, bool soft, bool weighted) {
  std::vector<scored> samples;
  for (int i = 0; i < 700; ++i) {
    const double score = random.between(-spread, spread);
    const double p = sigmoid(score + random.between(-2, 2));
    samples.push_back({soft                   ? p
                       : random.uniform() < p ? 1.0
                                              : 0.0,
                       score, weighted ? random.between(0, 5) : 1});
  }
  return samples;
}

TEST(auc_lies_within_its_error) {
  test_random random(1);
  for (const double spread : {1e-3, 0.1, 2.0, 30.0, 1e6}) {
    for (const bool soft : {false, true}) {
      for (const bool weighted : {false, true}) {
        const std::vector<scored> samples = random_samples(random, spread, soft, weighted);
        const meter m = meter_of(samples);
        CHECK_NEAR(m.auc(), exact_auc(samples), m.auc_error() + 1e-12);
        if (spread == 2) CHECK(m.auc_error() < 2e-3);
      }
    }
  }
}

TEST(auc_of_what_is_plain) {
  CHECK_EQ(meter_of({{1, 2, 1}, {0, 1, 1}}).auc(), 1.0);
  CHECK_EQ(meter_of({{1, 1, 1}, {0, 2, 1}}).auc(), 0.0);
  CHECK_EQ(meter_of({{1, 1, 1}, {0, 1, 1}}).auc(), 0.5);
  CHECK_EQ(meter_of({{1, 2, 3}, {0, 1, 1}, {1, 0, 1}}).auc(), 0.75);
  // Beyond the buckets everything is a tie, and the error says so.
  const meter far = meter_of({{1, 1e30, 1}, {0, 20, 1}});
  CHECK_EQ(far.auc(), 0.5);
  CHECK_EQ(far.auc_error(), 0.5);
  CHECK_EQ(meter_of({{1, 1e30, 1}, {0, -1e30, 1}}).auc(), 1.0);
}

TEST(no_auc_of_one_class) {
  CHECK(std::isnan(meter_of({}).auc()));
  CHECK(std::isnan(meter_of({{1, 1, 1}, {1, 2, 1}}).auc()));
  CHECK(std::isnan(meter_of({{0, 1, 1}, {0, 2, 1}}).auc()));
}

TEST(sums_are_weighted) {
  test_random random(2);
  const std::vector<scored> samples = random_samples(random, 4, true, true);
  const meter m = meter_of(samples);
  double weight = 0, label = 0, prediction = 0, loss = 0;
  for (const scored& s : samples) {
    const double p = 1 / (1 + std::exp(-s.score));
    weight += s.weight;
    label += s.weight * s.label;
    prediction += s.weight * p;
    loss -= s.weight * (s.label * std::log(p) + (1 - s.label) * std::log(1 - p));
  }
  CHECK_EQ(m.samples, samples.size());
  CHECK_NEAR(m.weight_sum, weight, 1e-9);
  CHECK_NEAR(m.label_sum, label, 1e-9);
  CHECK_NEAR(m.prediction_sum, prediction, 1e-9);
  CHECK_NEAR(m.mean_logloss(), loss / weight, 1e-9);
}

TEST(merged_meters_are_one) {
  test_random random(3);
  const std::vector<scored> samples = random_samples(random, 3, false, true);
  const size_t half = samples.size() / 2;
  meter merged = meter_of({samples.begin(), samples.begin() + half});
  merged.merge(meter_of({samples.begin() + half, samples.end()}));
  const meter whole = meter_of(samples);
  CHECK_EQ(merged.samples, whole.samples);
  CHECK_NEAR(merged.auc(), whole.auc(), 1e-12);
  CHECK_NEAR(merged.auc_error(), whole.auc_error(), 1e-12);
  CHECK_NEAR(merged.mean_logloss(), whole.mean_logloss(), 1e-12);
  CHECK_NEAR(merged.prediction_sum, whole.prediction_sum, 1e-9);
  CHECK_NEAR(merged.label_sum, whole.label_sum, 1e-9);
}

TEST(sigmoid_and_logloss_at_their_ends) {
  CHECK_EQ(sigmoid(0), 0.5);
  CHECK_EQ(sigmoid(1e308), 1.0);
  CHECK_EQ(sigmoid(-1e308), 0.0);
  CHECK_NEAR(sigmoid(-700), std::exp(-700.0), 1e-310);
  CHECK_NEAR(sigmoid(3) + sigmoid(-3), 1, 1e-15);
  CHECK_NEAR(logloss(1, 0), std::log(2.0), 1e-15);
  CHECK_NEAR(logloss(0.25, 1.5), -0.25 * std::log(sigmoid(1.5)) - 0.75 * std::log(sigmoid(-1.5)),
             1e-15);
  CHECK_EQ(logloss(1, -1e5), 1e5);
  CHECK_EQ(logloss(0, -1e5), 0.0);
  CHECK_EQ(logloss(0, 1e5), 1e5);
  CHECK_EQ(logloss(1, 1e5), 0.0);
}

}  // namespace
}  // namespace fmtrain
