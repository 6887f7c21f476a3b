#include "serve/golden_samples.h"

namespace fmtrain {

status golden_samples::consume(size_t, uint64_t, const batch_source& source, batch& in) {
  for (size_t s = 0; s < in.samples; ++s) {
    if (rows_.size() == samples_max) {
      return {errc::invalid, source.name() + ": more than " + std::to_string(samples_max) +
                                 " golden samples: give fewer"};
    }
    golden_row& row = rows_.emplace_back();
    row.id.assign(in.id.begin() + in.begin[s], in.id.begin() + in.begin[s + 1]);
    row.x.assign(in.x.begin() + in.begin[s], in.x.begin() + in.begin[s + 1]);
  }
  return {};
}

}  // namespace fmtrain
