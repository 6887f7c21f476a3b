#include "model/hyper.h"

#include <charconv>
#include <cmath>
#include <type_traits>

namespace fmtrain {
namespace {

constexpr double absent = hyper_kind::absent;

std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(int64_t value) { return std::to_string(value); }
std::string to_text(v_start value) { return value == v_start::lazy ? "lazy" : "kept"; }
std::string to_text(double value) {
  if (std::isnan(value)) return "";
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return {digits, end};
}

bool from_text(const std::string& text, bool* value) {
  *value = text == "true" || text == "1";
  return *value || text == "false" || text == "0";
}

bool from_text(const std::string& text, v_start* value) {
  *value = text == "kept" ? v_start::kept : v_start::lazy;
  return text == "kept" || text == "lazy";
}

template <class Number>
bool from_text(const std::string& text, Number* value) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *value);
  return error == std::errc() && end == last;
}

bool in_range(bool, double, double) { return true; }
bool in_range(v_start, double, double) { return true; }
template <class Number>
bool in_range(Number value, double low, double high) {
  const auto wide = static_cast<double>(value);
  return wide >= low && wide <= high;  // false for NaN
}

std::string range_text(const std::string& kind, double low, double high) {
  if (kind == "flag") return "true or false";
  if (kind == "start") return "lazy or kept";
  const std::string range = "from " + to_text(low) + " to " + to_text(high);
  return (kind == "integer" ? "a whole number " : "a number ") + range;
}

template <class Value>
status set_field(Value& field, const char* kind, const char* name, const std::string& text,
                 double low, double high) {
  if constexpr (std::is_same_v<Value, double>) {
    if (text.empty() && std::string(kind) == "optional_real") {
      field = absent;
      return {};
    }
  }
  Value value{};
  if (from_text(text, &value) && in_range(value, low, high)) {
    field = value;
    return {};
  }
  return {errc::invalid, std::string(name) + " = " + (text.empty() ? "''" : text) +
                             " is not allowed: give " + range_text(kind, low, high)};
}

}  // namespace

const std::vector<hyper_line>& hyper_list() {
  static const hyper defaults;
  static const std::vector<hyper_line> list = {
#define FMTRAIN_LINE(kind, name, value, low, high, help) \
  {#kind, #name, to_text(defaults.name), static_cast<double>(low), static_cast<double>(high), help},
      FMTRAIN_HYPER(FMTRAIN_LINE)
#undef FMTRAIN_LINE
  };
  return list;
}

status set_hyper(hyper& h, const std::string& name, const std::string& value) {
#define FMTRAIN_SET(kind, field, initial, low, high, help)                    \
  if (name == #field) {                                                       \
    return set_field(h.field, #kind, #field, value, static_cast<double>(low), \
                     static_cast<double>(high));                              \
  }
  FMTRAIN_HYPER(FMTRAIN_SET)
#undef FMTRAIN_SET
  return {errc::invalid, "no hyper-parameter is called '" + name + "'"};
}

std::string get_hyper(const hyper& h, const std::string& name) {
#define FMTRAIN_GET(kind, field, initial, low, high, help) \
  if (name == #field) return to_text(h.field);
  FMTRAIN_HYPER(FMTRAIN_GET)
#undef FMTRAIN_GET
  return {};
}

status check_hyper(const hyper& h) {
  if (!h.bias && !h.linear && h.factors == 0) {
    return {errc::invalid, "bias, linear and factors are all off: there is nothing to learn"};
  }
  return {};
}

}  // namespace fmtrain
