// A trained model -> a serving file: zero rows left out, weights in the place of z and n, in the
// precision asked for; golden rows scored by what was written.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "model/model.h"
#include "serve/calibration.h"
#include "serve/serving_file.h"

namespace fmtrain {

struct freeze_options {
  fmtrain::precision precision = fmtrain::precision::float32;
  std::string name, version;
  uint64_t trained_until = 0;
  fmtrain::link link = fmtrain::link::sigmoid;
  double down_sampling_rate = 1;
  std::vector<curve_point> curve;
  // Samples that become golden rows beside the model's own. Where there are neither, 16 samples
  // are drawn from its table. Their scores are not looked at.
  std::vector<golden_row> samples;
  // errc::invalid where a golden row's score moves by more. Not finite: no bound.
  double score_shift_max = std::numeric_limits<double>::infinity();
};

struct freeze_counts {
  uint64_t features = 0;      // written
  uint64_t pruned = 0;        // left out: w and all v are 0
  uint64_t bytes = 0;         // of the file
  uint64_t bytes_pruned = 0;  // what the pruned rows would have taken in it
  uint64_t golden_rows = 0;
  double golden_shift = 0;  // largest |score - model's| of the golden rows
};

// Holds 16 bytes for each feature; nobody may be training the model meanwhile.
status freeze(const model& m, const freeze_options& options, byte_sink& sink,
              freeze_counts* counts);

}  // namespace fmtrain
