#include "feature/parser.h"

#include <locale.h>
#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "feature/hash.h"
#include "feature/separators.h"

namespace fmtrain {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

const char* skip_blanks(const char* p, const char* last) {
  while (p < last && is_blank(*p)) ++p;
  return p;
}

// A mantissa below 2^24 and a power of ten up to 10^10 are exact floats, so one division rounds
// correctly (Clinger 1990). One more digit may be appended below this bound.
constexpr uint32_t mantissa_max = (1u << 24) / 10 - 1;
constexpr float powers_of_ten[] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f,
                                   1e6f, 1e7f, 1e8f, 1e9f, 1e10f};

// Short plain decimals. Returns the end, or nullptr when the number needs the general path.
const char* parse_short_decimal(const char* p, const char* last, float* value) {
  const bool negative = *p == '-';
  if (negative) ++p;
  const char* const digits_at = p;
  uint32_t mantissa = 0;
  for (; is_digit(*p) && mantissa < mantissa_max; ++p) {
    mantissa = mantissa * 10 + static_cast<uint32_t>(*p - '0');
  }
  int fraction = 0;
  int digits = static_cast<int>(p - digits_at);
  if (*p == '.') {
    const char* const fraction_at = ++p;
    for (; is_digit(*p) && mantissa < mantissa_max; ++p) {
      mantissa = mantissa * 10 + static_cast<uint32_t>(*p - '0');
    }
    fraction = static_cast<int>(p - fraction_at);
    digits += fraction;
  }
  const bool ended = p >= last || is_blank(*p) || *p == ':';
  if (digits == 0 || fraction > 10 || !ended || p > last) return nullptr;
  const float magnitude = static_cast<float>(mantissa) / powers_of_ten[fraction];
  *value = negative ? -magnitude : magnitude;
  return p;
}

// strtod of the process's own locale may want a comma for the point.
locale_t c_locale() {
  static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
  return locale;
}

parse_result parse_general_decimal(const char* first, const char* last, float* value) {
  const char* p = first;
  if (p < last && *p == '+') {
    ++p;
    if (p < last && (*p == '-' || *p == '+')) return {line_kind::bad_value, first};
  }
  const auto [end, error] = std::from_chars(p, last, *value);
  if (error == std::errc::invalid_argument) return {line_kind::bad_value, first};
  if (error == std::errc::result_out_of_range) {
    // from_chars does not say which end of the range was left: too small rounds to 0, too large
    // has no float.
    if (std::fabs(strtod_l(std::string(p, end).c_str(), nullptr, c_locale())) > 1) {
      return {line_kind::nonfinite_value, first};
    }
    *value = 0;
  }
  if (!std::isfinite(*value)) return {line_kind::nonfinite_value, first};
  return {line_kind::sample, end};
}

struct label_and_weight {
  float label = 0;
  float weight = 1;
};

bool accept_label(float value, float* label) {
  if (value == -1 || value == 0) value = 0;  // -0 too
  *label = value;
  return value >= 0 && value <= 1;
}

parse_result parse_label(const char* p, const char* last, label_and_weight* out) {
  if (is_blank(*p) || *p == ':') return {line_kind::missing_label, p};
  float value = 0;
  parse_result got = parse_value(p, last, &value);
  if (is_bad(got.kind) || !accept_label(value, &out->label)) return {line_kind::bad_label, p};
  if (got.where == last || is_blank(*got.where)) return got;
  if (*got.where != ':') return {line_kind::bad_label, p};
  const char* const weight_at = got.where + 1;
  got = parse_value(weight_at, last, &out->weight);
  const bool ended = !is_bad(got.kind) && (got.where == last || is_blank(*got.where));
  if (!ended || out->weight < 0) return {line_kind::bad_weight, weight_at};
  return got;
}

// A lone #: what follows is the key, without the blanks around it.
std::string_view trimmed(const char* p, const char* last) {
  p = skip_blanks(p, last);
  while (last > p && is_blank(last[-1])) --last;
  return {p, static_cast<size_t>(last - p)};
}

bool is_lone_hash(const char* p, const char* last) {
  return *p == '#' && (p + 1 == last || is_blank(p[1]));
}

// The value between a colon and the separator that ends it.
parse_result parse_feature_value(const char* first, const char* end, float* value) {
  if (first == end && *end != ':') return {line_kind::missing_value, first - 1};
  if (end == first + 1 && is_digit(*first)) {
    *value = static_cast<float>(*first - '0');
    return {line_kind::sample, end};
  }
  const parse_result got = parse_value(first, end, value);
  if (is_bad(got.kind)) return got;
  return got.where == end ? got : parse_result{line_kind::bad_value, first};
}

// The feature at p, whose name ends at `name_end`; the rest of its separators come from `ends`.
parse_result parse_feature(const char* p, const char* name_end, const char* last, separators& ends,
                           const parse_options& options, batch& out) {
  const char* name_at = p;
  if (options.format == text_format::libffm) {
    if (name_end == name_at) return {line_kind::missing_name, p};
    if (name_end == last || *name_end != ':') return {line_kind::missing_name, name_end};
    name_at = name_end + 1;
    name_end = std::min(ends.next(), last);
  }
  if (name_end == name_at) return {line_kind::missing_name, p};
  float value = 1;
  const char* end = name_end;
  if (name_end < last && *name_end == ':') {
    end = std::min(ends.next(), last);
    const parse_result got = parse_feature_value(name_end + 1, end, &value);
    if (is_bad(got.kind)) return got;
    if (end < last && *end == ':') return {line_kind::bad_value, name_end + 1};
  }
  if (value != 0) {
    const auto size = static_cast<size_t>(name_end - name_at);
    out.add_feature(hash_padded(name_at, size, options.hash_seed), value,
                    {static_cast<uint32_t>(name_at - out.text), static_cast<uint32_t>(size)});
  }
  return {line_kind::sample, end};
}

}  // namespace

const char* reason_name(line_kind kind) {
  constexpr const char* names[line_kinds] = {
      "sample",     "blank",          "comment",       "missing_label", "bad_label",
      "bad_weight", "missing_name",   "missing_value", "bad_value",     "nonfinite_value",
      "too_long",   "ragged",         "open_quote",    "bad_json",      "rejected_cell",
      "too_wide",   "nonfinite_score"};
  return names[static_cast<int>(kind)];
}

const char* reason_text(line_kind kind) {
  constexpr const char* texts[line_kinds] = {"a sample",
                                             "an empty line",
                                             "a comment",
                                             "the line has no label",
                                             "the label is not 1, 0, -1 or a probability",
                                             "the weight is not a number >= 0",
                                             "a feature has no name",
                                             "a colon without a value behind it",
                                             "the value is not a decimal number",
                                             "the value is not finite",
                                             "the line is longer than 16 MiB",
                                             "the row has another number of cells",
                                             "a quote is not closed within the row",
                                             "the row is not a JSON object",
                                             "the column's rule rejects the cell",
                                             "the row gives more than 1,048,576 features",
                                             "the score or gradient is not finite"};
  return texts[static_cast<int>(kind)];
}

parse_result parse_value(const char* first, const char* last, float* value) {
  if (first >= last) return {line_kind::bad_value, first};
  const char* const end = parse_short_decimal(first, last, value);
  if (end != nullptr) return {line_kind::sample, end};
  return parse_general_decimal(first, last, value);
}

parse_result parse_line(const char* first, const char* last, const parse_options& options,
                        uint64_t line_number, batch& out) {
  const char* p = skip_blanks(first, last);
  if (p == last) return {line_kind::blank, p};
  if (is_lone_hash(p, last)) return {line_kind::comment, p};

  label_and_weight sample;
  const parse_result label = parse_label(p, last, &sample);
  if (is_bad(label.kind)) return label;
  p = label.where;
  out.reserve_features(static_cast<size_t>(last - p) / 2 + 1);
  std::string_view key;
  // Up to the newline, which ends the last token.
  const size_t bytes = static_cast<size_t>(last - p) + 2;
  if (out.separators.size() * 64 < bytes) out.separators.resize(bytes / 64 + 1);
  mark_separators(p, bytes, out.separators.data());
  separators ends(p, out.separators.data());
  while (p < last) {
    const char* const end = std::min(ends.next(), last);
    // A blank that follows a blank, or the label.
    if (end == p && is_blank(*p)) {
      ++p;
      continue;
    }
    if (is_lone_hash(p, last)) {
      key = trimmed(p + 1, last);
      break;
    }
    const parse_result got = parse_feature(p, end, last, ends, options, out);
    if (is_bad(got.kind)) {
      out.drop_open_sample();
      return got;
    }
    p = got.where + 1;
    // Not in a chunk, whose lines were cut at newlines; in a line that a caller hands over.
    if (p <= last && p[-1] == '\n' && got.where != last) {
      out.drop_open_sample();
      return {line_kind::missing_name, got.where};
    }
  }
  out.add_sample(sample.label, sample.weight, key, line_number);
  return {line_kind::sample, p};
}

}  // namespace fmtrain
