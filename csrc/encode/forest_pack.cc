#include "encode/forest_pack.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/crc32c.h"

namespace fmtrain {

namespace {

using namespace forest_format;

template <class T>
void put(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

status wrong(size_t tree, int64_t node, const std::string& what) {
  return status(errc::format,
                "tree " + std::to_string(tree) + ", node " + std::to_string(node) + ": " + what);
}

// A split without what means nothing for it.
uint8_t canonical_tag(uint8_t tag, bool is_lightgbm) {
  if (!is_lightgbm) return static_cast<uint8_t>((tag & ~missing_mask) | missing_nan);
  if ((tag & is_categorical) != 0) return is_split | is_categorical;
  return (tag & missing_mask) == missing_none ? is_split : tag;
}

class packer {
 public:
  packer(const split_forest& from, std::string* out) : from_(from), out_(*out) {}

  status tree(size_t number) {
    number_ = number;
    const std::vector<split_node>& nodes = from_.trees[number].nodes;
    seen_.assign(nodes.size(), false);
    leaves_.clear();
    waiting_.assign(1, nodes.empty() ? ~int64_t{0} : 0);
    int64_t parent = 0;
    while (!waiting_.empty()) {
      const int64_t at = waiting_.back();
      waiting_.pop_back();
      if (at < 0) {
        FMTRAIN_TRY(leaf(~at));
      } else {
        if (at >= static_cast<int64_t>(nodes.size())) {
          return wrong(number, parent,
                       "child " + std::to_string(at) + " is none of the tree's " +
                           std::to_string(nodes.size()) + " nodes");
        }
        if (seen_[at]) return wrong(number, at, "is reached on two ways: this is no tree");
        seen_[at] = true;
        parent = at;
        FMTRAIN_TRY(split(at, nodes[at]));
      }
    }
    return {};
  }

 private:
  status leaf(int64_t number) {
    if (number >= leaf_end) {
      return wrong(number_, number,
                   "trees of more than 4,194,304 leaves or nodes are not supported");
    }
    const auto small = static_cast<size_t>(number);
    if (small >= leaves_.size()) leaves_.resize(small + 1, false);
    if (leaves_[small]) return wrong(number_, number, "the leaf stands twice in the tree");
    leaves_[small] = true;
    out_.push_back(0);
    put(static_cast<uint32_t>(number), &out_);
    return {};
  }

  status split(int64_t at, const split_node& n) {
    if (n.tag == 0) return leaf(at);
    if (n.column >= from_.columns) {
      return wrong(number_, at,
                   "looks at column " + std::to_string(n.column) + ", the model has " +
                       std::to_string(from_.columns));
    }
    if (std::isnan(n.threshold)) return wrong(number_, at, "the threshold is no number");
    const uint8_t tag = canonical_tag(n.tag, from_.is_lightgbm);
    put(tag, &out_);
    put(n.column, &out_);
    if ((tag & is_categorical) != 0) {
      size_t words = n.set.size();
      while (words > 0 && n.set[words - 1] == 0) --words;
      put(static_cast<uint32_t>(words), &out_);
      for (size_t i = 0; i < words; ++i) put(n.set[i], &out_);
    } else {
      const double threshold = n.threshold == 0 ? 0 : n.threshold;
      if (from_.is_lightgbm) {
        put(threshold, &out_);
      } else {
        put(static_cast<float>(threshold), &out_);
      }
    }
    waiting_.push_back(n.right);
    waiting_.push_back(n.left);
    return {};
  }

  const split_forest& from_;
  std::string& out_;
  size_t number_ = 0;
  std::vector<bool> seen_, leaves_;
  std::vector<int64_t> waiting_;
};

}  // namespace

status pack_forest(const split_forest& from, std::string* out) {
  constexpr uint64_t most = std::numeric_limits<int32_t>::max();
  if (from.trees.empty()) return status(errc::format, "the model has no trees");
  if (from.columns > most) return status(errc::format, "more than 2,147,483,647 columns");
  if (!from.names.empty() && from.names.size() != from.columns) {
    return status(errc::format, "the model names " + std::to_string(from.names.size()) +
                                    " columns and has " + std::to_string(from.columns));
  }
  out->assign(magic);
  put(version, out);
  put(uint32_t{0}, out);
  put(uint32_t{from.is_lightgbm}, out);
  put(static_cast<uint32_t>(from.columns), out);
  put(static_cast<uint32_t>(from.names.size()), out);
  put(static_cast<uint32_t>(from.trees.size()), out);
  for (const std::string& name : from.names) {
    put(static_cast<uint32_t>(name.size()), out);
    out->append(name);
  }
  packer pack(from, out);
  for (size_t i = 0; i < from.trees.size(); ++i) FMTRAIN_TRY(pack.tree(i));
  const uint32_t sum = crc32c(0, out->data() + checked_from, out->size() - checked_from);
  std::memcpy(out->data() + checked_from - sizeof sum, &sum, sizeof sum);
  return {};
}

}  // namespace fmtrain
