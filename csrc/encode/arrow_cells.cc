#include "encode/arrow_cells.h"

#include <cmath>
#include <cstring>
#include <string_view>

#include "encode/set_cell.h"
#include "encode/transform.h"

namespace fmtrain {
namespace {

constexpr size_t view_bytes = 16, view_inline_max = 12;
constexpr double seconds_a_day = 86400;

// Buffers of another process or file need not be aligned.
template <class T>
T load(const char* values, int64_t at) {
  T value;
  std::memcpy(&value, values + at * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

double half_to_double(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const double mantissa = half & 1023;
  double value = 0;
  if (exponent == 31) {
    value = mantissa == 0 ? HUGE_VAL : NAN;
  } else {
    value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

void set_number_text(double value, arrow_scratch& scratch, cell* out) {
  char* const to = scratch.texts.room(32);
  set_digits_at(to, write_number(to, value), scratch.texts, out);
}

// A text of the array where it lies, if what must be readable behind it belongs to the array too;
// else its copy.
void set_text(const char* text, size_t size, const char* end, arrow_scratch& scratch, cell* out) {
  if (size > UINT32_MAX) {
    out->kind = cell_kind::invalid;
    return;
  }
  if (static_cast<size_t>(end - text) < size + padding_bytes) {
    return set_copy({text, size}, scratch.texts, out);
  }
  out->kind = cell_kind::text;
  out->text = text;
  out->size = static_cast<uint32_t>(size);
}

}  // namespace

struct arrow_column::reading {
  static void null(const arrow_column&, int64_t, arrow_scratch&, cell*) {}

  static void boolean(const arrow_column& c, int64_t at, arrow_scratch&, cell* out) {
    out->kind = cell_kind::boolean;
    out->number = c.values_[at >> 3] >> (at & 7) & 1;
  }

  template <class T>
  static void number(const arrow_column& c, int64_t at, arrow_scratch&, cell* out) {
    set_number(static_cast<double>(load<T>(c.values_, at)), out);
  }

  template <class T>
  static void digits(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    set_digits(load<T>(c.values_, at), scratch.texts, out);
  }

  static void half(const arrow_column& c, int64_t at, arrow_scratch&, cell* out) {
    set_number(half_to_double(load<uint16_t>(c.values_, at)), out);
  }

  static void date32(const arrow_column& c, int64_t at, arrow_scratch&, cell* out) {
    set_number(load<int32_t>(c.values_, at) * seconds_a_day, out);
  }

  // Whole seconds and the rest by themselves, as parse_timestamp adds up a text: nanoseconds since
  // 1970 are no double.
  static void ticks(const arrow_column& c, int64_t at, arrow_scratch&, cell* out) {
    const auto value = load<int64_t>(c.values_, at);
    int64_t seconds = value / c.width_, rest = value % c.width_;
    if (rest < 0) {
      --seconds;
      rest += c.width_;
    }
    set_number(
        static_cast<double>(seconds) + static_cast<double>(rest) / static_cast<double>(c.width_),
        out);
  }

  template <class End>
  static void text(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    const auto begin = load<End>(c.values_, at), end = load<End>(c.values_, at + 1);
    set_text(c.text_ + begin, static_cast<size_t>(end - begin), c.text_end_, scratch, out);
  }

  static void text_fixed(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    set_text(c.values_ + at * c.width_, static_cast<size_t>(c.width_), c.text_end_, scratch, out);
  }

  // Size, then the text itself or four bytes of it, the number of a buffer and a place in there.
  static void text_view(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    const char* const view = c.values_ + at * static_cast<int64_t>(view_bytes);
    const auto size = static_cast<uint32_t>(load<int32_t>(view, 0));
    if (size <= view_inline_max) return set_text(view + 4, size, c.text_end_, scratch, out);
    const auto buffer = load<int32_t>(view, 2), place = load<int32_t>(view, 3);
    const auto* const text = static_cast<const char*>(c.array_.buffers[2 + buffer]);
    const auto* const sizes = static_cast<const char*>(c.array_.buffers[c.array_.n_buffers - 1]);
    set_text(text + place, size, text + load<int64_t>(sizes, buffer), scratch, out);
  }

  template <class Index>
  static void dictionary(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    c.dictionary_->get(static_cast<int64_t>(load<Index>(c.values_, at)), scratch, out);
  }

  template <class End>
  static void list(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    add_items(c, load<End>(c.values_, at), load<End>(c.values_, at + 1), scratch, out);
  }

  static void list_fixed(const arrow_column& c, int64_t at, arrow_scratch& scratch, cell* out) {
    add_items(c, at * c.width_, (at + 1) * c.width_, scratch, out);
  }

  // Items without a value are not there; a weight without one is NaN.
  static void add_items(const arrow_column& c, int64_t first, int64_t last, arrow_scratch& scratch,
                        cell* out) {
    const size_t before = scratch.items.size();
    for (int64_t at = first; at < last; ++at) {
      cell got;
      c.item_->get(at, scratch, &got);
      if (got.kind == cell_kind::boolean) {
        set_copy(got.number != 0 ? "true" : "false", scratch.texts, &got);
      } else if (got.kind == cell_kind::number && !std::isnan(got.number)) {
        set_number_text(got.number, scratch, &got);
      }
      if (got.kind != cell_kind::text) continue;
      cell_item item;
      item.text = got.text;
      item.size = got.size;
      if (c.weight_ != nullptr) {
        cell weight;
        c.weight_->get(at, scratch, &weight);
        item.has_weight = true;
        item.weight = weight.kind == cell_kind::number ? weight.number : NAN;
      }
      scratch.items.push_back(item);
    }
    out->kind = cell_kind::items;
    out->size = static_cast<uint32_t>(scratch.items.size() - before);
  }

  template <class T>
  static get_function of_integer(const arrow_type& type, bool as_number) {
    if (type.dictionary != nullptr) return dictionary<T>;
    return as_number ? number<T> : digits<T>;
  }
};

arrow_column::get_function arrow_column::function_of(const arrow_type& type, bool as_number) {
  switch (type.kind) {
    case arrow_kind::null: return reading::null;
    case arrow_kind::boolean: return reading::boolean;
    case arrow_kind::int8: return reading::of_integer<int8_t>(type, as_number);
    case arrow_kind::int16: return reading::of_integer<int16_t>(type, as_number);
    case arrow_kind::int32: return reading::of_integer<int32_t>(type, as_number);
    case arrow_kind::int64: return reading::of_integer<int64_t>(type, as_number);
    case arrow_kind::uint8: return reading::of_integer<uint8_t>(type, as_number);
    case arrow_kind::uint16: return reading::of_integer<uint16_t>(type, as_number);
    case arrow_kind::uint32: return reading::of_integer<uint32_t>(type, as_number);
    case arrow_kind::uint64: return reading::of_integer<uint64_t>(type, as_number);
    case arrow_kind::float16: return reading::half;
    case arrow_kind::float32: return reading::number<float>;
    case arrow_kind::float64: return reading::number<double>;
    case arrow_kind::text32: return reading::text<int32_t>;
    case arrow_kind::text64: return reading::text<int64_t>;
    case arrow_kind::text_view: return reading::text_view;
    case arrow_kind::text_fixed: return reading::text_fixed;
    case arrow_kind::list32:
    case arrow_kind::map: return reading::list<int32_t>;
    case arrow_kind::list64: return reading::list<int64_t>;
    case arrow_kind::list_fixed: return reading::list_fixed;
    case arrow_kind::date32: return reading::date32;
    case arrow_kind::date64:
    case arrow_kind::timestamp: return reading::ticks;
  }
  return reading::null;
}

arrow_column::arrow_column(const arrow_type& type, const ArrowArray& array, bool as_number)
    : get_(function_of(type, as_number)),
      valid_(nullptr),
      values_(nullptr),
      array_(array),
      offset_(array.offset),
      width_(type.kind == arrow_kind::date64 ? 1000 : type.width) {
  if (type.kind != arrow_kind::null) {
    if (array.null_count != 0) valid_ = static_cast<const uint8_t*>(array.buffers[0]);
    if (array.n_buffers > 1) values_ = static_cast<const char*>(array.buffers[1]);
  }
  const int64_t rows = array.offset + array.length;
  if (type.dictionary != nullptr) {
    dictionary_ = std::make_unique<arrow_column>(*type.dictionary, *array.dictionary, as_number);
  } else if (type.kind == arrow_kind::map) {
    const ArrowArray& entries = *array.children[0];
    item_ = std::make_unique<arrow_column>(*type.item, *entries.children[0], false);
    weight_ = std::make_unique<arrow_column>(*type.weight, *entries.children[1], true);
    item_->shift(entries.offset);
    weight_->shift(entries.offset);
  } else if (type.item != nullptr) {
    item_ = std::make_unique<arrow_column>(*type.item, *array.children[0], false);
  }
  if (type.dictionary != nullptr || array.length == 0) return;
  switch (type.kind) {
    case arrow_kind::text32:
    case arrow_kind::text64:
      text_ = static_cast<const char*>(array.buffers[2]);
      text_end_ = text_ + (type.kind == arrow_kind::text32 ? load<int32_t>(values_, rows)
                                                           : load<int64_t>(values_, rows));
      break;
    case arrow_kind::text_view:
      text_end_ = values_ + rows * static_cast<int64_t>(view_bytes);
      break;
    case arrow_kind::text_fixed: text_end_ = values_ + rows * width_; break;
    default: break;
  }
}

}  // namespace fmtrain
