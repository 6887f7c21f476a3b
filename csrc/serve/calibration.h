// What a score becomes on its way out: corrected for down-sampled negatives, linked, calibrated.
#pragma once

#include <cstddef>
#include <vector>

#include "base/status.h"
#include "model/link.h"

namespace fmtrain {

struct curve_point {
  double score, probability;
};

class calibration {
 public:
  calibration() = default;
  // They passed check: rate in (0, 1]; curve: empty, or finite scores that rise, each a float's
  // size, and probabilities in [0, 1] that do not fall.
  calibration(fmtrain::link link, double down_sampling_rate, std::vector<curve_point> curve);

  // Negatives kept at rate r: logit(q) = logit(p) + ln r (He et al., ADKDD 2014), so ln r is added
  // before the link. A curve takes the link's place: linear between its points, flat outside.
  double prediction(double score) const;

  // That the two above are what they must be.
  static status check(double down_sampling_rate, const std::vector<curve_point>& curve);

  const std::vector<curve_point>& curve() const { return curve_; }

 private:
  fmtrain::link link_ = fmtrain::link::sigmoid;
  double shift_ = 0;  // ln r
  std::vector<curve_point> curve_;
};

}  // namespace fmtrain
