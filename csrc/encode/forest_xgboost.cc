// XGBoost's model, JSON or UBJSON, of versions 1 to 3: doc/model.schema of its sources.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/json.h"
#include "encode/forest_pack.h"

namespace fmtrain {

namespace {

using namespace forest_format;

constexpr int64_t newest_version = 3;
// Categories from here on are none (XGBoost's OutOfRangeCat): the bits of one split stay below 2
// MB.
constexpr double categories_end = 16777216;

status wrong(const std::string& what) { return status(errc::format, what); }

// A number as XGBoost's float: what stands in text is not rounded twice.
double as_float(json_value v) {
  const std::string_view text = v.text();
  float value = 0;
  const auto got = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || got.ec != std::errc()) value = static_cast<float>(v.number());
  return static_cast<double>(value);
}

// An integer within [low, end), which XGBoost writes as a number, an old one as a boolean, or,
// among parameters, as text.
bool integer(json_value v, double low, double end, int64_t* out) {
  double value = v.number();
  if (v.is(json_type::boolean)) {
    value = v.boolean() ? 1 : 0;
  } else if (v.is(json_type::string)) {
    const std::string_view text = v.text();
    const auto got = std::from_chars(text.data(), text.data() + text.size(), value);
    if (got.ec != std::errc() || got.ptr != text.data() + text.size()) return false;
  } else if (!v.is(json_type::number)) {
    return false;
  }
  if (!(value >= low && value < end) || value != std::floor(value)) return false;
  *out = static_cast<int64_t>(value);
  return true;
}

class xgboost_reader {
 public:
  xgboost_reader(json_value root, split_forest* out) : root_(root), out_(*out) {}

  status run() {
    const json_value learner = root_.find("learner");
    if (!learner.is(json_type::object)) {
      return wrong("no `learner`: not what XGBoost's save_model writes");
    }
    FMTRAIN_TRY(check_version());
    FMTRAIN_TRY(header(learner));
    json_value booster = learner.find("gradient_booster");
    const std::string_view name = booster.find("name").text();
    if (name == "dart") {
      booster = booster.find("gbtree");
    } else if (name != "gbtree") {
      return wrong("the booster is `" + std::string(name.substr(0, 100)) +
                   "`: only gbtree and dart have leaves");
    }
    const json_value trees = booster.find("model").find("trees");
    if (!trees.is(json_type::array)) return wrong("no `trees`");
    int64_t claimed = 0;
    const json_value count = booster.find("model").find("gbtree_model_param").find("num_trees");
    if (!integer(count, 0, 0x1p31, &claimed) || static_cast<size_t>(claimed) != trees.size()) {
      return wrong("`num_trees` is not the number of its trees, " + std::to_string(trees.size()));
    }
    out_.trees.resize(trees.size());
    for (size_t i = 0; i < trees.size(); ++i) {
      const status got = tree(trees[i], &out_.trees[i]);
      if (!got.ok()) return status(got.code(), "tree " + std::to_string(i) + ": " + got.message());
    }
    return {};
  }

 private:
  status check_version() const {
    const json_value version = root_.find("version");
    int64_t major = 0;
    if (!version.is(json_type::array) || version.size() == 0 ||
        !integer(version[0], 0, 0x1p31, &major)) {
      return wrong("no `version`");
    }
    if (major > newest_version) {
      return status(errc::version, "written by XGBoost " + std::to_string(major) +
                                       ", of which versions 1 to 3 can be read");
    }
    return {};
  }

  status header(json_value learner) {
    int64_t columns = 0;
    if (!integer(learner.find("learner_model_param").find("num_feature"), 0, 0x1p31, &columns)) {
      return wrong("no `num_feature`");
    }
    out_.columns = static_cast<uint64_t>(columns);
    const json_value names = learner.find("feature_names");
    for (size_t i = 0; i < names.size(); ++i) {
      if (!names[i].is(json_type::string)) return wrong("a `feature_names` that is no text");
      out_.names.emplace_back(names[i].text());
    }
    return {};
  }

  // The array of that name, which has an item for every node.
  status column(json_value tree, const char* name, json_value* out) const {
    *out = tree.find(name);
    if (!out->is(json_type::array)) return wrong(std::string("no `") + name + "`");
    if (out->size() == nodes_) return {};
    return wrong(std::string("`") + name + "` has " + std::to_string(out->size()) +
                 " items, the tree has " + std::to_string(nodes_) + " nodes");
  }

  status tree(json_value tree, split_tree* out) {
    const json_value left = tree.find("left_children");
    nodes_ = left.size();
    if (nodes_ == 0) return wrong("no `left_children`");
    int64_t size = 0;
    const json_value param = tree.find("tree_param");
    if (integer(param.find("size_leaf_vector"), 0, 0x1p31, &size) && size > 1) {
      return wrong("leaves with a vector (multi_strategy=multi_output_tree) are not supported");
    }
    if (!integer(param.find("num_nodes"), 0, 0x1p31, &size) ||
        static_cast<size_t>(size) != nodes_) {
      return wrong("`num_nodes` is not the number of its nodes, " + std::to_string(nodes_));
    }
    json_value right, indices, conditions, defaults, types;
    FMTRAIN_TRY(column(tree, "right_children", &right));
    FMTRAIN_TRY(column(tree, "split_indices", &indices));
    FMTRAIN_TRY(column(tree, "split_conditions", &conditions));
    FMTRAIN_TRY(column(tree, "default_left", &defaults));
    const bool typed = tree.find("split_type").size() > 0;  // not before version 1.3
    if (typed) FMTRAIN_TRY(column(tree, "split_type", &types));
    out->nodes.resize(nodes_);
    for (size_t i = 0; i < nodes_; ++i) {
      split_node& n = out->nodes[i];
      int64_t index = 0, is_left = 0, type = 0;
      if (!integer(left[i], -1, 0x1p31, &n.left) || !integer(right[i], -1, 0x1p31, &n.right)) {
        return wrong("node " + std::to_string(i) + ": a child that is no node");
      }
      if (n.left == -1) continue;  // a leaf
      if (n.right == -1) return wrong("node " + std::to_string(i) + ": one child only");
      if (!integer(indices[i], 0, 0x1p32, &index) || !integer(defaults[i], 0, 2, &is_left) ||
          (typed && !integer(types[i], 0, 2, &type)) || !conditions[i].is(json_type::number)) {
        return wrong("node " + std::to_string(i) + ": a split that is none");
      }
      n.column = static_cast<uint32_t>(index);
      n.tag = static_cast<uint8_t>(is_split | missing_nan | (is_left != 0 ? default_left : 0) |
                                   (type != 0 ? is_categorical : 0));
      n.threshold = type != 0 ? 0 : as_float(conditions[i]);
    }
    return categories(tree, out);
  }

  // Of every split of categories, in a list: its node, where its categories begin, how many.
  status categories(json_value tree, split_tree* out) {
    const json_value all = tree.find("categories"), nodes = tree.find("categories_nodes"),
                     begins = tree.find("categories_segments"),
                     sizes = tree.find("categories_sizes");
    if (begins.size() != nodes.size() || sizes.size() != nodes.size()) {
      return wrong("lists of categories that do not belong together");
    }
    std::vector<bool> given(out->nodes.size(), false);
    for (size_t i = 0; i < nodes.size(); ++i) {
      int64_t node = 0, begin = 0, size = 0;
      const auto items = static_cast<double>(all.size());
      if (!integer(nodes[i], 0, static_cast<double>(nodes_), &node) ||
          !integer(begins[i], 0, items + 1, &begin) || !integer(sizes[i], 0, items + 1, &size) ||
          static_cast<size_t>(begin + size) > all.size() || given[node]) {
        return wrong("categories of a node that do not exist");
      }
      given[node] = true;
      std::vector<uint32_t>& set = out->nodes[node].set;
      for (int64_t k = begin; k < begin + size; ++k) {
        int64_t category = 0;
        if (!integer(all[k], 0, categories_end, &category)) {
          return wrong("node " + std::to_string(node) + ": a category that is none");
        }
        const auto word = static_cast<size_t>(category / 32);
        if (word >= set.size()) {
          words_ += word + 1 - set.size();
          if (words_ > set_words_max) return sets_too_large();
          set.resize(word + 1, 0);
        }
        set[word] |= uint32_t{1} << (category % 32);
      }
    }
    for (size_t i = 0; i < nodes_; ++i) {
      if ((out->nodes[i].tag & is_categorical) != 0 && !given[i]) {
        return wrong("node " + std::to_string(i) + ": a split of categories without categories");
      }
    }
    return {};
  }

  const json_value root_;
  split_forest& out_;
  size_t nodes_ = 0;  // of the tree at hand
  size_t words_ = 0;  // of all sets of categories
};

}  // namespace

status read_xgboost(std::string_view bytes, bool ubjson, split_forest* out) {
  json document;
  FMTRAIN_TRY(ubjson ? document.parse_ubjson(bytes) : document.parse(bytes, true));
  return xgboost_reader(document.root(), out).run();
}

}  // namespace fmtrain
