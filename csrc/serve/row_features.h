// Raw rows of a host -> features, by the model's schema: a request's user once, then its items.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "encode/encoder.h"
#include "encode/row_encoder.h"
#include "feature/batch.h"
#include "feature/parser.h"
#include "serve/fmscore.h"
#include "serve/raw_rows.h"

namespace fmtrain {

// Scratch of one context and one model. Rows are those that check_rows let pass, raw ones.
//
// The user's columns are taken from the user's row, and the items' rows' are passed over; the
// items' from theirs. A column of no side (the hour, the device) is an item's, or where that has no
// value the user's row's: what holds for a request is given once.
class row_features {
 public:
  // `plan` outlives it.
  explicit row_features(const encoder& plan);

  // A request's user, one row: its sample in the cleared `out`; or nullptr: items are whole rows.
  // errc::invalid says what is wrong with the row; then no items may follow.
  status set_user(const fms_rows* user, batch& out);
  // Before the items of one call, which outlive it.
  status begin_items(const fms_rows& items);
  // One sample in the cleared `out`, behind the user's features; *rest: the first feature that may
  // depend on the user too. Of whole rows none does.
  parse_result add_item(uint64_t row, batch& out, uint32_t* rest);
  // The message of the row that add_item called bad last.
  std::string why_bad(uint64_t row, const parse_result& made) const;

 private:
  std::string why(const raw_rows& from, const cell* cells, const parse_result& made) const;

  const encoder& plan_;
  row_encoder encode_;
  raw_rows user_, items_;
  bool whole_rows_ = true;
  std::vector<cell> user_cells_, cells_;  // (columns)
  std::vector<size_t> shared_;            // columns of no side that the user's row has
};

}  // namespace fmtrain
