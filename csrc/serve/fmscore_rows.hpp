// Rows for fmscore::request, owned and built a piece at a time. A host that has its rows in arrays
// fills an fms_rows itself.
#ifndef FMSCORE_ROWS_HPP
#define FMSCORE_ROWS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "fmscore.h"

namespace fmscore {

// Rows of feature ids. Rows are begun by row(), which features are then added to.
class id_rows {
 public:
  id_rows() { clear(); }
  void clear() {
    row_ptr_.assign(1, 0);
    ids_.clear();
    x_.clear();
    item_ids_.clear();
  }
  id_rows& row() {
    row_ptr_.push_back(ids_.size());
    return *this;
  }
  // What the host calls the item: of all rows, or of none.
  id_rows& row(uint64_t item_id) {
    item_ids_.push_back(item_id);
    return row();
  }
  id_rows& add(uint64_t id, float x = 1) {
    ids_.push_back(id);
    x_.push_back(x);
    row_ptr_.back() = ids_.size();
    return *this;
  }
  // As the C ABI takes it, valid until the next change.
  operator fms_rows() const {
    fms_rows rows;
    FMS_INIT(rows);
    rows.form = FMS_ROWS_IDS;
    rows.rows = row_ptr_.size() - 1;
    rows.row_ptr = row_ptr_.data();
    rows.ids = ids_.data();
    rows.x = x_.data();
    rows.item_ids = item_ids_.empty() ? nullptr : item_ids_.data();
    return rows;
  }

 private:
  std::vector<uint64_t> row_ptr_, ids_, item_ids_;
  std::vector<float> x_;
};

// Raw rows, each a JSON object.
class json_rows {
 public:
  json_rows() { clear(); }
  void clear() {
    text_.clear();
    text_ptr_.assign(1, 0);
    item_ids_.clear();
  }
  json_rows& row(const std::string& object) {
    text_ += object;
    text_ptr_.push_back(text_.size());
    return *this;
  }
  json_rows& row(const std::string& object, uint64_t item_id) {
    item_ids_.push_back(item_id);
    return row(object);
  }
  operator fms_rows() const {
    fms_rows rows;
    FMS_INIT(rows);
    rows.form = FMS_ROWS_JSON;
    rows.rows = text_ptr_.size() - 1;
    rows.text = text_.data();
    rows.text_ptr = text_ptr_.data();
    rows.item_ids = item_ids_.empty() ? nullptr : item_ids_.data();
    return rows;
  }

 private:
  std::string text_;
  std::vector<uint64_t> text_ptr_, item_ids_;
};

// Raw rows, a column at a time. Numbers stay the host's; texts are copied.
class column_rows {
 public:
  explicit column_rows(uint64_t rows) : rows_(rows), item_ids_(nullptr) {}

  // missing (rows): not 0 where there is no value; nullptr: all have one.
  void add(const std::string& name, const double* values, const uint8_t* missing = nullptr) {
    column(name, FMS_COLUMN_DOUBLE, values, missing);
  }
  void add(const std::string& name, const float* values, const uint8_t* missing = nullptr) {
    column(name, FMS_COLUMN_FLOAT, values, missing);
  }
  void add(const std::string& name, const int64_t* values, const uint8_t* missing = nullptr) {
    column(name, FMS_COLUMN_INT64, values, missing);
  }
  void add(const std::string& name, const std::vector<std::string>& texts,
           const uint8_t* missing = nullptr) {
    kept& k = column(name, FMS_COLUMN_TEXT, nullptr, missing);
    for (const std::string& text : texts) k.append(text, &k.offsets);
  }
  // weights: of all items, in order; empty: the list has none.
  void add(const std::string& name, const std::vector<std::vector<std::string>>& lists,
           const std::vector<float>& weights = std::vector<float>(),
           const uint8_t* missing = nullptr) {
    kept& k = column(name, FMS_COLUMN_LIST, nullptr, missing);
    k.item_offsets.assign(1, 0);
    k.weights = weights;
    for (const std::vector<std::string>& list : lists) {
      for (const std::string& item : list) k.append(item, &k.item_offsets);
      k.offsets.push_back(k.item_offsets.size() - 1);
    }
  }
  void item_ids(const uint64_t* ids) { item_ids_ = ids; }

  // As the C ABI takes it, valid until the next change.
  operator fms_rows() const {
    views_.clear();
    for (const kept& k : columns_) views_.push_back(k.view());
    fms_rows rows;
    FMS_INIT(rows);
    rows.form = FMS_ROWS_COLUMNS;
    rows.rows = rows_;
    rows.columns = views_.data();
    rows.column_count = views_.size();
    rows.item_ids = item_ids_;
    return rows;
  }

 private:
  struct kept {
    std::string name, bytes;
    int32_t type;
    const void* numbers;
    const uint8_t* missing;
    std::vector<uint64_t> offsets, item_offsets;
    std::vector<float> weights;

    void append(const std::string& text, std::vector<uint64_t>* ends) {
      bytes += text;
      ends->push_back(bytes.size());
    }
    fms_column view() const {
      fms_column c;
      FMS_INIT(c);
      c.type = type;
      c.name = name.c_str();
      c.values = numbers != nullptr ? numbers : bytes.data();
      c.offsets = offsets.data();
      c.item_offsets = item_offsets.data();
      c.weights = weights.empty() ? nullptr : weights.data();
      c.missing = missing;
      return c;
    }
  };
  kept& column(const std::string& name, int32_t type, const void* values, const uint8_t* missing) {
    columns_.push_back(kept());
    kept& k = columns_.back();
    k.name = name;
    k.type = type;
    k.numbers = values;
    k.missing = missing;
    k.offsets.assign(1, 0);
    return k;
  }

  uint64_t rows_;
  const uint64_t* item_ids_;
  std::vector<kept> columns_;
  mutable std::vector<fms_column> views_;
};

}  // namespace fmscore

#endif
