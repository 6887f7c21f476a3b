// fmtrain's own format of a forest, and the way from the other libraries' files into it. Readers of
// those make split_trees; packing them is where their structure is checked.
//
//   magic (8), version u32, CRC-32C of all that follows u32,
//   library u8 (0 XGBoost, 1 LightGBM), 3 bytes 0, columns u32, names u32 (0 or columns), trees
//   u32, names: size u32, bytes trees: nodes, a split before its left subtree, that before its
//   right one:
//     leaf      tag u8 0, number u32
//     split     tag u8, column u32, then of numbers: threshold, f32 of XGBoost, f64 of LightGBM;
//               of categories: words u32, bits u32 each, the last not 0
//
// All numbers little-endian. Canonical: bits of a tag that mean nothing for a split are 0, a
// threshold is no NaN and not -0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace fmtrain {

namespace forest_format {

constexpr std::string_view magic(
    "\x89"
    "FMFOR\n\x1a",
    8);
constexpr uint32_t version = 1;
constexpr size_t header_bytes = 32, checked_from = 16;

// Bits of a node's tag.
constexpr uint8_t is_split = 1, is_categorical = 2, default_left = 4;
constexpr uint8_t missing_none = 0, missing_zero = 8, missing_nan = 16, missing_mask = 24;

// A leaf's number has room in a float's NaN, beside the bit that makes it quiet.
constexpr uint32_t leaf_end = uint32_t{1} << 22;

}  // namespace forest_format

// Values within it are 0 to LightGBM: its 1e-35f.
constexpr double lightgbm_zero = static_cast<double>(1e-35f);

struct split_node {
  uint32_t column = 0;
  uint8_t tag = 0;  // 0: a leaf that nothing but its number is known of
  double threshold = 0;
  int64_t left = 0, right = 0;  // a node, or ~number of a leaf
  std::vector<uint32_t> set;    // bits of categories
};

// The root is node 0; without nodes the tree is leaf 0.
struct split_tree {
  std::vector<split_node> nodes;
};

struct split_forest {
  bool is_lightgbm = false;
  uint64_t columns = 0;
  std::vector<std::string> names;
  std::vector<split_tree> trees;
};

// A few bytes of a file may stand for a large set, as often as they like.
constexpr size_t set_words_max = size_t{1} << 26;
inline status sets_too_large() {
  return status(errc::format, "sets of categories of more than 256 MiB in all");
}

// Messages do not name the file: forest::read does.
status read_xgboost(std::string_view bytes, bool ubjson, split_forest* out);
status read_lightgbm(std::string_view text, split_forest* out);
status pack_forest(const split_forest& from, std::string* out);

}  // namespace fmtrain
