#include "serve/calibration.h"

#include <cmath>
#include <limits>

#include "support.h"

namespace fmtrain {
namespace {

TEST(links_without_more) {
  CHECK_EQ(calibration().prediction(0), 0.5);
  CHECK_EQ(calibration(link::raw, 1, {}).prediction(-3.25), -3.25);
  CHECK_EQ(calibration(link::exp, 1, {}).prediction(2), std::exp(2.0));
}

// q / (1 - q) = r p / (1 - p)
TEST(down_sampled_negatives) {
  const calibration c(link::sigmoid, 0.1, {});
  for (const double score : {-5.0, -0.5, 0.0, 3.0}) {
    const double p = 1 / (1 + std::exp(-score)), q = p / (p + (1 - p) / 0.1);
    CHECK_NEAR(c.prediction(score), q, 1e-12);
  }
}

TEST(a_curve_is_followed_and_flat_outside) {
  const calibration c(link::sigmoid, 1, {{-1, 0.1}, {0, 0.1}, {2, 0.5}});
  CHECK_EQ(c.prediction(-100), 0.1);
  CHECK_EQ(c.prediction(-1), 0.1);
  CHECK_EQ(c.prediction(-0.5), 0.1);
  CHECK_EQ(c.prediction(0), 0.1);
  CHECK_NEAR(c.prediction(1), 0.3, 1e-15);
  CHECK_EQ(c.prediction(2), 0.5);
  CHECK_EQ(c.prediction(HUGE_VAL), 0.5);
  CHECK(std::isnan(c.prediction(std::numeric_limits<double>::quiet_NaN())));
  CHECK_EQ(calibration(link::raw, 1, {{3, 0.25}}).prediction(7), 0.25);
}

// The correction comes first.
TEST(a_curve_of_corrected_scores) {
  const calibration c(link::sigmoid, std::exp(-1.0), {{-1, 0}, {1, 1}});
  CHECK_NEAR(c.prediction(1), 0.5, 1e-15);
}

void check_refused_curve(double rate, const std::vector<curve_point>& curve,
                         const std::string& message) {
  const status checked = calibration::check(rate, curve);
  CHECK(checked.code() == errc::invalid);
  CHECK_EQ(checked.message(), message);
}

TEST(what_is_refused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string rate =
      "a down-sampling rate is the part of the negatives that was kept: above 0 and at most 1, "
      "not ";
  check_refused_curve(0, {}, rate + "0.000000");
  check_refused_curve(1.5, {}, rate + "1.500000");
  CHECK(!calibration::check(nan, {}).ok());
  const std::string second = "point 2 of the calibration curve ";
  check_refused_curve(1, {{0, 0}, {nan, 1}}, second + "has a score that is not finite");
  check_refused_curve(1, {{0, 0}, {1e39, 1}}, second + "has a score that is not finite");
  check_refused_curve(1, {{0, 0}, {1, 1.5}}, second + "has a probability outside [0, 1]");
  check_refused_curve(1, {{0, 0}, {1, nan}}, second + "has a probability outside [0, 1]");
  check_refused_curve(1, {{0, 0}, {0, 1}},
                      second + "has a score that is not above the one before it");
  check_refused_curve(1, {{0, 0.5}, {1, 0.4}},
                      second + "has a probability below the one before it");
  CHECK_OK(calibration::check(1, {{0, 0.5}, {1, 0.5}}));
}

}  // namespace
}  // namespace fmtrain
