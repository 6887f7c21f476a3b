// Numbers of cells, beside the C library's reading of the same text.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "encode/transform.h"
#include "support.h"

using namespace fmtrain;

namespace {

// Reads as strtod does, bit by bit, with either sign.
void check_number(const std::string& text) {
  for (const char* sign : {"", "-", "+"}) {
    const std::string signed_text = sign + text;
    double value = 0;
    CHECK(parse_number(signed_text.data(), signed_text.size(), &value));
    const double expected = std::strtod(signed_text.c_str(), nullptr);
    CHECK_EQ(value, expected);
    CHECK_EQ(std::signbit(value), std::signbit(expected));
  }
}

}  // namespace

TEST(random_decimals_of_any_length_are_rounded_correctly) {
  test_random random(7);
  for (int i = 0; i < 300'000; ++i) {
    const size_t size = 1 + random.below(19);
    const size_t point = random.below(2 * size);
    std::string text;
    for (size_t at = 0; at < size; ++at) {
      if (at == point) text.push_back('.');
      text.push_back(random.pick("0123456789"));
    }
    check_number(text);
  }
}

TEST(edges_of_the_short_way) {
  for (const char* text :
       {"0", "0.0", "000", ".5", "5.", "0.1", "0.3", "9007199254740993", "9999999999999999",
        "999999999999999.", "99999999999999.9", "9.99999999999999", ".999999999999999",
        "0.00000000000001", "99999999999999999", "9.999999999999999", "1e5", "1.5e-3", "1.e2"}) {
    check_number(text);
  }
}

TEST(what_is_no_number) {
  for (const char* text : {"", ".", "-", "+", "-.", "1.2.3", "1,5", "1 2", "0x10", "1.5x", "..5",
                           "1-", "--1", "e5", "1e", "1.5e+"}) {
    double value = 0;
    if (parse_number(text, std::char_traits<char>::length(text), &value)) {
      check::fail(__FILE__, __LINE__, text);
    }
  }
}
