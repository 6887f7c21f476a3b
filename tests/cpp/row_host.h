// Raw rows as a host has them, each piece in memory of its own that ends where it ends: a sanitizer
// sees what is read behind it.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/fmscore.h"

namespace fmtrain {

class row_host {
 public:
  explicit row_host(uint64_t rows) : rows_(rows) {}

  fms_column& add(const std::string& name, int32_t type) {
    fms_column column;
    FMS_INIT(column);
    column.type = type;
    column.name = keep(name.c_str(), name.size() + 1);
    columns_.push_back(column);
    return columns_.back();
  }
  template <class T>
  fms_column& add(const std::string& name, int32_t type, const std::vector<T>& values) {
    fms_column& column = add(name, type);
    column.values = keep(values.data(), values.size() * sizeof(T));
    return column;
  }
  fms_column& texts(const std::string& name, const std::vector<std::string>& values) {
    fms_column& column = add(name, FMS_COLUMN_TEXT);
    column.offsets = cut(values, &column.values);
    return column;
  }
  fms_column& lists(const std::string& name, const std::vector<std::vector<std::string>>& rows) {
    fms_column& column = add(name, FMS_COLUMN_LIST);
    std::vector<std::string> items;
    std::vector<uint64_t> ends{0};
    for (const auto& row : rows) {
      items.insert(items.end(), row.begin(), row.end());
      ends.push_back(items.size());
    }
    column.item_offsets = cut(items, &column.values);
    column.offsets = keep(ends.data(), ends.size() * sizeof(uint64_t));
    return column;
  }
  template <class T>
  const T* keep(const T* values, size_t bytes) {
    kept_.push_back(std::make_unique<char[]>(bytes));
    if (bytes > 0) std::memcpy(kept_.back().get(), values, bytes);
    return reinterpret_cast<const T*>(kept_.back().get());
  }
  const uint8_t* flags(const std::vector<uint8_t>& values) {
    return keep(values.data(), values.size());
  }

  std::vector<fms_column>& columns() { return columns_; }
  fms_rows rows() const {
    fms_rows out;
    FMS_INIT(out);
    out.form = FMS_ROWS_COLUMNS;
    out.rows = rows_;
    out.columns = columns_.data();
    out.column_count = columns_.size();
    return out;
  }
  // Of JSON: the host keeps them.
  fms_rows json(const std::vector<std::string>& rows) {
    fms_rows out;
    FMS_INIT(out);
    out.form = FMS_ROWS_JSON;
    out.rows = rows.size();
    const void* text = nullptr;
    out.text_ptr = cut(rows, &text);
    out.text = static_cast<const char*>(text);
    return out;
  }

 private:
  const uint64_t* cut(const std::vector<std::string>& texts, const void** values) {
    std::string all;
    std::vector<uint64_t> ends{0};
    for (const std::string& text : texts) {
      all += text;
      ends.push_back(all.size());
    }
    *values = keep(all.data(), all.size());
    return keep(ends.data(), ends.size() * sizeof(uint64_t));
  }

  const uint64_t rows_;
  std::vector<fms_column> columns_;
  std::deque<std::unique_ptr<char[]>> kept_;
};

}  // namespace fmtrain
