// Decimal numbers: the short path and the general one against the C library's correctly rounded
// strtof, to the last bit (the sign of a zero aside: zeros are dropped).
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "feature/parser.h"
#include "support.h"

namespace fmtrain {
namespace {

// Parses the whole of `digits`, once before a newline and once before a blank, and compares.
void check_as_strtof(const std::string& digits) {
  char* strtof_end = nullptr;
  const float expected = std::strtof(digits.c_str(), &strtof_end);
  CHECK_EQ(*strtof_end, '\0');
  for (const char* const behind : {"\n", " 9", "\t.", ":1"}) {
    const std::string text = digits + behind + std::string(64, '0');
    const char* const last = text.data() + digits.size() + (*behind == '\n' ? 0 : 2);
    float value = -77;
    const parse_result got = parse_value(text.data(), last, &value);
    if (!std::isfinite(expected)) {
      CHECK_EQ(digits + reason_name(got.kind), digits + "nonfinite_value");
      continue;
    }
    CHECK_EQ(digits + reason_name(got.kind), digits + "sample");
    CHECK_EQ(got.where - text.data(), static_cast<ptrdiff_t>(digits.size()));
    if (value != expected) {
      CHECK_EQ(digits + " = " + check::show(value), digits + " = " + check::show(expected));
    }
  }
}

TEST(forms_of_a_number) {
  for (const char* digits : {"0",    "-0",   "1",    "+1",     "-1",  ".5",          "5.",  "-.5",
                             "-5.",  "+.5",  "+5.",  "00012",  "0.1", "1e5",         "1E5", "1e+5",
                             "1e-5", "1.e3", ".1e3", "1e0005", "0e0", "0e999999999", "-0e5"}) {
    check_as_strtof(digits);
  }
}

TEST(ends_of_the_range) {
  for (const char* digits : {"1e400",
                             "-1e400",
                             "1e-400",
                             "-1e-400",
                             "1e99999999999999999999",
                             "1e-99999999999999999999",
                             "3.4028235e38",
                             "3.4028236e38",
                             "3.40282356e38",
                             "3.402823567e38",
                             "340282346638528859811704",
                             "1.17549435e-38",
                             "1.1754942e-38",
                             "1.401298464324817e-45",
                             "7.006e-46",
                             "7.0064923e-46",
                             "7.1e-46",
                             "1e-46",
                             "1e-45",
                             "0.00000000000000000000000000000000000000000000001"}) {
    check_as_strtof(digits);
  }
}

// The bounds of the short path: 24 bits of mantissa, ten digits behind the point.
TEST(ends_of_the_short_path) {
  for (const uint64_t around : {1677720u, 1677721u, 16777190u, 16777216u, 33554432u, 99999999u}) {
    for (uint64_t mantissa = around - 30; mantissa < around + 30; ++mantissa) {
      const std::string digits = std::to_string(mantissa);
      check_as_strtof(digits);
      for (size_t dot = 0; dot <= digits.size(); ++dot) {
        std::string with_dot = digits;
        check_as_strtof(with_dot.insert(dot, "."));
      }
      for (size_t zeros = 1; zeros < 14; ++zeros) {
        check_as_strtof("0." + std::string(zeros, '0') + digits);
        check_as_strtof("-" + std::string(zeros, '0') + digits);
        check_as_strtof(digits + "." + std::string(zeros, '0'));
      }
    }
  }
}

TEST(exactly_between_two_floats) {
  for (const char* digits :
       {"16777217", "16777219", "8388608.5", "8388609.5", "0.50000002980232239",
        "1.00000005960464477539062500000000000000000000000000000000000001",
        "1.000000059604644775390625", "9007199254740993"}) {
    check_as_strtof(digits);
  }
}

TEST(random_decimals) {
  test_random random(11);
  for (int round = 0; round < 60000; ++round) {
    std::string digits = random.below(4) == 0 ? "-" : random.below(8) == 0 ? "+" : "";
    const size_t whole = random.below(10), fraction = random.below(13);
    for (size_t i = 0; i < whole; ++i) digits.push_back(static_cast<char>('0' + random.below(10)));
    if (whole == 0 || random.below(4) != 0) {
      digits.push_back('.');
      for (size_t i = 0; i < fraction; ++i) {
        digits.push_back(static_cast<char>('0' + random.below(10)));
      }
      if (whole + fraction == 0) digits.push_back('0');
    }
    if (random.below(3) == 0) {
      digits += random.below(2) == 0 ? "e" : "E";
      digits += std::to_string(static_cast<int>(random.below(100)) - 50);
    }
    check_as_strtof(digits);
  }
}

// What programs print of a float reads back as that float.
TEST(random_floats) {
  test_random random(12);
  for (int round = 0; round < 60000; ++round) {
    const auto bits = static_cast<uint32_t>(random.next());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    char digits[64];
    std::snprintf(digits, sizeof digits, random.below(2) == 0 ? "%.9g" : "%.17g",
                  static_cast<double>(value));
    check_as_strtof(digits);
  }
}

}  // namespace
}  // namespace fmtrain
