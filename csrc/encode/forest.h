// A forest of decision trees that another library trained: which leaf of each tree a row falls
// into. Read from XGBoost's JSON and UBJSON and from LightGBM's text; agrees with their pred_leaf
// on every row, NaN and ties included. All trees of the file count, in its order, those of all
// classes and those behind the best iteration too. (LightGBM leaves the latter out of the file.)
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
  size_t leaf_bound(size_t tree) const;                // every leaf's number is below
  std::vector<uint32_t> leaves_of(size_t tree) const;  // all numbers, rising

  // values (rows, columns()), row by row, NaN = missing; leaves (rows, trees()), row by row.
  // Thread-safe, allocates nothing.
  void find_leaves(const double* values, size_t rows, uint32_t* leaves) const;

 private:
  // A split sends a row left where value < threshold, else right: what the libraries do with
  // missing values and with <= lies in how the value and the threshold are prepared. Children are
  // neighbours. A leaf's threshold is a NaN that carries its number, and its `left` is the node
  // before it: nothing is less than NaN, so the step from a leaf leads to itself.
  template <class T>
  struct node {
    T threshold;
    uint32_t slot;  // of the prepared row; from special_bit on: a split of specials_
    uint32_t left;
  };
  struct tree_shape {
    uint32_t root = 0;   // its nodes are those from here on to the next tree's
    uint32_t depth = 0;  // splits on the longest way
    uint32_t leaf_bound = 0;
    bool special = false;  // has splits of specials_
  };
  // A column as some splits see it.
  enum class view : uint8_t {
    nan_left,    // NaN is less than everything
    nan_right,   // NaN is not less than anything
    nan_zero,    // NaN is 0
    zero_left,   // NaN and 0 are less than everything
    zero_right,  // NaN and 0 are not less than anything
  };
  struct slot {
    uint32_t column = 0;
    view as = view::nan_left;
  };
  // A split that is not of the form above: of categories, or at an infinity.
  struct special {
    uint32_t column = 0;
    uint8_t tag = 0;
    double threshold = 0;
    uint32_t first = 0, words = 0;  // of sets_
  };
  class compiler;
  template <class T>
  class walker;
  static constexpr uint32_t special_bit = uint32_t{1} << 31;

  forest() = default;
  template <class T>
  T prepared(slot s, double value) const;
  bool goes_right(const special& s, const double* row) const;

  std::string packed_;
  std::vector<std::string> names_;
  size_t columns_ = 0;
  uint64_t hash_ = 0;
  bool is_lightgbm_ = false;
  std::vector<tree_shape> trees_;
  std::vector<slot> slots_;
  std::vector<special> specials_;
  std::vector<uint32_t> sets_;       // bits of categories
  std::vector<node<float>> narrow_;  // XGBoost compares floats
  std::vector<node<double>> wide_;   // LightGBM compares doubles
};

}  // namespace fmtrain
