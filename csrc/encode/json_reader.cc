#include <cmath>
#include <unordered_map>

#include "base/json.h"
#include "encode/row_reader.h"
#include "encode/transform.h"
#include "feature/hash.h"

namespace fmtrain {
namespace {

static_assert(json::padding >= padding_bytes, "cells point into the document");

// What the items of a list that are no texts are called; with padding_bytes behind.
struct padded_word {
  char text[8 + padding_bytes];
  uint32_t size;
};
constexpr padded_word words[] = {{"false", 5}, {"true", 4}};

class json_reader : public row_reader {
 public:
  explicit json_reader(const std::vector<std::string>& columns) : names_(columns) {
    for (size_t i = 0; i < names_.size(); ++i) columns_.emplace(names_[i], i);
  }

  parse_result read(const char* first, const char* last, cell* cells) override {
    const std::string_view line(first, static_cast<size_t>(last - first));
    if (line.find_first_not_of(" \t\r\n") == line.npos) return {line_kind::blank, first};
    if (!document_.parse(line).ok()) return {line_kind::bad_json, first + document_.error_at()};
    const json_value row = document_.root();
    if (!row.is(json_type::object)) return {line_kind::bad_json, first + row.offset()};

    for (size_t i = 0; i < names_.size(); ++i) cells[i] = cell();
    items_.clear();
    lists_.clear();
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t column = column_of(i, row.key(i));
      if (column == none) continue;
      const json_value value = row[i];
      cells[column] = cell_of(value, first + value.offset());
      if (cells[column].kind == cell_kind::items) lists_.push_back(column);
    }
    // Only now that all items are there they stay where they are.
    const cell_item* at = items_.data();
    for (const size_t column : lists_) {
      cells[column].items = at;
      at += cells[column].size;
    }
    return {line_kind::sample, last};
  }

 private:
  static constexpr size_t none = static_cast<size_t>(-1);
  // Rows of one writer have their members in the same order, so the last row's is tried first. The
  // bounds are for the memory's sake: each place may have had another row's longest name.
  static constexpr size_t remembered_max = 4096;
  static constexpr size_t name_bytes_max = 256;
  struct member {
    std::string name;
    size_t column;
  };

  size_t column_of(size_t i, std::string_view name) {
    if (i < order_.size() && order_[i].name == name) return order_[i].column;
    const auto found = columns_.find(name);
    const size_t column = found == columns_.end() ? none : found->second;
    if (name.size() > name_bytes_max) return column;
    if (i < order_.size()) {
      order_[i] = {std::string(name), column};
    } else if (i == order_.size() && i < remembered_max) {
      order_.push_back({std::string(name), column});
    }
    return column;
  }

  cell cell_of(const json_value& value, const char* where) {
    cell out;
    out.text = where;
    switch (value.type()) {
      case json_type::absent:
      case json_type::null: break;
      case json_type::boolean:
        out.kind = cell_kind::boolean;
        out.number = value.boolean() ? 1 : 0;
        break;
      case json_type::number:
      case json_type::string:
        out.kind = cell_kind::text;
        out.text = value.text().data();
        out.size = static_cast<uint32_t>(value.text().size());
        break;
      case json_type::array:
      case json_type::object: {
        const size_t before = items_.size();
        const bool fits = value.is(json_type::array) ? add_items(value) : add_weighted(value);
        if (!fits) items_.resize(before);
        out.kind = fits ? cell_kind::items : cell_kind::invalid;
        out.size = static_cast<uint32_t>(items_.size() - before);
      }
    }
    return out;
  }

  // A null is an item that is not there.
  bool add_items(const json_value& array) {
    for (size_t i = 0; i < array.size(); ++i) {
      const json_value value = array[i];
      cell_item item;
      switch (value.type()) {
        case json_type::null: continue;
        case json_type::number:
        case json_type::string:
          item.text = value.text().data();
          item.size = static_cast<uint32_t>(value.text().size());
          break;
        case json_type::boolean: {
          const padded_word& word = words[value.boolean() ? 1 : 0];
          item.text = word.text;
          item.size = word.size;
          break;
        }
        default: return false;
      }
      items_.push_back(item);
    }
    return true;
  }

  // A weight that is null is missing: NaN. One in quotes is read as a cell is.
  bool add_weighted(const json_value& object) {
    for (size_t i = 0; i < object.size(); ++i) {
      const json_value weight = object[i];
      const std::string_view name = object.key(i), text = weight.text();
      cell_item item{name.data(), static_cast<uint32_t>(name.size()), true, true, 0};
      switch (weight.type()) {
        case json_type::null: item.weight = NAN; break;
        case json_type::boolean: item.weight = weight.boolean() ? 1 : 0; break;
        case json_type::number: item.weight = weight.number(); break;
        case json_type::string:
          item.readable = parse_number(text.data(), text.size(), &item.weight);
          break;
        default: return false;
      }
      items_.push_back(item);
    }
    return true;
  }

  const std::vector<std::string> names_;
  std::unordered_map<std::string_view, size_t> columns_;  // views of names_
  std::vector<member> order_;                             // of the rows so far, the last one first
  json document_;
  std::vector<cell_item> items_;  // of all lists of the row, end to end
  std::vector<size_t> lists_;     // their columns, in that order
};

}  // namespace

std::unique_ptr<row_reader> make_json_reader(const std::vector<std::string>& columns) {
  return std::make_unique<json_reader>(columns);
}

}  // namespace fmtrain
