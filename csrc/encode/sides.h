// Whom a feature tells about. A sample has its user's features first, then its item's, then the
// others: so what a server scores of a user can be kept for all items, up to the last bit.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "encode/schema.h"

namespace fmtrain {

// A cross and a forest belong to the side that all their parts belong to; to `rest` those that join
// sides, and what has no role.
enum class side : uint8_t { user, item, rest };
constexpr std::array<side, 3> all_sides = {side::user, side::item, side::rest};

// What one side gives: features of columns and crosses, and behind them leaves; each in the
// schema's order.
struct side_plan {
  std::vector<size_t> features;  // those that are emitted or crossed
  std::vector<size_t> ahead;     // of them, parts of a cross that stands before them
  std::vector<size_t> forests;
};

// Columns that something is made of, in the schema's order.
struct column_set {
  std::vector<size_t> columns;
  std::vector<size_t> texts;  // of them, those of type text
};

struct sides {
  std::array<side_plan, 3> plans;
  column_set all, user, others;  // columns of the user's role, those of any other
};

// crossed (features): is part of a cross; reads (columns): something is made of it.
sides sides_of(const schema& plan, const std::vector<bool>& crossed,
               const std::vector<bool>& reads);

}  // namespace fmtrain
