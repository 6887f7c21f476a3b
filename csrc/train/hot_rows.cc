#include "train/hot_rows.h"

#include <algorithm>

namespace fmtrain {

hot_rows::hot_rows(model& m) : model_(m), lanes_(m.factors()) {
  copies_.reserve(slots);
  uses_.reserve(slots);
  slots_.reserve(slots);
  lane_copies_.reserve(slots * lanes_);
  lane_bases_.reserve(slots * lanes_);
  for (size_t at = 0; at < slots; ++at) free_slot(at);
}

void hot_rows::free_slot(size_t at) {
  slots_[at] = {};
  copies_[at] = {uint64_t{at ^ 1} << 32, {0, 0}};
}

void hot_rows::adopt(row_ref home) {
  const size_t at = slot_of(home.id());
  slot& s = slots_[at];
  s.home = home;
  s.base = load<shared>(&home.head->w);
  s.merge_at = merge_after_min;
  s.merges = 0;
  copies_[at] = {home.id(), s.base};
  uses_[at] = 1;
  coordinate* const copy = lane_copies_.data() + at * lanes_;
  for (size_t f = 0; f < lanes_; ++f) copy[f] = load<shared>(home.v + f);
  std::copy(copy, copy + lanes_, lane_bases_.data() + at * lanes_);
}

void hot_rows::merge(size_t at) {
  slot& s = slots_[at];
  coordinate& copy = copies_[at].w;
  const ftrl<float>& rule = model_.update_rule().w;
  coordinate now = s.base, after = copy;
  while (!exchange<shared>(&s.home.head->w, now, after, &now)) {
    after = now;
    rule.merge(after.z, after.n, s.base.z, s.base.n, copy.z, copy.n);
  }
  copy = s.base = after;
  if (lanes_ > 0) merge_lanes(at);
  uses_[at] = 0;
  s.merge_at = std::min(s.merge_at * 2, merge_after_max);
  ++s.merges;
}

void hot_rows::merge_lanes(size_t at) {
  slot& s = slots_[at];
  const ftrl<float>& rule = model_.update_rule().v;
  coordinate* const copy = lane_copies_.data() + at * lanes_;
  coordinate* const base = lane_bases_.data() + at * lanes_;
  table::lock_lanes(s.home.head);
  for (size_t f = 0; f < lanes_; ++f) {
    coordinate now = load<shared>(s.home.v + f);
    if (bits_of(now) == bits_of(base[f])) {
      now = copy[f];
    } else if (bits_of(copy[f]) != bits_of(base[f])) {
      rule.merge(now.z, now.n, base[f].z, base[f].n, copy[f].z, copy[f].n);
    }
    store<shared>(s.home.v + f, now);
    copy[f] = base[f] = now;
  }
  table::unlock_lanes(s.home.head);
}

void hot_rows::look() {
  const bool sweep = settles_ % (settles_a_look * looks_a_sweep) == 0;
  for (size_t at = 0; at < slots; ++at) {
    if (uses_[at] == 0 && !sweep) continue;
    slot& s = slots_[at];
    if (!s.home) continue;
    const bool idle = sweep && s.merges == 0 && uses_[at] < uses_to_stay;
    if (uses_[at] >= s.merge_at || sweep) merge(at);
    if (sweep) s.merges = 0;
    if (idle) free_slot(at);
  }
}

void hot_rows::give_up() {
  for (size_t at = 0; at < slots; ++at) {
    if (!slots_[at].home) continue;
    merge(at);
    free_slot(at);
  }
}

}  // namespace fmtrain
