// THE encoder: a raw row's cells -> feature ids and values. Compiled from a schema, immutable,
// shared by all threads; the trainer, Python and the scorer call the same one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "encode/cell.h"
#include "encode/forest.h"
#include "encode/guard.h"
#include "encode/schema.h"
#include "feature/batch.h"
#include "feature/parser.h"

namespace fmtrain {

constexpr size_t row_features_max = size_t{1} << 20;

class encoder;

struct row_options {
  bool names = false;           // the batch gets the features' names
  bool label_required = true;   // else a missing label is 0
};

// One worker's: turns rows into samples of a batch. Usage: begin, add..., end; again.
class row_encoder {
 public:
  row_encoder(const encoder& plan, const row_options& options);
  ~row_encoder();

  void begin(batch& out);
  // cells (columns of the schema). Adds one sample or leaves `out` as it was; for a bad row
  // `where` is its cell's text (nullptr where it has none) and bad_column() its column.
  parse_result add(const cell* cells, uint64_t line, batch& out);
  void end(batch& out);  // out.text is valid until the next begin

  size_t bad_column() const;
  // What the cells were like since the last call.
  guard_counts take_guards();
