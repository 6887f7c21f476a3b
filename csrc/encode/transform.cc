#include "encode/transform.h"

#include <locale.h>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <map>

namespace fmtrain {
namespace {

constexpr uint32_t bins_max = 65536;
constexpr uint32_t buckets_max = 1u << 31;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !is_blank(text[end])) ++end;
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

bool finite_number(std::string_view text, double* value) {
  return parse_number(text.data(), text.size(), value) && std::isfinite(*value);
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

struct transform_parser {
  column_type type;
  feature_plan* out;
  bool ended = false;  // a last step was there

  bool is_number() const { return type == column_type::number || type == column_type::timestamp; }
  bool has_number() const { return is_number() || type == column_type::weighted_list; }

  std::string parse(std::string_view text) {
    const std::vector<std::string_view> words = split_words(text);
    if (words.empty()) return "a transform without a name";
    const std::string_view name = words[0];
    const std::vector<std::string_view> arguments(words.begin() + 1, words.end());
    if (name == "hash") return hash(arguments);
    const bool known = last_steps().count(name) > 0 || name == "log" || name == "clip";
    if (!known) return "unknown transform " + quoted(name) + "; there are: " + all_names();
    if (ended) return quoted(name) + " stands behind a step that ends the chain";
    if (!has_number()) {
      return quoted(name) + " works on numbers, and the column is none: its type allows hash";
    }
    if (name == "log") return log(arguments);
    if (name == "clip") return clip(arguments);
    return last(name, arguments);
  }

  static const std::map<std::string_view, last_step>& last_steps() {
    static const std::map<std::string_view, last_step> steps = {
        {"equal-width", last_step::bins}, {"equal-frequency", last_step::bins},
        {"boundaries", last_step::bins},  {"log-square", last_step::log_square},
        {"round", last_step::round},      {"value", last_step::value},
        {"z-score", last_step::z_score},  {"min-max", last_step::min_max},
        {"hour", last_step::hour},        {"weekday", last_step::weekday}};
    return steps;
  }

  static std::string all_names() {
    std::string names = "log, clip, hash";
    for (const auto& [name, step] : last_steps()) names.append(", ").append(name);
    return names;
  }

  std::string hash(const std::vector<std::string_view>& arguments) {
    if (is_number()) return "'hash' works on names, and the column is a number";
    if (ended || !out->steps.empty() || out->buckets > 0) return "'hash' comes first, and once";
    const bool fine = arguments.size() == 1 && whole_number(arguments[0], 1, buckets_max);
    if (!fine) return "give the number of buckets, 1 to 2147483648: hash 1000";
    out->buckets = static_cast<uint32_t>(number);
    return "";
  }

  std::string log(const std::vector<std::string_view>& arguments) {
    if (!arguments.empty()) return "'log' takes no numbers";
    out->steps.push_back({step_kind::log, 0, 0});
    return "";
  }

  std::string clip(const std::vector<std::string_view>& arguments) {
    numeric_step step{step_kind::clip, 0, 0};
    const bool fine = arguments.size() == 2 && finite_number(arguments[0], &step.low) &&
                      finite_number(arguments[1], &step.high) && step.low <= step.high;
    if (!fine) return "give the lowest and the highest value: clip 0 100";
    out->steps.push_back(step);
    return "";
  }

  std::string last(std::string_view name, const std::vector<std::string_view>& arguments) {
    ended = true;
    out->last = last_steps().at(name);
    if (name == "boundaries") return boundaries(arguments);
    if (out->last == last_step::bins) {
      const bool fine = arguments.size() == 1 && whole_number(arguments[0], 2, bins_max);
      if (!fine) return "give the number of bins, 2 to 65536: " + std::string(name) + " 20";
      out->bins = static_cast<uint32_t>(number);
      out->learned = name == "equal-width" ? learns::equal_width : learns::equal_frequency;
      return "";
    }
    if (!arguments.empty()) return quoted(name) + " takes no numbers";
    if (out->last == last_step::z_score) out->learned = learns::z_score;
    if (out->last == last_step::min_max) out->learned = learns::min_max;
    const bool of_time = out->last == last_step::hour || out->last == last_step::weekday;
    if (of_time && (type != column_type::timestamp || !out->steps.empty())) {
      return quoted(name) + " comes first, and the column's type must be timestamp";
    }
    return "";
  }

  std::string boundaries(const std::vector<std::string_view>& arguments) {
    if (arguments.empty() || arguments.size() >= bins_max) {
      return "give the edges between the bins, 1 to 65535 of them: boundaries 1 10 100";
    }
    for (const std::string_view word : arguments) {
      double edge = 0;
      if (!finite_number(word, &edge)) return "the edge " + quoted(word) + " is no finite number";
      if (!out->cuts.empty() && !(edge > out->cuts.back())) {
        return "the edge " + quoted(word) + " does not lie above the one before it";
      }
      out->cuts.push_back(edge);
    }
    out->bins = static_cast<uint32_t>(out->cuts.size() + 1);
    return "";
  }

  bool whole_number(std::string_view text, uint64_t low, uint64_t high) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= low &&
           number <= high;
  }
  uint64_t number = 0;
};

// strtod of the process's own locale may want a comma for the point.
locale_t c_locale() {
  static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
  return locale;
}

bool same_letters(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

// DIGITS[.DIGITS] of at most 15 digits, the usual case: both they and the power of ten are exact
// doubles, so that one division rounds correctly (Clinger 1990). False: it is something else.
bool parse_short(std::string_view text, double* value) {
  constexpr size_t size_max = 16;
  static constexpr double powers[size_max] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (text.size() > size_max) return false;
  uint64_t digits = 0;
  size_t at = 0;
  const auto take_all = [&] {
    for (; at < text.size() && is_digit(text[at]); ++at) {
      digits = digits * 10 + static_cast<uint64_t>(text[at] - '0');
    }
    return at == text.size();
  };
  if (take_all()) {
    *value = static_cast<double>(digits);
    return true;
  }
  const size_t behind = text.size() - at - 1;
  if (text[at++] != '.' || behind == 0 || !take_all()) return false;
  *value = static_cast<double>(digits) / powers[behind];
  return true;
}

// What stands behind the sign.
bool parse_magnitude(std::string_view text, double* value) {
  if (text.empty()) return false;
  if (!is_digit(text[0]) && text[0] != '.') {
    const bool infinite = same_letters(text, "inf") || same_letters(text, "infinity");
    *value = infinite ? INFINITY : NAN;
    return infinite || same_letters(text, "nan");
  }
  if (parse_short(text, value)) return true;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *value);
  // Too large or too small: from_chars leaves open which.
  if (error == std::errc::result_out_of_range) {
    *value = strtod_l(std::string(text.data(), end).c_str(), nullptr, c_locale());
  }
  return error != std::errc::invalid_argument && end == last;
}

// Reads `digits` digits at *at.
bool take_digits(std::string_view text, size_t* at, size_t digits, int* value) {
  *value = 0;
  for (size_t i = 0; i < digits; ++i, ++*at) {
    if (*at >= text.size() || !is_digit(text[*at])) return false;
    *value = *value * 10 + (text[*at] - '0');
  }
  return true;
}

bool take(std::string_view text, size_t* at, char c) {
  if (*at >= text.size() || text[*at] != c) return false;
  ++*at;
  return true;
}

// Days from 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date
// Algorithms", days_from_civil).
int64_t days_from_civil(int year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t of_era = y - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool is_date(int year, int month, int day) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

// Z, +hh:mm or nothing; *seconds is left as it was where there is nothing.
bool take_zone(std::string_view text, size_t* at, int* seconds) {
  if (*at == text.size()) return true;
  int hours = 0, minutes = 0;
  const bool west = text[*at] == '-';
  if (!take(text, at, 'Z')) {
    if (!west && text[*at] != '+') return false;
    ++*at;
    const bool fine = take_digits(text, at, 2, &hours) && take(text, at, ':') &&
                      take_digits(text, at, 2, &minutes) && hours < 24 && minutes < 60;
    if (!fine) return false;
  }
  *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
  return *at == text.size();
}

// .fff, or nothing.
bool take_fraction(std::string_view text, size_t* at, double* fraction) {
  *fraction = 0;
  const size_t point = *at;
  if (!take(text, at, '.')) return true;
  while (*at < text.size() && is_digit(text[*at])) ++*at;
  return *at > point + 1 && parse_number(text.data() + point, *at - point, fraction);
}

bool parse_iso_time(std::string_view text, int zone, double* value) {
  size_t at = 0;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool date = take_digits(text, &at, 4, &year) && take(text, &at, '-') &&
                    take_digits(text, &at, 2, &month) && take(text, &at, '-') &&
                    take_digits(text, &at, 2, &day) && is_date(year, month, day);
  if (!date) return false;
  double fraction = 0;
  if (at < text.size()) {
    if (!take(text, &at, 'T') && !take(text, &at, ' ')) return false;
    const bool time = take_digits(text, &at, 2, &hour) && take(text, &at, ':') &&
                      take_digits(text, &at, 2, &minute) && take(text, &at, ':') &&
                      take_digits(text, &at, 2, &second) && take_fraction(text, &at, &fraction) &&
                      take_zone(text, &at, &zone);
    if (!time || hour > 23 || minute > 59 || second > 59) return false;
  }
  const int64_t seconds =
      days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
  *value = static_cast<double>(seconds) + fraction;
  return true;
}

std::string_view without_blanks(const char* text, size_t size) {
  while (size > 0 && is_blank(text[size - 1])) --size;
  while (size > 0 && is_blank(*text)) {
    ++text;
    --size;
  }
  return {text, size};
}

}  // namespace

const small_logs logs_of_counts;

std::string parse_transforms(const std::vector<std::string_view>& words, column_type type,
                             feature_plan* out, size_t* at) {
  transform_parser parser{type, out};
  out->last = parser.has_number() ? last_step::value : last_step::one_hot;
  for (*at = 0; *at < words.size(); ++*at) {
    std::string wrong = parser.parse(words[*at]);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

bool parse_number(const char* text, size_t size, double* value) {
  std::string_view rest = without_blanks(text, size);
  const bool negative = !rest.empty() && rest[0] == '-';
  if (negative || (!rest.empty() && rest[0] == '+')) rest.remove_prefix(1);
  if (!parse_magnitude(rest, value)) return false;
  if (negative) *value = -*value;
  return true;
}

char* write_number(char* at, double value) {
  if (std::fabs(value) <= whole_max && value == std::floor(value)) {
    return std::to_chars(at, at + 32, static_cast<int64_t>(value)).ptr;
  }
  return std::to_chars(at, at + 32, value).ptr;
}

bool parse_timestamp(const char* text, size_t size, int zone_seconds, double* value) {
  return parse_number(text, size, value) ||
         parse_iso_time(without_blanks(text, size), zone_seconds, value);
}

}  // namespace fmtrain
