// LightGBM's model, the text of save_model: GBDT::SaveModelToString and Tree::ToString of its
// sources. Lines `key=value`; a head, then for every tree a block that begins with `Tree=`.
#include <charconv>
#include <limits>

#include "encode/forest_pack.h"

namespace fmtrain {

namespace {

using namespace forest_format;

status wrong(const std::string& what) { return status(errc::format, what); }

// The words between blanks, one after the other.
class words {
 public:
  explicit words(std::string_view text) : text_(text) {}
  bool next(std::string_view* word) {
    const size_t begin = text_.find_first_not_of(' ');
    if (begin == std::string_view::npos) return false;
    const size_t end = std::min(text_.find(' ', begin), text_.size());
    *word = text_.substr(begin, end - begin);
    text_.remove_prefix(end);
    return true;
  }

 private:
  std::string_view text_;
};

template <class T>
bool parsed(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  // Too large or too small for a double is what it rounds to; none is written.
  return error == std::errc() && end == text.data() + text.size();
}

template <class T>
bool list(std::string_view text, std::vector<T>* out) {
  out->clear();
  std::string_view word;
  for (words all(text); all.next(&word);) {
    T value;
    if (!parsed(word, &value)) return false;
    out->push_back(value);
  }
  return true;
}

// What a tree's lines say.
struct block {
  uint32_t leaves = 0, sets = 0;
  std::vector<uint32_t> split_feature, boundaries, bits;
  std::vector<double> threshold;
  std::vector<uint8_t> decision_type;
  std::vector<int32_t> left, right;
};

class lightgbm_reader {
 public:
  lightgbm_reader(std::string_view text, split_forest* out) : text_(text), out_(*out) {}

  status run() {
    out_.is_lightgbm = true;
    FMTRAIN_TRY(head());
    while (line_.substr(0, 5) == "Tree=") {
      const size_t number = out_.trees.size();
      out_.trees.emplace_back();
      const status got = tree(&out_.trees.back());
      if (!got.ok()) {
        return status(got.code(), "tree " + std::to_string(number) + ": " + got.message());
      }
    }
    if (line_ != "end of trees") return wrong("cut: no `end of trees`");
    if (out_.trees.size() != claimed_trees_) {
      return wrong("`tree_sizes` has " + std::to_string(claimed_trees_) + " trees, the file " +
                   std::to_string(out_.trees.size()));
    }
    return {};
  }

 private:
  bool next_line() {
    if (text_.empty()) {
      line_ = {};
      return false;
    }
    const size_t end = std::min(text_.find('\n'), text_.size());
    line_ = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    return true;
  }
  // The line's value where it is of that key.
  bool is(std::string_view key, std::string_view* value) const {
    if (line_.size() <= key.size() || line_.substr(0, key.size()) != key ||
        line_[key.size()] != '=') {
      return false;
    }
    *value = line_.substr(key.size() + 1);
    return true;
  }

  status head() {
    uint32_t last = 0;
    bool has_last = false;
    while (next_line() && line_.substr(0, 5) != "Tree=" && line_ != "end of trees") {
      std::string_view value, word;
      if (is("version", &value) && value != "v2" && value != "v3" && value != "v4") {
        return status(errc::version, "LightGBM's format " + std::string(value.substr(0, 100)) +
                                         ", of which v2, v3 and v4 can be read");
      }
      if (is("max_feature_idx", &value)) has_last = parsed(value, &last);
      if (is("feature_names", &value)) {
        for (words all(value); all.next(&word);) out_.names.emplace_back(word);
      }
      if (is("tree_sizes", &value)) {
        for (words all(value); all.next(&word);) ++claimed_trees_;
      }
    }
    if (!has_last) return wrong("no `max_feature_idx`: not what LightGBM's save_model writes");
    out_.columns = uint64_t{last} + 1;
    if (out_.names.size() != out_.columns) {
      return wrong("`feature_names` has " + std::to_string(out_.names.size()) +
                   " names, there are " + std::to_string(out_.columns) + " columns");
    }
    // What it calls columns without a name.
    bool unnamed = true;
    for (size_t i = 0; unnamed && i < out_.names.size(); ++i) {
      unnamed = out_.names[i] == "Column_" + std::to_string(i);
    }
    if (unnamed) out_.names.clear();
    return {};
  }

  status lines_of(block* b) {
    while (next_line() && line_.substr(0, 5) != "Tree=" && line_ != "end of trees") {
      std::string_view v;
      bool good = true;
      if (is("num_leaves", &v)) good = parsed(v, &b->leaves);
      if (is("num_cat", &v)) good = parsed(v, &b->sets);
      if (is("split_feature", &v)) good = list(v, &b->split_feature);
      if (is("threshold", &v)) good = list(v, &b->threshold);
      if (is("decision_type", &v)) good = list(v, &b->decision_type);
      if (is("left_child", &v)) good = list(v, &b->left);
      if (is("right_child", &v)) good = list(v, &b->right);
      if (is("cat_boundaries", &v)) good = list(v, &b->boundaries);
      if (is("cat_threshold", &v)) good = list(v, &b->bits);
      if (!good) {
        return wrong("`" + std::string(line_.substr(0, line_.find('='))) +
                     "` holds something that is no number of its kind");
      }
    }
    return {};
  }

  status tree(split_tree* out) {
    block b;
    FMTRAIN_TRY(lines_of(&b));
    if (b.leaves == 0) return wrong("no `num_leaves`");
    const size_t splits = b.leaves - 1;
    if (splits == 0) return {};  // leaf 0
    for (const auto& [name, size] :
         {std::pair("split_feature", b.split_feature.size()),
          std::pair("threshold", b.threshold.size()),
          std::pair("decision_type", b.decision_type.size()),
          std::pair("left_child", b.left.size()), std::pair("right_child", b.right.size())}) {
      if (size != splits) {
        return wrong(std::string("`") + name + "` has " + std::to_string(size) + " items, " +
                     std::to_string(b.leaves) + " leaves need " + std::to_string(splits));
      }
    }
    out->nodes.resize(splits);
    for (size_t i = 0; i < splits; ++i) {
      const status got = split(b, i, &out->nodes[i]);
      if (!got.ok()) {
        return status(got.code(), "node " + std::to_string(i) + ": " + got.message());
      }
    }
    return {};
  }

  status split(const block& b, size_t i, split_node* n) {
    n->column = b.split_feature[i];
    n->left = b.left[i];
    n->right = b.right[i];
    for (const int64_t child : {n->left, n->right}) {
      if (child < 0 && ~child >= int64_t{b.leaves}) {
        return wrong("leaf " + std::to_string(~child) + " of " + std::to_string(b.leaves));
      }
    }
    // LightGBM's bits: 1 categories, 2 default left, 4 and 8 what is missing.
    const uint8_t type = b.decision_type[i];
    static constexpr uint8_t missing[4] = {missing_none, missing_zero, missing_nan, missing_mask};
    if ((type >> 2) > 2) return wrong("a `decision_type` that is none");
    n->tag =
        static_cast<uint8_t>(is_split | missing[type >> 2] | ((type & 2) != 0 ? default_left : 0) |
                             ((type & 1) != 0 ? is_categorical : 0));
    n->threshold = b.threshold[i];
    if ((type & 1) == 0) return {};
    // The threshold of categories is the number of their set.
    n->threshold = 0;
    const double set = b.threshold[i];
    const bool exists =
        set >= 0 && set < static_cast<double>(b.sets) && b.boundaries.size() == size_t{b.sets} + 1;
    const auto at = exists ? static_cast<size_t>(set) : 0;
    if (!exists || b.boundaries[at] > b.boundaries[at + 1] ||
        b.boundaries[at + 1] > b.bits.size()) {
      return wrong("a set of categories that does not exist");
    }
    words_ += b.boundaries[at + 1] - b.boundaries[at];
    if (words_ > set_words_max) return sets_too_large();
    n->set.assign(b.bits.data() + b.boundaries[at], b.bits.data() + b.boundaries[at + 1]);
    return {};
  }

  std::string_view text_, line_;
  split_forest& out_;
  size_t claimed_trees_ = 0;
  size_t words_ = 0;  // of all sets of categories
};

}  // namespace

status read_lightgbm(std::string_view text, split_forest* out) {
  return lightgbm_reader(text, out).run();
}

}  // namespace fmtrain
