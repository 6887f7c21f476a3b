// The rows of a block of an input cache: it numbers its distinct features, so that each has to be
// looked up once a block and not once a visit.
#pragma once

#include <algorithm>

#include "base/buffer.h"
#include "base/prefetch.h"
#include "feature/batch.h"
#include "model/table.h"
#include "train/feature_list.h"

namespace fmtrain {

class known_rows {
 public:
  // A new block, or the end of one: what was known is no longer.
  void forget() { size_ = 0; }

  // rows[i] of the features which(j), j < count, as far as they are known; lists the others.
  template <class Which>
  void take(const table& all, const batch& in, row_ref* rows, size_t count, const Which& which,
            feature_list& unknown) {
    if (size_ != in.dictionary->size) begin(in.dictionary->size);
    const row_ref* const known = rows_.data();
    const uint32_t* const local = in.local.data();
    unknown.clear(count);
    for (size_t j = 0; j < count; ++j) {
      const size_t i = which(j);
      rows[i] = known[local[i]];
      to_write::prefetch(rows[i].head);
      all.prefetch_lanes<to_write>(rows[i]);
      unknown.add_if(!rows[i], i);
    }
  }

  void learn(const batch& in, const row_ref* rows, const feature_list& found) {
    for (size_t j = 0; j < found.size(); ++j) rows_[in.local[found[j]]] = rows[found[j]];
  }

 private:
  void begin(size_t size) {
    row_ref* const rows = rows_.reserve(size);
    std::fill(rows, rows + size, row_ref());
    size_ = size;
  }

  buffer<row_ref> rows_;  // (size)
  size_t size_ = 0;
};

}  // namespace fmtrain
