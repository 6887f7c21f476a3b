#include "train/hot_rows.h"

#include <algorithm>

namespace fmtrain {

hot_rows::hot_rows(model& m) : model_(m), lanes_(m.factors()) {
  copies_.reserve(slots);
  left_.reserve(slots);
  slots_.reserve(slots);
  lane_copies_.reserve(slots * lanes_);
  lane_bases_.reserve(slots * lanes_);
  for (size_t at = 0; at < slots; ++at) free_slot(at);
}

void hot_rows::free_slot(size_t at) {
  slots_[at] = {};
  copies_[at] = {uint64_t{at ^ 1} << 32, {0, 0}};
  left_[at] = 0;
}

void hot_rows::adopt(row_ref home) {
  const size_t at = slot_of(home.id());
  slot& s = slots_[at];
  s.home = home;
  s.base = load<shared>(&home.head->w);
  s.merge_at = merge_after_min;
  s.merged = 0;
  s.merges = 0;
  copies_[at] = {home.id(), s.base};
  left_[at] = static_cast<int16_t>(s.merge_at);
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
  if (uses(at) > 0) model_.stamp(s.home);
  s.merged = std::min(s.merged + uses(at), merge_after_max * merge_after_part);
  s.merge_at = std::max(s.merged / merge_after_part, merge_after_min);
  left_[at] = static_cast<int16_t>(s.merge_at);
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

void hot_rows::settle() {
  // Few are due at a time: a block of signs is looked at together.
  constexpr size_t block = 64;
  for (size_t first = 0; first < slots; first += block) {
    int16_t signs = 0;
    for (size_t i = 0; i < block; ++i) signs = static_cast<int16_t>(signs | left_[first + i]);
    if (signs < 0) merge_due(first, first + block);
  }
  if (++settles_ % settles_a_sweep == 0) sweep();
}

void hot_rows::merge_due(size_t first, size_t last) {
  for (size_t at = first; at < last; ++at) {
    if (left_[at] < 0) merge(at);
  }
}

void hot_rows::sweep() {
  for (size_t at = 0; at < slots; ++at) {
    slot& s = slots_[at];
    if (!s.home) continue;
    const bool idle = s.merges == 0 && uses(at) < uses_to_stay;
    // An idle one whatever its uses say: 2^16 of them in a batch look like none.
    if (uses(at) > 0 || idle) merge(at);
    s.merges = 0;
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
