// A forest of decision trees that another library trained: which leaf of each tree a row falls
// into. Read from XGBoost's JSON and UBJSON and from LightGBM's text; agrees with their pred_leaf
// on every row, NaN and ties included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace fmtrain {

class forest {
 public:
  // Recognises which of the formats the bytes are (fmtrain's own, pack(), included). `name` is what
  // messages call them.
  static status read(std::string_view bytes, const std::string& name,
                     std::unique_ptr<const forest>* out);

  size_t trees() const;
  // Columns that a row must have: the largest feature that a split looks at, plus one, or what the
  // file says.
  size_t columns() const;
  // Names of the columns where the file has them, else empty.
  const std::vector<std::string>& column_names() const;
  // 64 bits of MurmurHash3 of pack(): equal for equal forests, whatever file they came from.
  uint64_t content_hash() const;
  // Own format, with magic, version and checksum; read() takes it back. Canonical.
  std::string pack() const;

  // Leaves of a tree are numbered as the library's pred_leaf numbers them.
  size_t leaf_bound(size_t tree) const;  // every leaf's number is below
  std::vector<uint32_t> leaves_of(size_t tree) const;  // all numbers, rising

  // values (rows, columns()), row by row, NaN = missing; leaves (rows, trees()), row by row.
  // Thread-safe, allocates nothing.
  void find_leaves(const double* values, size_t rows, uint32_t* leaves) const;
