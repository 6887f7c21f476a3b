#include "serve/calibration.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <string>
#include <utility>

namespace fmtrain {

calibration::calibration(fmtrain::link link, double down_sampling_rate,
                         std::vector<curve_point> curve)
    : link_(link), shift_(std::log(down_sampling_rate)), curve_(std::move(curve)) {}

status calibration::check(double down_sampling_rate, const std::vector<curve_point>& curve) {
  if (!(down_sampling_rate > 0 && down_sampling_rate <= 1)) {
    return {errc::invalid,
            "a down-sampling rate is the part of the negatives that was kept: above "
            "0 and at most 1, not " +
                std::to_string(down_sampling_rate)};
  }
  for (size_t i = 0; i < curve.size(); ++i) {
    const std::string point = "point " + std::to_string(i + 1) + " of the calibration curve ";
    const curve_point p = curve[i];
    if (!(std::fabs(p.score) <= static_cast<double>(FLT_MAX))) {
      return {errc::invalid, point + "has a score that is not finite"};
    }
    if (!(p.probability >= 0 && p.probability <= 1)) {
      return {errc::invalid, point + "has a probability outside [0, 1]"};
    }
    if (i == 0) continue;
    if (p.score <= curve[i - 1].score) {
      return {errc::invalid, point + "has a score that is not above the one before it"};
    }
    if (p.probability < curve[i - 1].probability) {
      return {errc::invalid, point + "has a probability below the one before it"};
    }
  }
  return {};
}

double calibration::prediction(double score) const {
  const double corrected = score + shift_;
  if (curve_.empty()) return apply_link(link_, corrected);
  if (std::isnan(corrected)) return corrected;
  const auto above =
      std::upper_bound(curve_.begin(), curve_.end(), corrected,
                       [](double value, const curve_point& p) { return value < p.score; });
  if (above == curve_.begin()) return curve_.front().probability;
  if (above == curve_.end()) return curve_.back().probability;
  const curve_point low = above[-1], high = *above;
  const double part = (corrected - low.score) / (high.score - low.score);
  return low.probability + part * (high.probability - low.probability);
}

}  // namespace fmtrain
