// A raw row on its way into the encoder: a cell for every column that the schema has.
#pragma once

#include <cstddef>
#include <cstdint>

#include "feature/hash.h"

namespace fmtrain {

enum class cell_kind : uint8_t {
  missing,
  text,     // bytes, with padding_bytes readable behind them
  number,   // a double; NaN is missing
  boolean,  // number is 0 or 1
  items,    // of a list; each may carry a weight
  invalid,  // a value that no column can hold: a nested array
};

// One element of a list that came as one (JSON, Arrow), not as text with separators.
struct cell_item {
  const char* text = nullptr;  // (size), with padding_bytes readable behind them
  uint32_t size = 0;
  bool has_weight = false;
  bool readable = true;  // the weight is a number
  double weight = 1;
};

struct cell {
  cell_kind kind = cell_kind::missing;
  // Text only: no byte of it needs an escape in a feature's name (see names.h). False where the
  // reader does not know.
  bool plain = false;
  uint32_t size = 0;           // bytes of the text, or number of items
  const char* text = nullptr;  // also where the cell begins in the line, for messages
  double number = 0;
  const cell_item* items = nullptr;
};

}  // namespace fmtrain
