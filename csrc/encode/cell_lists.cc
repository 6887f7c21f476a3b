// Cells that hold several items: lists, lists with weights, words of a text.

#include <algorithm>
#include <cmath>

#include "encode/row_encoder.h"
#include "encode/transform.h"

namespace fmtrain {
namespace {

bool is_word_byte(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

bool cell_guard::look_at_list(size_t column, const cell& c) {
  const column_plan& plan = plan_.plan().columns[column];
  seen_cell& seen = seen_[column];
  seen.first_item = items_.size();
  const bool weighted = plan.type == column_type::weighted_list;
  bool readable = c.kind != cell_kind::invalid;
  if (c.kind == cell_kind::items) {
    readable = plan.type != column_type::text;
    for (uint32_t i = 0; i < c.size; ++i)
      readable = readable && (weighted || !c.items[i].has_weight);
  }
  if (!readable) {
    ++counts_[column].invalid;
    return settle(column, plan.invalid_as);
  }
  bool kept = true;
  left_out_ = 0;
  some_bin_ = false;
  if (c.kind == cell_kind::items) {
    for (uint32_t i = 0; i < c.size && kept; ++i) {
      const cell_item& from = c.items[i];
      if (from.size == 0) continue;
      if (weighted) {
        kept = add_weighted(column, {from.text, from.size}, from.weight, from.readable);
      } else {
        items_.push_back({{from.text, from.size}, false, 1});
      }
    }
  } else if (plan.type == column_type::text) {
    add_words(text_of(column, c));
  } else {
    kept = add_items(column, text_of(column, c), c.kind != cell_kind::text || c.plain);
  }
  return settle_list(column, kept);
}

// Once its items are there. False: the row is rejected.
bool cell_guard::settle_list(size_t column, bool kept) {
  seen_cell& seen = seen_[column];
  seen.items = items_.size() - seen.first_item;
  seen.state = cell_state::good;
  if (!kept || seen.items > 0) return kept;
  if (left_out_ > 0) {
    seen.state = some_bin_ ? cell_state::missing : cell_state::dropped;
    return true;
  }
  ++counts_[column].missing;
  return settle_missing(column);
}

bool cell_guard::add_items(size_t column, std::string_view text, bool plain) {
  const column_plan& plan = plan_.plan().columns[column];
  bool kept = true;
  while (kept && !text.empty()) {
    const size_t end = std::min(text.find(plan.separator), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    if (plan.type == column_type::weighted_list) {
      kept = add_weighted(column, item);
    } else {
      items_.push_back({item, plain, 1});
    }
  }
  return kept;
}

// "name:weight"; the last separator counts, without one the weight is 1.
bool cell_guard::add_weighted(size_t column, std::string_view text) {
  const size_t at = text.rfind(plan_.plan().columns[column].weight_separator);
  if (at == std::string_view::npos) return add_weighted(column, text, 1, true);
  if (at == 0) return true;  // no name
  const std::string_view weight = text.substr(at + 1);
  double value = 0;
  const bool readable = parse_number(weight.data(), weight.size(), &value);
  return add_weighted(column, text.substr(0, at), value, readable);
}

// An item whose weight is no number is left out, by the rules of the column. False: the row is
// rejected.
bool cell_guard::add_weighted(size_t column, std::string_view name, double weight, bool readable) {
  const column_plan& plan = plan_.plan().columns[column];
  column_guard& counts = counts_[column];
  cell_rule rule = cell_rule::missing;
  if (readable && std::isfinite(weight)) {
    items_.push_back({name, false, weight});
    return true;
  }
  if (!readable) {
    ++counts.invalid;
    rule = plan.invalid_as;
  } else if (std::isnan(weight)) {
    ++counts.missing;
    ++counts.nan;
  } else {
    ++counts.infinite;
    rule = plan.infinite_as;
  }
  if (rule == cell_rule::missing) rule = plan.missing_as;
  ++left_out_;
  some_bin_ = some_bin_ || rule == cell_rule::bin;
  return rule != cell_rule::reject;
}

// Words are lowered in memory of their own, which must not move while the row is encoded.
void cell_guard::reserve_words(const cell* cells, const std::vector<size_t>& columns) {
  size_t bytes = padding_bytes;
  for (const size_t column : columns) {
    bytes += cells[column].kind == cell_kind::text ? cells[column].size : 64;
  }
  if (words_.size() < bytes) words_.resize(bytes);
  words_size_ = 0;
}

void cell_guard::add_words(std::string_view text) {
  char* const out = words_.data() + words_size_;
  words_size_ += text.size();
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    for (; end < text.size() && is_word_byte(static_cast<unsigned char>(text[end])); ++end) {
      out[end] = lowered(text[end]);
    }
    if (end > at) items_.push_back({{out + at, end - at}, true, 1});
    at = end + 1;
  }
}

}  // namespace fmtrain
