// Numbers and times of cells, held to strtod and to timegm.
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "encode/transform.h"
#include "support.h"

namespace fmtrain {
namespace {

bool read(std::string_view text, double* value) {
  // In a block of its own: a byte beyond it is an error of the sanitizer.
  const std::vector<char> own(text.begin(), text.end());
  return parse_number(own.data(), own.size(), value);
}

bool same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// The grammar, a second time.
bool is_number(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (lower == "inf" || lower == "infinity" || lower == "nan") return true;
  size_t at = 0, digits = 0;
  const auto run = [&] {
    const size_t from = at;
    while (at < lower.size() && lower[at] >= '0' && lower[at] <= '9') ++at;
    return at - from;
  };
  digits += run();
  if (at < lower.size() && lower[at] == '.') {
    ++at;
    digits += run();
  }
  if (digits == 0) return false;
  if (at < lower.size() && lower[at] == 'e') {
    ++at;
    if (at < lower.size() && (lower[at] == '+' || lower[at] == '-')) ++at;
    if (run() == 0) return false;
  }
  return at == lower.size();
}

void check_as_strtod(const std::string& text) {
  double value = 0;
  const bool got = read(text, &value);
  CHECK_EQ(got ? text : "none", is_number(text) ? text : "none");
  if (!got) return;
  const double want = std::strtod(text.c_str(), nullptr);
  if (std::isnan(want)) {
    CHECK(std::isnan(value));
  } else if (!same(value, want)) {
    check::fail(__FILE__, __LINE__, text + ": " + check::show(value));
  }
}

TEST(numbers_are_read_as_strtod_does) {
  test_random random(1);
  for (int i = 0; i < 300000; ++i) {
    std::string text;
    for (uint64_t size = random.below(12); size > 0; --size) text += random.pick("0123459.eE+- \t");
    check_as_strtod(text);
  }
  for (int i = 0; i < 100000; ++i) {
    const uint64_t bits = random.next();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    char text[64];
    const char* const formats[] = {"%.17g", "%.15g", "%.6g", "%.3f"};
    if (std::fabs(value) > 1e15 || !std::isfinite(value)) value = std::ldexp(value, -900);
    std::snprintf(text, sizeof text, formats[random.below(4)], value);
    check_as_strtod(text);
  }
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t size = 14 + random.below(8); size > 0; --size) text += random.pick("0123456789");
    check_as_strtod(text);
    check_as_strtod(text + "." + text + "e-" + std::to_string(random.below(400)));
  }
}

TEST(numbers_that_are_hard) {
  for (const char* const text : {"1.7976931348623157e308",
                                 "1.7976931348623159e308",
                                 "-1e400",
                                 "1e309",
                                 "4.9e-324",
                                 "2.4703282292062327e-324",
                                 "2.4703282292062328e-324",
                                 "1e-400",
                                 "-1e-99999999999999999999",
                                 "1e99999999999999999999",
                                 "0e99999999999999999999",
                                 "0.000e400",
                                 "9007199254740993",
                                 "9007199254740992.5",
                                 "999999999999999",
                                 "1000000000000000",
                                 "123456789012345678901234567890",
                                 "1.00000000000000011102230246251565404236316680908203125",
                                 "1.00000000000000011102230246251565404236316680908203124",
                                 "-0",
                                 "+0.0",
                                 "00012",
                                 "1.",
                                 ".5",
                                 "-.5e1",
                                 "inf",
                                 "-INF",
                                 "+Infinity",
                                 "iNfInItY",
                                 "nan",
                                 "-NaN",
                                 "  12\t",
                                 "12e3"}) {
    CHECK(is_number(text));
    check_as_strtod(text);
  }
  // Digits without end: many more than a double has.
  check_as_strtod(std::string(400, '9'));
  check_as_strtod("0." + std::string(400, '0') + "1");
  check_as_strtod("0." + std::string(5000, '0') + "1e5001");
  check_as_strtod(std::string(100000, '1') + "e-99999");
  for (const char* const text :
       {"",      " ",   "+",     "-",         ".",       "e",    "e5",     ".e5",
        "1e",    "1e+", "1e5.0", "1 2",       "+-1",     "--1",  "- 1",    "0x10",
        "1_000", "1,5", "1f",    "infi",      "in",      "nanx", "nan(1)", "infinity1",
        "\n1",   "1\r", "1\v",   "i\x0e\x46", "\xd9\xa1"}) {
    double value = 0;
    CHECK(!read(text, &value));
    CHECK(!is_number(text));
  }
  double value = 1;
  CHECK(!read(std::string_view("1\0", 2), &value));
}

// What lies behind a cell is not part of it.
TEST(a_number_ends_with_its_cell) {
  double value = 0;
  CHECK(parse_number("12345", 2, &value));
  CHECK_EQ(value, 12.0);
  CHECK(parse_number("1e308999", 5, &value));
  CHECK_EQ(value, 1e308);
  CHECK(parse_number("123456789012345678", 16, &value));
  CHECK_EQ(value, 1234567890123456.0);
  // A locale of a comma changes nothing: it is not asked.
  CHECK(parse_number("1.5e-400 ", 9, &value));
  CHECK_EQ(value, 0.0);
}

bool time_of(std::string_view text, double* value, int zone = 0) {
  const std::vector<char> own(text.begin(), text.end());
  return parse_timestamp(own.data(), own.size(), zone, value);
}

std::string shown(const char* format, const std::tm& t) {
  char text[64];
  std::snprintf(text, sizeof text, format, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                t.tm_min, t.tm_sec);
  return text;
}

TEST(times_are_those_of_timegm) {
  test_random random(2);
  const double first = -62135596800.0, last = 253402300799.0;  // years 1 to 9999
  for (int i = 0; i < 200000; ++i) {
    const auto seconds = static_cast<time_t>(i == 0   ? first
                                             : i == 1 ? last
                                                      : random.between(first, last));
    std::tm t{};
    ::gmtime_r(&seconds, &t);
    const char* const formats[] = {"%04d-%02d-%02dT%02d:%02d:%02d", "%04d-%02d-%02d %02d:%02d:%02d",
                                   " %04d-%02d-%02dT%02d:%02d:%02dZ\t"};
    double value = 0;
    CHECK(time_of(shown(formats[random.below(3)], t), &value));
    CHECK_EQ(value, static_cast<double>(seconds));
    CHECK_EQ(hour_of(value, 0), static_cast<uint32_t>(t.tm_hour));
    CHECK_EQ(weekday_of(value, 0), static_cast<uint32_t>((t.tm_wday + 6) % 7));
    CHECK_EQ(hour_of(value + 0.75, 0), static_cast<uint32_t>(t.tm_hour));
    // Minutes east of UTC, in the text or of the column.
    const int zone = static_cast<int>(random.below(2 * 1439 + 1)) - 1439;
    char tail[16];
    std::snprintf(tail, sizeof tail, "%c%02d:%02d", zone < 0 ? '-' : '+', std::abs(zone) / 60,
                  std::abs(zone) % 60);
    CHECK(time_of(shown(formats[0], t) + tail, &value, 12345));
    CHECK_EQ(value, static_cast<double>(seconds - zone * 60));
    CHECK(time_of(shown(formats[1], t), &value, zone * 60));
    CHECK_EQ(value, static_cast<double>(seconds - zone * 60));
    const time_t local = seconds + zone * 60;
    ::gmtime_r(&local, &t);
    CHECK_EQ(hour_of(static_cast<double>(seconds), zone * 60), static_cast<uint32_t>(t.tm_hour));
    CHECK_EQ(weekday_of(static_cast<double>(seconds), zone * 60),
             static_cast<uint32_t>((t.tm_wday + 6) % 7));
  }
}

TEST(every_day_of_some_years) {
  for (const int year : {1, 4, 100, 400, 1600, 1700, 1899, 1900, 1970, 2000, 2023, 2024, 9999}) {
    for (int month = 0; month <= 13; ++month) {
      for (int day = 0; day <= 32; ++day) {
        std::tm t{};
        t.tm_year = year - 1900;
        t.tm_mon = month - 1;
        t.tm_mday = day;
        const std::string text = shown("%04d-%02d-%02d", t);
        const time_t want = ::timegm(&t);
        const bool exists = t.tm_mon == month - 1 && t.tm_mday == day && month >= 1 && month <= 12;
        double value = 0;
        CHECK_EQ(time_of(text, &value) ? text : "none", exists ? text : "none");
        if (exists) CHECK_EQ(value, static_cast<double>(want));
      }
    }
  }
}

TEST(times_that_are_none) {
  double value = 0;
  CHECK(time_of("2024-05-01T12:34:56.789Z", &value));
  CHECK_EQ(value, 1714566896.789);
  CHECK(time_of("2024-05-01T00:00:00.5+08:00", &value));
  CHECK_EQ(value, 1714492800.5);
  CHECK(time_of("1714566896.25", &value));
  CHECK_EQ(value, 1714566896.25);
  CHECK(time_of("-1", &value, 3600));  // seconds have no zone
  CHECK_EQ(value, -1.0);
  CHECK(time_of("2024", &value));
  CHECK_EQ(value, 2024.0);
  for (const char* const text : {"",
                                 "2024-05",
                                 "2024-5-1",
                                 "24-05-01",
                                 "2024/05/01",
                                 "2024-05-01T",
                                 "2024-05-01 ",
                                 "2024-05-01T12",
                                 "2024-05-01T12:34",
                                 "2024-05-01T24:00:00",
                                 "2024-05-01T12:60:00",
                                 "2024-05-01T12:34:60",
                                 "2024-05-01T12:34:56.",
                                 "2024-05-01T12:34:56.Z",
                                 "2024-05-01T12:34:56.e1",
                                 "2024-05-01T12:34:56+",
                                 "2024-05-01T12:34:56+08",
                                 "2024-05-01T12:34:56+0800",
                                 "2024-05-01T12:34:56+24:00",
                                 "2024-05-01T12:34:56+08:60",
                                 "2024-05-01T12:34:56Z+08:00",
                                 "2024-05-01T12:34:56z",
                                 "2024-05-01Z",
                                 "2024-05-01x",
                                 "2024-02-30",
                                 "2023-02-29",
                                 "1900-02-29",
                                 "2024-05-01T12:34:56 Z",
                                 "2024-05-01  12:34:56",
                                 "+2024-05-01",
                                 "2024-05-01T-1:00:00"}) {
    const bool blank_behind = std::strcmp(text, "2024-05-01 ") == 0;
    CHECK_EQ(time_of(text, &value) ? text : "none", std::string(blank_behind ? text : "none"));
  }
  test_random random(3);
  for (int i = 0; i < 100000; ++i) {
    std::string text = "2024-05-01T12:34:56.5+01:00";
    text[random.below(text.size())] = static_cast<char>(random.below(256));
    text.resize(random.below(text.size() + 1));
    time_of(text, &value);
  }
}

}  // namespace
}  // namespace fmtrain
