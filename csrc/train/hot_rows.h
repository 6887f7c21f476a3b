// One worker's own copies of the rows that nearly every sample touches. Those rows are what cores
// would otherwise take from each other for every sample; a copy is learned on alone and merged into
// its row after a number of uses (ftrl.h, merge), so no update is lost.
//
// Which rows: a direct-mapped slot adopts the feature that has the majority of its visits (Boyer
// and Moore's vote), and gives it up when it is hardly visited any more.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "feature/batch.h"
#include "model/gather.h"
#include "model/model.h"
#include "train/feature_list.h"

namespace fmtrain {

class hot_rows {
 public:
  explicit hot_rows(model& m);

  // Divides the features of the batch: `mine` have a copy, at rows (features); `common` have none.
  // Nothing branches on the ids, which no processor predicts.
  void find(const batch& in, row_ref* rows, feature_list& mine, feature_list& common) {
    row_head* const copies = copies_.data();
    coordinate* const lanes = lanes_ == 0 ? nullptr : lane_copies_.data();
    mine.clear(in.features);
    common.clear(in.features);
    for (size_t i = 0; i < in.features; ++i) {
      const size_t at = slot_of(in.id[i]);
      const bool own = copies[at].id == in.id[i];
      left_[at] = static_cast<int16_t>(left_[at] - own);
      rows[i] = {copies + at, lanes + at * lanes_};
      mine.add_if(own, i);
      common.add_if(!own, i);
    }
  }

  // Only some visits vote: a vote costs as much as a visit, and what is hot shows all the same.
  static constexpr size_t visits_a_vote = 8;
  size_t first_vote() const { return settles_ % visits_a_vote; }

  // A visit to a row that has no copy here. It gets one when its slot is free and it has earned it.
  void vote(uint64_t id, row_ref home) {
    slot& s = slots_[slot_of(id)];
    if (s.home || !home || (home.v == nullptr && lanes_ > 0)) return;
    if (s.challenger == id) {
      if (++s.votes >= votes_to_adopt) adopt(home);
    } else if (s.votes > 0) {
      --s.votes;
    } else {
      s.challenger = id;
      s.votes = 1;
    }
  }

  // Between batches: merges the copies that are due and, now and then, gives up idle ones.
  void settle();
  // Merges and gives up all: the rows then hold everything that was learned.
  void give_up();

 private:
  static constexpr size_t slots = 2048;
  static constexpr uint32_t votes_to_adopt = 4;
  // Uses between merges: a part of all uses so far, so that what the others do not know yet stays
  // small beside what all know.
  static constexpr uint32_t merge_after_min = 8, merge_after_max = 256, merge_after_part = 32;
  static constexpr uint32_t settles_a_sweep = 256;
  // Uses within a sweep that keep a copy: about one in a hundred samples.
  static constexpr uint32_t uses_to_stay = 64;

  struct slot {
    row_ref home;     // the table's row
    coordinate base;  // its w when the copy was last equal to it
    uint64_t challenger;
    uint32_t merge_at;  // uses
    uint32_t merged;    // uses so far
    uint16_t votes;
    uint16_t merges;  // since the last sweep
  };

  static size_t slot_of(uint64_t id) { return (id >> 32) & (slots - 1); }
  void adopt(row_ref home);
  void merge_due(size_t first, size_t last);
  void sweep();
  uint32_t uses(size_t at) const { return slots_[at].merge_at - static_cast<uint32_t>(left_[at]); }
  void merge(size_t at);
  void merge_lanes(size_t at);
  void free_slot(size_t at);

  model& model_;
  const size_t lanes_;
  uint32_t settles_ = 0;
  buffer<row_head> copies_;         // (slots); a free one has the id of another slot
  buffer<int16_t> left_;            // (slots), uses until the next merge; below 0 it is due
  buffer<slot> slots_;              // (slots)
  buffer<coordinate> lane_copies_;  // (slots, lanes)
  buffer<coordinate> lane_bases_;   // (slots, lanes)
};

}  // namespace fmtrain
