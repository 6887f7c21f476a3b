// One worker's way from cells to samples: looks at each cell once, counts what is wrong with it,
// and makes the features of it that the schema wants.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encode/cell.h"
#include "encode/encoder.h"
#include "encode/guard.h"
#include "feature/batch.h"
#include "feature/parser.h"

namespace fmtrain {

// A row that gives more is bad: a cross of two long lists grows with their product.
constexpr size_t row_features_max = size_t{1} << 20;
// Nor may the names of a row's features take more bytes together. So those of a batch's 32 rows can
// be numbered by 32 bits.
constexpr size_t row_name_bytes_max = size_t{1} << 26;

struct row_options {
  bool names = false;          // the batch gets the features' names
  bool label_required = true;  // else a label that is not there is 0
};

// What is known of a column's cell once it was looked at.
enum class cell_state : uint8_t { good, missing, dropped };

struct list_item {
  std::string_view text;
  bool plain = false;
  double weight = 1;
};

struct seen_cell {
  cell_state state = cell_state::missing;
  bool plain = false;
  bool filled = false;  // `number` is what its column's rule fills in
  std::string_view text;
  double number = 0;
  size_t first_item = 0, items = 0;  // in the row's items
};

// The first half: cells of a row -> values, by the rules of their columns.
class cell_guard {
 public:
  // Without `judging` no label and no weight makes a row bad.
  cell_guard(const encoder& plan, bool label_required, bool judging = true);

  // cells: (columns of the schema). Every one of the set is looked at and counted, of a bad row,
  // too; of others stays what was seen of them before, but for texts and items. Of a bad row,
  // `where` is the text of the first cell that is wrong, or nullptr; bad_column() says which.
  parse_result look(const cell* cells, const column_set& at);
  parse_result look(const cell* cells) { return look(cells, plan_.columns()); }
  size_t bad_column() const { return bad_column_; }
  // What a message about that row begins with: "COLUMN: ", where a cell made it bad.
  std::string lead_of(line_kind kind) const;

  const seen_cell& operator[](size_t column) const { return seen_[column]; }
  const list_item& item(size_t i) const { return items_[i]; }
  float label() const { return label_; }
  float weight() const { return weight_; }
  const seen_cell* key() const;

  // What the cells were like since the last call.
  guard_counts take_counts();

 private:
  bool look_at(size_t column, const cell& c);
  bool look_at_number(size_t column, const cell& c);
  bool look_at_list(size_t column, const cell& c);
  line_kind look_at_label(const cell& c);
  line_kind look_at_weight(const cell& c);
  std::string_view text_of(size_t column, const cell& c);
  bool is_missing(size_t column, const cell& c);
  bool settle(size_t column, cell_rule rule);
  bool settle_missing(size_t column);
  bool settle_number(size_t column, double value, double* kept, cell_rule* rule);
  bool settle_list(size_t column, bool kept);
  bool add_items(size_t column, std::string_view text, bool plain);
  bool add_weighted(size_t column, std::string_view text);
  bool add_weighted(size_t column, std::string_view name, double weight, bool readable);
  void add_words(std::string_view text);
  void reserve_words(const cell* cells, const std::vector<size_t>& columns);

  // What most cells of most columns need, without looking at the whole plan: a text that is there,
  // a short whole number. Everything else is `general`.
  enum class usual : uint8_t { general, category, number };
  struct quick_column {
    usual kind = usual::general;
    double profile_min, profile_max;  // of a number
  };
  static quick_column quick(const encoder& plan, size_t column);
  bool look_quickly(size_t column, const cell& c);

  const encoder& plan_;
  const bool label_required_;
  const bool judging_;
  std::vector<quick_column> quick_;  // (columns)
  std::vector<seen_cell> seen_;      // (columns)
  std::vector<list_item> items_;
  std::vector<char> texts_;  // of cells that came as numbers: a piece a column
  std::vector<char> words_;  // of text columns, lowered
  size_t words_size_ = 0;
  size_t left_out_ = 0;    // items of the list in hand that have no weight
  bool some_bin_ = false;  // one of them counts as missing
  float label_ = 0, weight_ = 1;
  size_t bad_column_ = 0;
  uint64_t rows_ = 0;
  guard_counts counts_;
};

// Both halves: cells of a row -> a sample of a batch.
class row_encoder {
 public:
  // `plan` outlives it.
  row_encoder(const encoder& plan, const row_options& options);

  // Around the samples of a batch.
  void begin(batch& out);
  void end(batch& out);

  // Adds one sample or leaves `out` as it was; the rest as cell_guard::look.
  parse_result add(const cell* cells, uint64_t line, batch& out);

  // The same sample in two pieces, for many items of one user: what set_user adds to `user`, and
  // behind it what add_item adds to `out`, is what add() adds for the joined row. The pieces look
  // at the user's columns and at all others. What crosses and forests need of the user is kept here
  // until the next set_user or add; the cells need not be. Items follow only a user who is no bad
  // row. *rest: how many features of the piece are the item's own; those behind it may depend on
  // the user.
  parse_result set_user(const cell* cells, batch& user);
  parse_result add_item(const cell* cells, uint64_t line, batch& out, uint32_t* rest);

  cell_guard& cells() { return cells_; }
  const cell_guard& cells() const { return cells_; }

 private:
  // A feature that a cross is made of.
  struct part {
    size_t at, size;  // its name, in part_names_
    float x;
  };

  // What a sample has before the piece in hand.
  struct before {
    size_t features = 0;
    size_t name_bytes = 0;
    size_t part_bytes = 0;  // in part_names_
  };

  void open();
  parse_result close(bool fits, uint64_t line, batch& out);
  static parse_result too_wide(batch& out);
  bool make_side(side which, batch& out);
  bool has_room(const batch& out) const;
  bool make(size_t feature, batch& out);
  void make_from_number(size_t feature, double value, batch& out);
  void make_from_weight(size_t feature, const list_item& from, batch& out);
  void make_category(size_t feature, std::string_view text, bool plain, std::string_view tail,
                     double x, batch& out);
  void make_whole(size_t feature, std::string_view lead, int64_t value, batch& out);
  void make_token(size_t feature, std::string_view token, std::string_view tail, double x,
                  batch& out);
  void make_bin(size_t feature, uint32_t bin, batch& out);
  void make_known(size_t feature, const known_name& name, double x, batch& out);
  void produce(size_t feature, const char* name, size_t size, uint64_t id, double x, batch& out);
  static size_t bytes_of(const std::vector<part>& parts);
  bool make_cross(size_t feature, batch& out);
  void put_cross(const part& a, const part& b, const part* c, batch& out);
  void make_leaves(size_t f, batch& out);
  void put(const char* name, size_t size, uint64_t id, float x, batch& out);
  std::pair<size_t, size_t> add_key(batch& out);

  // As quick_column: what most features need where no names are kept.
  enum class usual : uint8_t { general, category, bins, cross };
  struct recipe {
    size_t feature = 0;
    usual kind = usual::general;
    size_t column = 0;
    name_hash token;  // category
  };
  recipe recipe_of(size_t feature) const;
  bool make_quickly(const recipe& how, batch& out);

  const encoder& plan_;
  const row_options options_;
  cell_guard cells_;
  before user_;                                 // of add_item's samples
  std::array<std::vector<recipe>, 3> recipes_;  // of each side's features
  std::vector<std::vector<part>> parts_;        // (features), of those that are crossed
  // False while parts of a cross that stands before them are made for it; they are given out in
  // their turn.
  bool gives_out_ = true;
  std::string part_names_;     // of the row
  size_t name_bytes_ = 0;      // of the row's features
  std::vector<char> scratch_;  // a name in the making, padding_bytes behind it
  std::string escaped_;
  std::vector<double> tree_values_;
  std::vector<uint32_t> leaves_;
  std::vector<std::pair<size_t, size_t>> keys_;  // of the batch's samples, in batch::made
};

// Here, as two files give features out by the dozen.
inline void row_encoder::put(const char* name, size_t size, uint64_t id, float x, batch& out) {
  if (x == 0) return;
  name_bytes_ += size;  // whether they are kept or not: what is bad must not depend on it
  name_ref where{0, 0};
  if (options_.names) {
    where = {static_cast<uint32_t>(out.made.size()), static_cast<uint32_t>(size)};
    out.made.insert(out.made.end(), name, name + size);
  }
  out.add_feature(id, x, where);
}

}  // namespace fmtrain
