#include "encode/forest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "base/crc32c.h"
#include "encode/forest_pack.h"
#include "feature/hash.h"

namespace fmtrain {

namespace {

using namespace forest_format;

// A NaN that carries a leaf's number in its low bits.
template <class T, class Bits>
T leaf_mark(uint32_t number) {
  const T quiet = std::numeric_limits<T>::quiet_NaN();
  Bits bits;
  std::memcpy(&bits, &quiet, sizeof bits);
  bits |= number;
  T mark;
  std::memcpy(&mark, &bits, sizeof mark);
  return mark;
}

uint32_t low_bits(const void* threshold) {
  uint32_t bits;
  std::memcpy(&bits, threshold, sizeof bits);  // little-endian: the low half of a double
  return bits & (leaf_end - 1);
}

}  // namespace

// From the packed bytes, which may be anybody's, to nodes.
class forest::compiler {
 public:
  explicit compiler(forest& made)
      : f_(made), p_(made.packed_.data()), end_(p_ + made.packed_.size()) {}

  status run() {
    FMTRAIN_TRY(header());
    for (tree_shape& t : f_.trees_)
      FMTRAIN_TRY(f_.is_lightgbm_ ? nodes_of(t, f_.wide_) : nodes_of(t, f_.narrow_));
    if (p_ != end_) return damaged("more bytes than its trees have");
    return {};
  }

 private:
  struct place {
    uint32_t node = 0, depth = 0;
  };

  static status damaged(const std::string& what) {
    return status(errc::format, "damaged: " + what);
  }
  template <class T>
  bool get(T* value) {
    if (static_cast<size_t>(end_ - p_) < sizeof *value) return false;
    std::memcpy(value, p_, sizeof *value);
    p_ += sizeof *value;
    return true;
  }

  status header();
  template <class T>
  status nodes_of(tree_shape& t, std::vector<node<T>>& nodes);
  template <class T>
  status split(uint8_t tag, tree_shape& t, node<T>* n);
  status categories(uint8_t tag, uint32_t column, tree_shape& t, uint32_t* slot);
  uint32_t add_special(const special& s, tree_shape& t);
  uint32_t slot_of(uint32_t column, uint8_t tag);

  forest& f_;
  const char* p_;
  const char* const end_;
  std::unordered_map<uint64_t, uint32_t> known_slots_;
  std::vector<place> waiting_;
  std::vector<bool> leaves_;
};

status forest::compiler::header() {
  uint32_t number = 0, sum = 0, columns = 0, names = 0, trees = 0, library = 0;
  p_ += magic.size();
  if (!get(&number)) return damaged("cut");
  if (number > version) return status(errc::version, "a forest of a newer fmtrain");
  if (number != version || !get(&sum)) return damaged("cut");
  const char* const checked = p_;
  if (!get(&library) || !get(&columns) || !get(&names) || !get(&trees)) return damaged("cut");
  if (crc32c(0, checked, static_cast<size_t>(end_ - checked)) != sum) {
    return damaged("its checksum does not match");
  }
  constexpr uint32_t most = std::numeric_limits<int32_t>::max();
  const auto left = static_cast<size_t>(end_ - p_);
  if (library > 1 || columns > most || (names != 0 && names != columns) || names > left / 4 ||
      trees == 0 || trees > left / 5) {
    return damaged("its header");
  }
  f_.is_lightgbm_ = library == 1;
  f_.columns_ = columns;
  for (uint32_t i = 0; i < names; ++i) {
    uint32_t size = 0;
    if (!get(&size) || size > static_cast<size_t>(end_ - p_)) return damaged("cut");
    f_.names_.emplace_back(p_, size);
    p_ += size;
  }
  f_.trees_.resize(trees);
  return {};
}

template <class T>
status forest::compiler::nodes_of(tree_shape& t, std::vector<node<T>>& nodes) {
  using bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  t.root = static_cast<uint32_t>(nodes.size());
  leaves_.clear();
  waiting_.assign(1, {t.root, 0});
  nodes.emplace_back();
  while (!waiting_.empty()) {
    const place at = waiting_.back();
    waiting_.pop_back();
    t.depth = std::max(t.depth, at.depth);
    uint8_t tag = 0;
    if (!get(&tag)) return damaged("cut");
    if (tag == 0) {
      uint32_t number = 0;
      if (!get(&number)) return damaged("cut");
      if (number >= leaf_end) return damaged("the number of a leaf");
      if (number >= leaves_.size()) leaves_.resize(number + 1, false);
      if (leaves_[number]) return damaged("a leaf that stands twice");
      leaves_[number] = true;
      nodes[at.node] = {leaf_mark<T, bits>(number), 0, at.node - 1};
      continue;
    }
    if (nodes.size() > std::numeric_limits<uint32_t>::max() - 3) return damaged("too many nodes");
    node<T> made = {};
    FMTRAIN_TRY(split(tag, t, &made));
    made.left = static_cast<uint32_t>(nodes.size());
    nodes[at.node] = made;
    nodes.resize(nodes.size() + 2);
    waiting_.push_back({made.left + 1, at.depth + 1});
    waiting_.push_back({made.left, at.depth + 1});
  }
  t.leaf_bound = static_cast<uint32_t>(leaves_.size());
  return {};
}

template <class T>
status forest::compiler::split(uint8_t tag, tree_shape& t, node<T>* n) {
  uint32_t column = 0;
  if (!get(&column)) return damaged("cut");
  if (column >= f_.columns_) return damaged("a split at a column that is none");
  const uint8_t missing = tag & missing_mask;
  const bool categorical = (tag & is_categorical) != 0;
  const uint8_t known = is_split | is_categorical | default_left | missing_mask;
  const bool means_something =
      f_.is_lightgbm_
          ? tag == is_split || (categorical ? tag == (is_split | is_categorical)
                                            : missing == missing_zero || missing == missing_nan)
          : missing == missing_nan;
  if ((tag & is_split) == 0 || (tag & ~known) != 0 || !means_something)
    return damaged("a node's tag");
  if (categorical) return categories(tag, column, t, &n->slot);
  T threshold = 0;
  if (!get(&threshold)) return damaged("cut");
  if (std::isnan(threshold) || (threshold == 0 && std::signbit(threshold))) {
    return damaged("a threshold");
  }
  // Left of the one, NaN alone goes to the left; infinity itself is not above the other.
  const bool at_an_end = f_.is_lightgbm_ ? std::isinf(threshold) && threshold > 0
                                         : std::isinf(threshold) && threshold < 0;
  if (at_an_end) {
    n->slot = add_special({column, tag, static_cast<double>(threshold), 0, 0}, t);
    return {};
  }
  n->slot = slot_of(column, tag);
  n->threshold = threshold;
  // value <= threshold is value < the next number. Prepared values have none between 0 and
  // lightgbm_zero, which keeps off numbers so small that a processor may be told to take them for
  // 0.
  if (f_.is_lightgbm_) {
    const auto zero = static_cast<T>(lightgbm_zero);
    const T next = std::nextafter(threshold, std::numeric_limits<T>::infinity());
    n->threshold = threshold >= 0 && threshold < zero ? zero : next;
  }
  return {};
}

status forest::compiler::categories(uint8_t tag, uint32_t column, tree_shape& t, uint32_t* slot) {
  uint32_t words = 0, last = 0;
  if (!get(&words) || words > static_cast<size_t>(end_ - p_) / 4) return damaged("cut");
  const auto first = static_cast<uint32_t>(f_.sets_.size());
  f_.sets_.resize(f_.sets_.size() + words);
  for (uint32_t i = 0; i < words; ++i) {
    if (!get(&last)) return damaged("cut");
    f_.sets_[first + i] = last;
  }
  if (words > 0 && last == 0) return damaged("a set of categories");
  *slot = add_special({column, tag, 0, first, words}, t);
  return {};
}

uint32_t forest::compiler::add_special(const special& s, tree_shape& t) {
  t.special = true;
  f_.specials_.push_back(s);
  return special_bit | static_cast<uint32_t>(f_.specials_.size() - 1);
}

uint32_t forest::compiler::slot_of(uint32_t column, uint8_t tag) {
  const bool left = (tag & default_left) != 0;
  view as = left ? view::nan_left : view::nan_right;
  if ((tag & missing_mask) == missing_none) as = view::nan_zero;
  if ((tag & missing_mask) == missing_zero) as = left ? view::zero_left : view::zero_right;
  const uint64_t key = uint64_t{column} << 8 | static_cast<uint8_t>(as);
  const auto next = static_cast<uint32_t>(f_.slots_.size());
  const auto [found, added] = known_slots_.try_emplace(key, next);
  if (added) f_.slots_.push_back({column, as});
  return found->second;
}

status forest::read(std::string_view bytes, const std::string& name,
                    std::unique_ptr<const forest>* out) {
  const auto named = [&](const status& got) {
    return got.ok() ? got : status(got.code(), name + ": " + got.message());
  };
  std::unique_ptr<forest> made(new forest());
  const char second = bytes.size() > 1 ? bytes[1] : '\0';
  if (bytes.substr(0, magic.size()) == magic) {
    made->packed_ = bytes;
  } else {
    split_forest splits;
    if (bytes.substr(0, 4) == "tree" && (second == 'r') && bytes.size() > 4 &&
        (bytes[4] == '\n' || bytes[4] == '\r')) {
      FMTRAIN_TRY(named(read_lightgbm(bytes, &splits)));
    } else if (!bytes.empty() && bytes[0] == '{') {
      const bool ubjson = second != '\0' && std::strchr("iUIlLN$#", second) != nullptr;
      FMTRAIN_TRY(named(read_xgboost(bytes, ubjson, &splits)));
    } else {
      return named(status(errc::format,
                          "neither an XGBoost model (JSON or UBJSON) nor a LightGBM model (text)"));
    }
    FMTRAIN_TRY(named(pack_forest(splits, &made->packed_)));
  }
  FMTRAIN_TRY(named(compiler(*made).run()));
  made->hash_ = hash_name(made->packed_.data(), made->packed_.size(), 0);
  *out = std::move(made);
  return {};
}

size_t forest::trees() const { return trees_.size(); }
size_t forest::columns() const { return columns_; }
const std::vector<std::string>& forest::column_names() const { return names_; }
uint64_t forest::content_hash() const { return hash_; }
std::string forest::pack() const { return packed_; }
size_t forest::leaf_bound(size_t tree) const { return trees_[tree].leaf_bound; }

std::vector<uint32_t> forest::leaves_of(size_t tree) const {
  std::vector<uint32_t> leaves;
  const auto collect = [&](const auto& nodes) {
    const size_t end = tree + 1 < trees_.size() ? trees_[tree + 1].root : nodes.size();
    for (size_t at = trees_[tree].root; at < end; ++at) {
      if (std::isnan(nodes[at].threshold)) leaves.push_back(low_bits(&nodes[at].threshold));
    }
  };
  if (is_lightgbm_) {
    collect(wide_);
  } else {
    collect(narrow_);
  }
  std::sort(leaves.begin(), leaves.end());
  return leaves;
}

}  // namespace fmtrain
