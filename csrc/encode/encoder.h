// THE encoder: a schema made ready for rows. Immutable, shared by all threads; the trainer, Python
// and the scorer encode with the same one (row_encoder.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "encode/forest.h"
#include "encode/name_hash.h"
#include "encode/schema.h"
#include "encode/sides.h"

namespace fmtrain {

// A name and its id. What a feature can be called without looking at a cell's text is hashed once.
struct known_name {
  std::string text;
  uint64_t id = 0;
};

struct feature_names {
  std::string prefix;                  // "I3=": a token's name begins with it
  known_name value;                    // "I3"
  known_name missing;                  // "I3="
  name_hash token;                     // of what begins with the prefix
  std::vector<uint64_t> bin_ids;       // (bins), where a number alone is cut into them
  std::vector<std::string> bin_names;  // (bins)
  bool crossed = false;                // is part of a cross
};

struct forest_names {
  std::string prefix;                           // "gbdt@1f3a9c02."
  std::vector<std::vector<known_name>> leaves;  // (trees, leaf bound), empty where there is no leaf
};

struct named_forest {
  std::string name;
  std::shared_ptr<const forest> trees;
};

class encoder {
 public:
  // schema_text: JSON. Every forest of the schema must be among `forests`. What the schema has to
  // learn first may be missing; check_fitted says so. *error as parse_schema's.
  static status compile(std::string_view schema_text, const std::vector<named_forest>& forests,
                        uint32_t hash_seed, std::shared_ptr<const encoder>* out,
                        schema_error* error = nullptr);

  const schema& plan() const { return plan_; }
  const std::string& text() const { return text_; }
  uint32_t hash_seed() const { return hash_seed_; }
  const feature_names& names(size_t feature) const { return names_[feature]; }
  const forest& trees(size_t f) const { return *forests_[f]; }
  const forest_names& leaf_names(size_t f) const { return leaf_names_[f]; }
  // Whether anything is made of the column's cells.
  bool reads(size_t column) const { return reads_[column]; }
  const side_plan& of(side s) const { return sides_.plans[static_cast<size_t>(s)]; }
  // Columns that are read: all; the user's; all others.
  const column_set& columns() const { return sides_.all; }
  const column_set& user_columns() const { return sides_.user; }
  const column_set& other_columns() const { return sides_.others; }
  // Columns without which a row cannot be encoded: not those of the label, where none is required.
  std::vector<bool> required(bool label) const;
  std::vector<std::string> column_names() const;

  // errc::invalid, naming the first feature whose cuts were not learned yet.
  status check_fitted() const;

  // Of one forest, all ids that its leaves have.
  std::vector<uint64_t> leaf_ids(size_t f) const;

 private:
  void name_features();
  void name_leaves(size_t f);
  known_name named(std::string text) const;

  schema plan_;
  std::string text_;
  uint32_t hash_seed_ = 0;
  std::vector<feature_names> names_;
  std::vector<std::shared_ptr<const forest>> forests_;
  std::vector<forest_names> leaf_names_;
  std::vector<bool> reads_;
  sides sides_;
};

}  // namespace fmtrain
