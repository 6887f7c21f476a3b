// The chain of transforms of a feature, from its words to a plan, and the arithmetic of its steps.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encode/schema.h"

namespace fmtrain {

// Parses `words` ("clip 0 10", "equal-frequency 20", ...) for a column of type `type` into the
// steps of *out. Empty on success, else what is wrong with word *at.
std::string parse_transforms(const std::vector<std::string_view>& words, column_type type,
                             feature_plan* out, size_t* at);

// A number of a cell: blanks around, [+-]digits[.digits][e[+-]digits], inf, infinity, nan in any
// case; correctly rounded; too large is inf, too small 0. False when it is none.
bool parse_number(const char* text, size_t size, double* value);

// Seconds since 1970: of a plain number, or of an ISO 8601 date or time (2024-05-01,
// 2024-05-01T12:34:56.789+02:00, a blank for the T), which without a zone of its own is in that of
// `zone_seconds` east of UTC. False when it is neither.
bool parse_timestamp(const char* text, size_t size, int zone_seconds, double* value);

// A number as a category, a label's token, JSON: whole numbers up to 2^53 in digits, others in the
// shortest text that reads back the same. Returns its end; 32 bytes are enough.
char* write_number(char* at, double value);

// sign(v) log1p |v|: values in the millions, of both signs, become comparable.
// Counts are mostly small: theirs is looked up, the number that log1p gives.
struct small_logs {
  static constexpr uint32_t count = 2048;
  double of[count];
  small_logs() {
    for (uint32_t i = 0; i < count; ++i) of[i] = std::log1p(static_cast<double>(i));
  }
};
extern const small_logs logs_of_counts;

inline double symmetric_log(double v) {
  if (v >= 0 && v < small_logs::count) {
    const auto count = static_cast<uint32_t>(v);
    if (static_cast<double>(count) == v) return logs_of_counts.of[count];
  }
  return std::copysign(std::log1p(std::fabs(v)), v);
}

inline double apply_step(const numeric_step& step, double v) {
  if (step.kind == step_kind::log) return symmetric_log(v);
  return v < step.low ? step.low : v > step.high ? step.high : v;
}

inline double apply_steps(const std::vector<numeric_step>& steps, double v) {
  for (const numeric_step& step : steps) v = apply_step(step, v);
  return v;
}

// How many of `cuts` (count), rising, are <= v: bins are half-open [a, b).
inline uint32_t bin_of(const double* cuts, size_t count, double v) {
  const double* at = cuts;
  // No branch: which way it goes is as good as random.
  while (count > 1) {
    const size_t half = count / 2;
    at += half * static_cast<size_t>(at[half - 1] <= v);
    count -= half;
  }
  return static_cast<uint32_t>(at - cuts) + static_cast<uint32_t>(count == 1 && *at <= v);
}

// A sample holds finite floats.
inline float float_of(double x) {
  constexpr double most = FLT_MAX;
  return static_cast<float>(x < -most ? -most : x > most ? most : x);
}

// Doubles are whole numbers up to here.
constexpr double whole_max = 0x1p53;
inline int64_t whole(double v) {
  return static_cast<int64_t>(v < -whole_max ? -whole_max : v > whole_max ? whole_max : v);
}

// Of seconds since 1970, `zone_seconds` east of UTC: 0 to 23; 0 (Monday) to 6.
inline uint32_t hour_of(double seconds, int zone_seconds) {
  const int64_t day = (whole(std::floor(seconds)) + zone_seconds) % 86400;
  return static_cast<uint32_t>((day + 86400) % 86400 / 3600);
}
inline uint32_t weekday_of(double seconds, int zone_seconds) {
  // 1970 began on a Thursday.
  const int64_t week = (whole(std::floor(seconds)) + zone_seconds + 3 * 86400) % (7 * 86400);
  return static_cast<uint32_t>((week + 7 * 86400) % (7 * 86400) / 86400);
}

}  // namespace fmtrain
