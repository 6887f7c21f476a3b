#include "model/model.h"

#include <algorithm>

namespace fmtrain {

status model::change_hyper(const hyper& h) {
  FMTRAIN_TRY(check_hyper(h));
  for (const char* const fixed : {"factors", "seed", "hash_seed"}) {
    const std::string before = get_hyper(hyper_, fixed), after = get_hyper(h, fixed);
    if (before == after) continue;
    return {errc::invalid, std::string(fixed) + " = " + after +
                               " does not fit the model, which has " + before +
                               ": it cannot change once a model is trained"};
  }
  hyper_ = h;
  optimiser_ = optimiser(h);
  return {};
}

double model::bias_weight() const {
  if (has_stored()) return stored.bias;
  return hyper_.bias ? optimiser_.bias.weight(bias.z, bias.n) : 0.0;
}

bool model::stored_weights_of(uint64_t id, float* w, float* v) const {
  if (!has_stored()) return false;
  const row_ref row = stored.rows->find<alone>(id);
  *w = row.values()[0];
  std::copy(row.values() + 1, row.values() + 1 + factors(), v);
  return true;
}

void model::keep_start(uint64_t id, float* state) const {
  const auto stdev = static_cast<float>(hyper_.init_stdev);
  const auto seed = static_cast<uint64_t>(hyper_.seed);
  for (size_t f = 0; f < factors(); ++f) {
    state[2 + f] = optimiser_.v.z_for(start_value(id, f, seed) * stdev, 0.0f);
  }
}

void model::start_or_clear(uint64_t id, const float* z, const float* n, float w, float* v) const {
  const auto stdev = static_cast<float>(hyper_.init_stdev);
  const auto seed = static_cast<uint64_t>(hyper_.seed);
  for (size_t f = 0; f < factors(); ++f) {
    if (n[f] == 0 && z[f] == 0) {
      if (hyper_.v_start == v_start::lazy) v[f] = start_value(id, f, seed) * stdev;
    } else if (n[f] > 0 && w == 0 && hyper_.force_v_sparse) {
      v[f] = 0;
    }
  }
}

}  // namespace fmtrain
