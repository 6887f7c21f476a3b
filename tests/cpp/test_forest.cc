// Forests made by hand: where rows go, what is refused. tests/python/test_forest.py holds them
// against the libraries.
#include "encode/forest.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/crc32c.h"
#include "encode/forest_pack.h"
#include "support.h"

namespace fmtrain {
namespace {

using namespace forest_format;

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// x0 < 0.5 ? (x1 in {1, 33} ? leaf 4 : leaf 3) : leaf 2
const std::string xgboost_text = R"({"version": [2, 1, 0], "learner": {
"feature_names": ["age", "sex"], "learner_model_param": {"num_feature": "2"},
"gradient_booster": {"name": "gbtree", "model": {"gbtree_model_param": {"num_trees": "1"},
"trees": [{"tree_param": {"num_nodes": "5", "size_leaf_vector": "0"},
"left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1],
"split_indices": [0, 1, 0, 0, 0], "split_conditions": [5E-1, 0E0, 1E0, 2E0, 3E0],
"default_left": [1, 0, 0, 0, 0], "split_type": [0, 1, 0, 0, 0], "categories": [1, 33],
"categories_nodes": [1], "categories_segments": [0], "categories_sizes": [2]}]}}}})";

// x0 <= 0.5 (NaN left) ? leaf 0 : (x1 in {1, 33} ? leaf 1 : leaf 2)
const std::string lightgbm_text =
    "tree\nversion=v4\nmax_feature_idx=1\nfeature_names=age sex\ntree_sizes=99\n\n"
    "Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nthreshold=0.5 0\ndecision_type=10 1\n"
    "left_child=-1 -2\nright_child=1 -3\ncat_boundaries=0 2\ncat_threshold=2 2\nshrinkage=1\n\n\n"
    "end of trees\n\nparameters:\n";

std::unique_ptr<const forest> made(std::string_view bytes) {
  std::unique_ptr<const forest> f;
  CHECK_OK(forest::read(bytes, "f", &f));
  return f;
}

void check_bad(std::string_view bytes, const std::string& message) {
  std::unique_ptr<const forest> f;
  const status got = forest::read(bytes, "f", &f);
  CHECK(got.code() == errc::format || got.code() == errc::version);
  CHECK_EQ(got.message(), "f: " + message);
  CHECK(f == nullptr);
}

std::vector<uint32_t> leaves(const forest& f, const std::vector<double>& values) {
  const size_t rows = f.columns() == 0 ? 1 : values.size() / f.columns();
  std::vector<uint32_t> found(rows * f.trees());
  f.find_leaves(values.data(), rows, found.data());
  return found;
}

using numbers = std::vector<uint32_t>;

TEST(xgboosts_splits) {
  const auto f = made(xgboost_text);
  CHECK_EQ(f->trees(), 1u);
  CHECK_EQ(f->columns(), 2u);
  CHECK(f->column_names() == (std::vector<std::string>{"age", "sex"}));
  CHECK(f->leaves_of(0) == (numbers{2, 3, 4}));
  CHECK_EQ(f->leaf_bound(0), 5u);
  CHECK(leaves(*f, {0.5, 1, 0.4, 1, nan, 33, 0.4, 2, 0.4, nan, -inf, -1, 0.4, 33.5, inf, 1}) ==
        (numbers{2, 4, 4, 3, 4, 3, 4, 2}));
}

TEST(lightgbms_splits) {
  const auto f = made(lightgbm_text);
  CHECK(f->column_names() == (std::vector<std::string>{"age", "sex"}));
  CHECK(f->leaves_of(0) == (numbers{0, 1, 2}));
  CHECK(leaves(*f, {0.5, 1, 0.6, 1, nan, 33, 0.6, 2, 0.6, nan, -inf, -1, 0.6, 33.5, inf, 1}) ==
        (numbers{0, 1, 0, 2, 2, 0, 1, 1}));
}

// A forest of stumps with the same split, leaves 0 and 1.
split_forest stumps(bool lightgbm, uint8_t tag, double threshold, size_t trees = 1) {
  split_forest f;
  f.is_lightgbm = lightgbm;
  f.columns = trees;
  for (size_t i = 0; i < trees; ++i) {
    split_node n;
    n.column = static_cast<uint32_t>(i);
    n.tag = static_cast<uint8_t>(is_split | tag);
    n.threshold = threshold;
    n.left = ~int64_t{0};
    n.right = ~int64_t{1};
    f.trees.push_back({{n}});
  }
  return f;
}

std::unique_ptr<const forest> packed(const split_forest& from) {
  std::string bytes;
  CHECK_OK(pack_forest(from, &bytes));
  auto f = made(bytes);
  CHECK_EQ(f->pack(), bytes);
  CHECK_EQ(f->content_hash(), hash_name(bytes.data(), bytes.size(), 0));
  return f;
}

// Whether LightGBM's rule sends a value to the right: Tree::NumericalDecision.
bool lightgbm_right(uint8_t tag, double threshold, double value) {
  const uint8_t missing = tag & missing_mask;
  if (std::isnan(value) && missing != missing_nan) value = 0;
  const bool zero = std::fabs(value) <= lightgbm_zero;
  if ((missing == missing_zero && zero) || (missing == missing_nan && std::isnan(value))) {
    return (tag & default_left) == 0;
  }
  if (zero) value = 0;  // of a row's values the smallest are not looked at
  return !(value <= threshold);
}

TEST(every_kind_of_split_at_every_kind_of_value) {
  const std::vector<double> special = {
      0,    1,     -1,     0.1, 1e-36, -1e-36, 1e-35, lightgbm_zero, -lightgbm_zero,
      1e30, -1e30, 5e-324, inf, -inf};
  std::vector<double> values = special;
  for (const double v : special) {
    values.push_back(std::nextafter(v, inf));
    values.push_back(std::nextafter(v, -inf));
  }
  values.push_back(nan);
  for (const double threshold : special) {
    for (const uint8_t missing : {missing_none, missing_zero, missing_nan}) {
      for (const uint8_t left : {uint8_t{0}, default_left}) {
        const auto tag = static_cast<uint8_t>(missing | left);
        const numbers found = leaves(*packed(stumps(true, tag, threshold)), values);
        for (size_t i = 0; i < values.size(); ++i) {
          CHECK_EQ(found[i] == 1, lightgbm_right(tag, threshold, values[i]));
        }
        const numbers narrow = leaves(*packed(stumps(false, tag, threshold)), values);
        for (size_t i = 0; i < values.size(); ++i) {
          const auto value = static_cast<float>(values[i]);
          const bool right =
              std::isnan(value) ? left == 0 : !(value < static_cast<float>(threshold));
          CHECK_EQ(narrow[i] == 1, right);
        }
      }
    }
  }
}

TEST(rows_of_any_width_and_number) {
  // Beyond what is prepared for a block, for a group, for a row.
  for (const size_t trees : {1, 9, 200, 300, 2100, 9000, 17000}) {
    for (const bool lightgbm : {false, true}) {
      const auto f = packed(stumps(lightgbm, missing_nan, 0.5, trees));
      for (const size_t rows : {1, 7, 8, 20, 70}) {
        std::vector<double> values(rows * trees);
        test_random random(rows + trees);
        for (double& v : values) v = random.uniform();
        const numbers found = leaves(*f, values);
        size_t wrong = 0;
        for (size_t i = 0; i < values.size(); ++i) wrong += (found[i] == 1) != (values[i] > 0.5);
        CHECK_EQ(wrong, 0u);
      }
    }
  }
}

TEST(a_chain_of_splits_is_no_recursion) {
  split_forest chain;
  chain.columns = 1;
  chain.is_lightgbm = true;
  chain.trees.resize(1);
  constexpr int64_t length = 100'000;
  for (int64_t i = 0; i < length; ++i) {
    split_node n;
    n.tag = is_split;
    n.threshold = static_cast<double>(i);
    n.left = ~i;
    n.right = i + 1 < length ? i + 1 : ~length;
    chain.trees[0].nodes.push_back(n);
  }
  const auto f = packed(chain);
  CHECK(leaves(*f, {-1, 70'000, 1e9}) == (numbers{0, 70'000, length}));
}

TEST(what_means_nothing_does_not_change_the_bytes) {
  const auto a = packed(stumps(true, missing_none, 0));
  CHECK_EQ(packed(stumps(true, missing_none | default_left, -0.))->content_hash(),
           a->content_hash());
  CHECK(packed(stumps(true, missing_nan, 0))->content_hash() != a->content_hash());
  CHECK(packed(stumps(false, missing_none, 0))->content_hash() != a->content_hash());
}

TEST(a_forest_without_splits) {
  split_forest empty;
  empty.trees.resize(3);
  const auto f = packed(empty);
  CHECK_EQ(f->columns(), 0u);
  CHECK(leaves(*f, {}) == (numbers{0, 0, 0}));
}

TEST(xgboost_models_that_are_refused) {
  const auto changed = [](const char* from, const char* to) {
    return replaced(xgboost_text, from, to);
  };
  check_bad("", "neither an XGBoost model (JSON or UBJSON) nor a LightGBM model (text)");
  check_bad("binf", "neither an XGBoost model (JSON or UBJSON) nor a LightGBM model (text)");
  check_bad("{\"a\": 1", "line 1, column 8: expected ',' or '}', found the end");
  check_bad("{L", "byte 3: the bytes end inside a length");
  check_bad("{}", "no `learner`: not what XGBoost's save_model writes");
  check_bad(changed("[2, 1, 0]", "[4, 0, 0]"),
            "written by XGBoost 4, of which versions 1 to 3 can be read");
  check_bad(changed("\"gbtree\"", "\"gblinear\""),
            "the booster is `gblinear`: only gbtree and dart have leaves");
  check_bad(changed("\"num_trees\": \"1\"", "\"num_trees\": \"700000000\""),
            "`num_trees` is not the number of its trees, 1");
  check_bad(changed("\"num_nodes\": \"5\"", "\"num_nodes\": \"2000000000\""),
            "tree 0: `num_nodes` is not the number of its nodes, 5");
  check_bad(changed("vector\": \"0\"", "vector\": \"3\""),
            "tree 0: leaves with a vector (multi_strategy=multi_output_tree) are not supported");
  check_bad(changed("[1, 3, -1", "[1, 9, -1"),
            "tree 0, node 1: child 9 is none of the tree's 5 nodes");
  check_bad(changed("[1, 3, -1", "[1, 0, -1"),
            "tree 0, node 0: is reached on two ways: this is no tree");
  check_bad(changed("[2, 4, -1", "[2, 2, -1"),
            "tree 0, node 2: is reached on two ways: this is no tree");
  check_bad(changed("[1, 3, -1", "[1, 1e300, -1"), "tree 0: node 1: a child that is no node");
  check_bad(changed("[2, 4, -1", "[2, -1, -1"), "tree 0: node 1: one child only");
  check_bad(changed("[0, 1, 0,", "[0, 7, 0,"),
            "tree 0, node 1: looks at column 7, the model has 2");
  check_bad(changed("5E-1", "NaN"), "tree 0, node 0: the threshold is no number");
  check_bad(changed("5E-1", "\"x\""), "tree 0: node 0: a split that is none");
  check_bad(changed("[5E-1, ", "["),
            "tree 0: `split_conditions` has 4 items, the tree has 5 nodes");
  check_bad(changed("[1, 33]", "[1, 1e9]"), "tree 0: node 1: a category that is none");
  check_bad(changed("sizes\": [2]", "sizes\": [3]"),
            "tree 0: categories of a node that do not exist");
  check_bad(changed("nodes\": [1]", "nodes\": [2]"),
            "tree 0: node 1: a split of categories without categories");
  check_bad(changed("\"2\"", "\"3\""), "the model names 2 columns and has 3");
  check_bad(changed("\"2\"", "\"-2\""), "no `num_feature`");
}

TEST(lightgbm_models_that_are_refused) {
  const auto changed = [](const char* from, const char* to) {
    return replaced(lightgbm_text, from, to);
  };
  check_bad("tree\n", "no `max_feature_idx`: not what LightGBM's save_model writes");
  check_bad(changed("version=v4", "version=v9"),
            "LightGBM's format v9, of which v2, v3 and v4 can be read");
  check_bad(changed("end of trees", "end of"), "cut: no `end of trees`");
  check_bad(changed("tree_sizes=99", "tree_sizes=99 98"), "`tree_sizes` has 2 trees, the file 1");
  check_bad(changed("num_leaves=3", "num_leaves=2000000000"),
            "tree 0: `split_feature` has 2 items, 2000000000 leaves need 1999999999");
  check_bad(changed("threshold=0.5 0", "threshold=0.5 x"),
            "tree 0: `threshold` holds something that is no number of its kind");
  check_bad(changed("threshold=0.5 0", "threshold=nan 0"),
            "tree 0, node 0: the threshold is no number");
  check_bad(changed("threshold=0.5 0", "threshold=0.5 1"),
            "tree 0: node 1: a set of categories that does not exist");
  check_bad(changed("cat_boundaries=0 2", "cat_boundaries=0 3"),
            "tree 0: node 1: a set of categories that does not exist");
  check_bad(changed("left_child=-1 -2", "left_child=-1 -9"), "tree 0: node 1: leaf 8 of 3");
  check_bad(changed("left_child=-1 -2", "left_child=-1 -1"),
            "tree 0, node 0: the leaf stands twice in the tree");
  check_bad(changed("right_child=1 -3", "right_child=0 -3"),
            "tree 0, node 0: is reached on two ways: this is no tree");
  check_bad(changed("right_child=1 -3", "right_child=5 -3"),
            "tree 0, node 0: child 5 is none of the tree's 2 nodes");
  check_bad(changed("split_feature=0 1", "split_feature=0 2"),
            "tree 0, node 1: looks at column 2, the model has 2");
  check_bad(changed("decision_type=10 1", "decision_type=10 13"),
            "tree 0: node 1: a `decision_type` that is none");
  check_bad(changed("feature_names=age sex", "feature_names=age"),
            "`feature_names` has 1 names, there are 2 columns");
}

TEST(sets_of_categories_are_limited_in_all) {
  std::string nodes = "1", begins = "0", sizes = "2";
  check_bad(replaced(lightgbm_text, "num_leaves=3\n", "num_leaves=0\n"), "tree 0: no `num_leaves`");
  // 200 trees, each with a split whose one category takes 2 MiB.
  const std::string tree =
      R"({"tree_param": {"num_nodes": "3"}, "left_children": [1, -1, -1],
"right_children": [2, -1, -1], "split_indices": [0, 0, 0], "split_conditions": [0, 0, 0],
"default_left": [0, 0, 0], "split_type": [1, 0, 0], "categories": [16777215],
"categories_nodes": [0], "categories_segments": [0], "categories_sizes": [1]})";
  std::string text = xgboost_text.substr(0, xgboost_text.find("[{") + 1);
  for (int i = 0; i < 200; ++i) text += tree + (i < 199 ? "," : "]}}}}");
  check_bad(replaced(text, "\"num_trees\": \"1\"", "\"num_trees\": \"200\""),
            "tree 128: sets of categories of more than 256 MiB in all");
}

TEST(damage_to_the_packed_bytes_is_seen) {
  const std::string bytes = made(xgboost_text)->pack();
  for (size_t size = magic.size(); size < bytes.size(); ++size) {
    std::unique_ptr<const forest> f;
    CHECK(!forest::read(bytes.substr(0, size), "f", &f).ok());
  }
  for (size_t at = magic.size(); at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    std::unique_ptr<const forest> f;
    CHECK(!forest::read(changed, "f", &f).ok());
  }
  std::string newer = bytes;
  newer[8] = 2;
  check_bad(newer, "a forest of a newer fmtrain");
  check_bad(bytes + "x", "damaged: its checksum does not match");
}

}  // namespace
}  // namespace fmtrain
