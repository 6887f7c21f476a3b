// The walk down the trees. A step is a load, a compare and an add, without a branch, but waits for
// the one before it: eight walks that have nothing to do with each other go side by side.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "encode/forest.h"
#include "encode/forest_pack.h"

namespace fmtrain {

namespace {

using namespace forest_format;

constexpr size_t abreast = 8;
// Prepared rows lie on the stack: column by column where there are many of them.
constexpr size_t prepared_bytes = size_t{1} << 16;
constexpr size_t block_rows = 64;

template <class T>
uint32_t leaf_of(T threshold) {
  uint32_t bits;
  std::memcpy(&bits, &threshold, sizeof bits);
  return bits & (leaf_end - 1);
}

}  // namespace

template <>
inline float forest::prepared<float>(slot s, double value) const {
  const auto narrow = static_cast<float>(value);
  constexpr float inf = std::numeric_limits<float>::infinity();
  if (!std::isnan(narrow)) return narrow;
  return s.as == view::nan_left ? -inf : inf;
}

template <>
inline double forest::prepared<double>(slot s, double value) const {
  constexpr double inf = std::numeric_limits<double>::infinity();
  if (std::isnan(value)) {
    if (s.as == view::nan_left) return -inf;
    if (s.as == view::nan_right) return inf;
    value = 0;
  }
  if (std::fabs(value) > lightgbm_zero) return value;
  if (s.as == view::zero_left) return -inf;
  return s.as == view::zero_right ? inf : 0;
}

// What the library itself would do, on the row as it came.
bool forest::goes_right(const special& s, const double* row) const {
  const double given = row[s.column];
  const bool left_by_default = (s.tag & default_left) != 0;
  const auto in_set = [&](uint32_t category) {
    return category / 32 < s.words && ((sets_[s.first + category / 32] >> category % 32) & 1) != 0;
  };
  if (!is_lightgbm_) {
    const auto value = static_cast<float>(given);
    if (std::isnan(value)) return !left_by_default;
    if ((s.tag & is_categorical) == 0) return !(static_cast<double>(value) < s.threshold);
    // Categories that cannot be, and those not seen, go left.
    return value >= 0 && value < 0x1p24F && in_set(static_cast<uint32_t>(value));
  }
  if ((s.tag & is_categorical) != 0) {
    return !(given > -1 && given < 0x1p31 &&
             in_set(static_cast<uint32_t>(static_cast<int32_t>(given))));
  }
  const bool missing =
      (s.tag & missing_mask) == missing_nan
          ? std::isnan(given)
          : (s.tag & missing_mask) == missing_zero && !(std::fabs(given) > lightgbm_zero);
  return missing && !left_by_default;  // all else is at most infinity
}

template <class T>
class forest::walker {
 public:
  walker(const forest& f, const node<T>* nodes, const double* values, size_t rows, uint32_t* leaves)
      : f_(f), nodes_(nodes), values_(values), rows_(rows), leaves_(leaves) {}

  void run() {
    const size_t slots = std::max<size_t>(f_.slots_.size(), 1);
    alignas(64) T prepared[prepared_bytes / sizeof(T)];
    constexpr size_t room = prepared_bytes / sizeof(T);
    if (slots > room) {
      for (size_t row = 0; row < rows_; ++row) unprepared_row(row);
      return;
    }
    std::fill(prepared, prepared + block_rows, T(0));  // what leaves look at without slots
    if (slots * block_rows <= room && rows_ >= block_rows) {
      blocks<block_rows>(prepared);
    } else if (slots * abreast <= room && rows_ >= abreast) {
      blocks<abreast>(prepared);
    } else {
      for (size_t row = 0; row < rows_; ++row) single_row(row, prepared);
    }
  }

 private:
  const double* row(size_t at) const { return values_ + at * f_.columns_; }

  // `steps` steps of `count` walks. value(slot, k) is what walk k sees, row_of(k) the row it is
  // for.
  template <bool specials, size_t count, class Value, class Row>
  void walk(uint32_t steps, uint32_t (&at)[count], const Value& value, const Row& row_of) const {
    for (; steps > 0; --steps) {
      for (size_t k = 0; k < count; ++k) {
        const node<T>& n = nodes_[at[k]];
        bool right;
        if (specials && (n.slot & special_bit) != 0) {
          right = f_.goes_right(f_.specials_[n.slot & ~special_bit], row_of(k));
        } else {
          right = !(value(n.slot, k) < n.threshold);
        }
        at[k] = n.left + right;
      }
    }
  }
  template <size_t count, class Value, class Row>
  void walk(bool specials, uint32_t steps, uint32_t (&at)[count], const Value& value,
            const Row& row_of) const {
    if (specials) {
      walk<true>(steps, at, value, row_of);
    } else {
      walk<false>(steps, at, value, row_of);
    }
  }

  // Eight rows down one tree at a time. What is left over of the rows goes one by one.
  template <size_t stride>
  void blocks(T* prepared) const {
    size_t first = 0;
    for (; first + abreast <= rows_;) {
      const size_t count = std::min(stride, (rows_ - first) / abreast * abreast);
      for (size_t s = 0; s < f_.slots_.size(); ++s) {
        const slot seen = f_.slots_[s];
        const double* const column = row(first) + seen.column;
        T* const into = prepared + s * stride;
        for (size_t r = 0; r < count; ++r) {
          into[r] = f_.prepared<T>(seen, column[r * f_.columns_]);
        }
      }
      for (size_t t = 0; t < f_.trees_.size(); ++t) block<stride>(first, count, t, prepared);
      first += count;
    }
    for (; first < rows_; ++first) single_row(first, prepared);
  }

  template <size_t stride>
  void block(size_t first, size_t count, size_t t, const T* prepared) const {
    const tree_shape& of = f_.trees_[t];
    for (size_t r = 0; r < count; r += abreast) {
      uint32_t at[abreast];
      std::fill(std::begin(at), std::end(at), of.root);
      const T* const group = prepared + r;
      walk(
          of.special, of.depth, at,
          [&](uint32_t slot, size_t k) { return group[size_t{slot} * stride + k]; },
          [&](size_t k) { return row(first + r + k); });
      uint32_t* const out = leaves_ + (first + r) * f_.trees_.size() + t;
      for (size_t k = 0; k < abreast; ++k) {
        out[k * f_.trees_.size()] = leaf_of(nodes_[at[k]].threshold);
      }
    }
  }

  void single_row(size_t at, T* prepared) const {
    const double* const values = row(at);
    for (size_t s = 0; s < f_.slots_.size(); ++s) {
      prepared[s] = f_.prepared<T>(f_.slots_[s], values[f_.slots_[s].column]);
    }
    trees_abreast(at, [prepared](uint32_t slot, size_t) { return prepared[slot]; });
  }

  // For rows wider than what there is room for.
  void unprepared_row(size_t at) const {
    const double* const values = row(at);
    trees_abreast(at, [&](uint32_t s, size_t) {
      return f_.prepared<T>(f_.slots_[s], values[f_.slots_[s].column]);
    });
  }

  // One row down eight trees at a time.
  template <class Value>
  void trees_abreast(size_t row_number, const Value& value) const {
    const size_t trees = f_.trees_.size();
    uint32_t* const out = leaves_ + row_number * trees;
    for (size_t first = 0; first < trees; first += abreast) {
      const size_t count = std::min(abreast, trees - first);
      uint32_t at[abreast], steps = 0;
      bool specials = false;
      for (size_t k = 0; k < abreast; ++k) {
        const tree_shape& of = f_.trees_[first + std::min(k, count - 1)];
        at[k] = of.root;
        steps = std::max(steps, of.depth);
        specials = specials || of.special;
      }
      walk(specials, steps, at, value, [&](size_t) { return row(row_number); });
      for (size_t k = 0; k < count; ++k) out[first + k] = leaf_of(nodes_[at[k]].threshold);
    }
  }

  const forest& f_;
  const node<T>* const nodes_;
  const double* const values_;
  const size_t rows_;
  uint32_t* const leaves_;
};

void forest::find_leaves(const double* values, size_t rows, uint32_t* leaves) const {
  if (is_lightgbm_) {
    walker<double>(*this, wide_.data(), values, rows, leaves).run();
  } else {
    walker<float>(*this, narrow_.data(), values, rows, leaves).run();
  }
}

}  // namespace fmtrain
