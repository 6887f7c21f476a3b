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
  table_->set_lanes_after(static_cast<uint32_t>(h.v_min_count));
  return {};
}

status model::set_expiry(const std::vector<std::string>& rules, uint64_t now_minutes) {
  expiry_rules next = expiry_;
  FMTRAIN_TRY(next.set(rules));
  const bool anew = next.on() && next.clock() != expiry_.clock();
  // Before the rules hold: without tails there is nothing to stamp.
  if (anew && !table_->has_tail()) give_tails();
  expiry_ = std::move(next);
  if (!anew) return {};
  const uint64_t now = expiry_.clock() == expiry_clock::minutes
                           ? now_minutes
                           : seen.samples / expiry_rules::samples_a_unit;
  set_time(static_cast<uint32_t>(now));
  table_->for_each([&](row_ref row, std::string_view name) {
    table::set_stamp(row.head, expiry_.group_bits(name));
    stamp(row);
  });
  return {};
}

void model::give_tails() {
  auto wider = std::make_unique<table>(table_shape{factors(), table_->has_names(), true});
  wider->set_lanes_after(static_cast<uint32_t>(hyper_.v_min_count));
  wider->reserve(table_->rows());
  table_->for_each([&](row_ref row, std::string_view name) {
    wider->restore(row.id(), name, {0, 0}).w() = row.w();
  });
  table_ = std::move(wider);
}

uint64_t model::expire() {
  if (!expiry_.on()) return 0;
  return table_->retain([this](row_ref row, std::string_view) {
    return !expiry_.expired(table_->tail_of(row).stamp, time());
  });
}

double model::bias_weight() const {
  if (has_stored()) return stored.bias;
  return hyper_.bias ? optimiser_.bias.weight(bias.z, bias.n) : 0.0;
}

void model::weights_of(row_ref row, float* w, float* v) const {
  *w = w_of(row);
  if (factors() == 0) return;
  if (row.v == nullptr) {
    std::fill(v, v + factors(), 0.0f);
    return;
  }
  for (size_t f = 0; f < factors(); ++f) v[f] = optimiser_.v.weight(row.v[f].z, row.v[f].n);
  start_or_clear(row.id(), row.v, *w, v);
}

bool model::stored_weights_of(uint64_t id, float* w, float* v) const {
  if (!has_stored()) return false;
  const row_ref row = stored.rows->find(id);
  *w = row.w().z;
  for (size_t f = 0; f < factors(); ++f) v[f] = row.v[f].z;
  return true;
}

void model::keep_start(row_ref row) const {
  const auto stdev = static_cast<float>(hyper_.init_stdev);
  const auto seed = static_cast<uint64_t>(hyper_.seed);
  for (size_t f = 0; f < factors(); ++f) {
    row.v[f].z = optimiser_.v.z_for(start_value(row.id(), f, seed) * stdev, 0.0f);
  }
}

void model::start_or_clear(uint64_t id, const coordinate* state, float w, float* v) const {
  const auto stdev = static_cast<float>(hyper_.init_stdev);
  const auto seed = static_cast<uint64_t>(hyper_.seed);
  for (size_t f = 0; f < factors(); ++f) {
    if (state[f].n == 0 && state[f].z == 0) {
      if (hyper_.v_start == v_start::lazy) v[f] = start_value(id, f, seed) * stdev;
    } else if (state[f].n > 0 && w == 0 && hyper_.force_v_sparse) {
      v[f] = 0;
    }
  }
}

}  // namespace fmtrain
