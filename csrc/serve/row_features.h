// Raw rows of a host -> features, by the model's schema: a request's user once, then its items.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "encode/encoder.h"
#include "feature/batch.h"
#include "feature/parser.h"
#include "serve/fmscore.h"

namespace fmtrain {

class row_features {
 public:
  explicit row_features(const encoder& plan);

  // A request's user, one row, or nullptr: items are whole rows.
  status set_user(const fms_rows* user, batch& out);
  // Before the items of one call.
  status begin_items(const fms_rows& items);
  // One sample in the cleared `out`; *rest: the first feature that depends on the user too.
  parse_result add_item(uint64_t row, batch& out, uint32_t* rest);
  // The message of a row that add_item called bad.
  std::string why_bad(uint64_t row, const parse_result& made) const;
};

}  // namespace fmtrain
