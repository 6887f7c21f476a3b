// JSON documents from text and from UBJSON: what is in them, and what is refused where.
#include "base/json.h"

#include <cmath>
#include <limits>

#include "support.h"

namespace fmtrain {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

static_assert(json::padding >= padding_bytes);

void check_error(const status& got, const std::string& message) {
  CHECK(got.code() == errc::format);
  CHECK_EQ(got.message(), message);
}

void check_bad(std::string_view text, const std::string& message) {
  json document;
  check_error(document.parse(text), message);
  CHECK(document.root().is(json_type::absent));
}

std::string string_in(std::string_view text) {
  json document;
  CHECK_OK(document.parse(text));
  CHECK(document.root().is(json_type::string));
  return std::string(document.root().text());
}

double number_in(std::string_view text) {
  json document;
  CHECK_OK(document.parse(text, true));
  CHECK(document.root().is(json_type::number));
  CHECK_EQ(document.root().text(), text);
  return document.root().number();
}

TEST(the_byte_of_an_error) {
  json document;
  for (const auto& [text, at] : {std::pair<const char*, size_t>{"{\"a\":\n1 2}", 8},
                                 {"[1] x", 4},
                                 {"", 0},
                                 {"[\"a", 3},
                                 {"{\"a\":1,\"a\":2}", 7}}) {
    CHECK(!document.parse(text).ok());
    CHECK_EQ(document.error_at(), at);
  }
}

TEST(values_of_every_type) {
  const std::string text =
      " {\"a\": [1, -2.5e3, \"x\", true, false, null, {}, []],\n\"\":{\"b\":0}} ";
  json document;
  CHECK_OK(document.parse(text));
  const json_value root = document.root();
  CHECK(root.is(json_type::object));
  CHECK_EQ(root.size(), 2u);
  CHECK_EQ(root.key(0), "a");
  CHECK_EQ(root.key(1), "");
  CHECK_EQ(root.offset(), 1u);
  const json_value a = root.find("a");
  CHECK(a.is(json_type::array));
  CHECK_EQ(a.size(), 8u);
  CHECK_EQ(a[0].number(), 1.);
  CHECK_EQ(a[1].number(), -2500.);
  CHECK_EQ(a[1].text(), "-2.5e3");
  CHECK_EQ(text.substr(a[1].offset(), 6), "-2.5e3");
  CHECK_EQ(a[2].text(), "x");
  CHECK_EQ(text[a[2].offset()], '"');
  CHECK(a[3].is(json_type::boolean) && a[3].boolean());
  CHECK(a[4].is(json_type::boolean) && !a[4].boolean());
  CHECK(a[5].is(json_type::null) && !a[5].boolean());
  CHECK(a[6].is(json_type::object) && a[6].size() == 0);
  CHECK(a[7].is(json_type::array) && a[7].size() == 0);
  CHECK_EQ(root[1].find("b").number(), 0.);
}

TEST(what_is_asked_of_the_wrong_type_is_nothing) {
  json document;
  CHECK_OK(document.parse("[{\"a\":1}]"));
  const json_value array = document.root();
  CHECK(array.find("a").is(json_type::absent));
  CHECK(array[0].find("b").is(json_type::absent));
  CHECK(array[0].find("b").find("c").is(json_type::absent));
  CHECK_EQ(array.number(), 0.);
  CHECK_EQ(array.text(), "");
  CHECK_EQ(json_value().size(), 0u);
  CHECK_EQ(json_value().offset(), 0u);
  CHECK(json().root().is(json_type::absent));
}

TEST(escapes) {
  CHECK_EQ(string_in(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  CHECK_EQ(string_in(R"("a\u0041\u00e9\u20ac\ud83d\uDE00z")"), "aA\u00e9\u20ac\U0001F600z");
  CHECK_EQ(string_in(R"("\u0000")"), "\0"s);
  CHECK_EQ(string_in("\"\xff\x80\""), "\xff\x80");
  CHECK_EQ(string_in("\"" + std::string(100, 'a') + "\\n\""), std::string(100, 'a') + "\n");
}

TEST(escaped_strings_have_room_behind_them) {
  json document;
  CHECK_OK(document.parse(R"(["\n","\u0041bc"])"));
  // Under the address sanitizer a byte too far would end the test.
  for (size_t i = 0; i < 2; ++i) {
    const std::string_view s = document.root()[i].text();
    CHECK_EQ(hash_padded(s.data(), s.size(), 0), hash_name(s.data(), s.size(), 0));
    for (size_t at = 0; at < padding_bytes; ++at) CHECK(s.data()[s.size() + at] != 'x');
  }
}

TEST(a_string_of_every_length_ends_where_it_ends) {
  for (size_t size = 0; size < 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string body(size, '\xe0');
      body[at] = '!';
      CHECK_EQ(string_in("\"" + body + "\""), body);
      body[at] = '\x1f';
      check_bad("\"" + body + "\"", "line 1, column " + std::to_string(at + 2) +
                                        ": a control character in a string must be escaped");
      body[at] = '"';
      json document;
      CHECK(!document.parse("\"" + body + "\"").ok());
    }
  }
}

TEST(numbers) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK_EQ(number_in("0"), 0.);
  CHECK(std::signbit(number_in("-0")));
  CHECK_EQ(number_in("1.8517311E-3"), 1.8517311E-3);
  CHECK_EQ(number_in("123456789012345678901234567890"), 123456789012345678901234567890.);
  CHECK_EQ(number_in("5e-324"), 5e-324);
  CHECK_EQ(number_in("1e400"), inf);
  CHECK_EQ(number_in("-1e400"), -inf);
  CHECK_EQ(number_in("1e-400"), 0.);
  CHECK(std::signbit(number_in("-1e-400")));
  CHECK_EQ(number_in("1" + std::string(400, '0') + "e-1"), inf);
  CHECK_EQ(number_in("0." + std::string(400, '0') + "1e+2"), 0.);
  CHECK_EQ(number_in("1" + std::string(400, '0') + "e-400"), 1.);
  CHECK_EQ(number_in("1e99999999999999999999"), inf);
  CHECK_EQ(number_in("1e-99999999999999999999"), 0.);
  CHECK_EQ(number_in("0e99999999999999999999"), 0.);
}

TEST(not_finite_numbers_on_request) {
  CHECK(std::isnan(number_in("NaN")));
  CHECK_EQ(number_in("Infinity"), std::numeric_limits<double>::infinity());
  CHECK_EQ(number_in("-Infinity"), -std::numeric_limits<double>::infinity());
  check_bad("NaN", "line 1, column 1: expected a value, found 'N'");
  check_bad("[-Infinity]", "line 1, column 3: expected a digit, found 'I'");
}

TEST(errors_say_where_and_what) {
  check_bad("", "line 1, column 1: expected a value, found the end");
  check_bad("{\n \"a\": ,}", "line 2, column 7: expected a value, found ','");
  check_bad("[1,]", "line 1, column 4: expected a value, found ']'");
  check_bad("[1 2]", "line 1, column 4: expected ',' or ']', found '2'");
  check_bad("{\"a\":1,}", "line 1, column 8: expected a key in quotes, found '}'");
  check_bad("{\"a\" 1}", "line 1, column 6: expected ':', found '1'");
  check_bad("{\"a\":1", "line 1, column 7: expected ',' or '}', found the end");
  check_bad("01", "line 1, column 2: expected the end of the text, found '1'");
  check_bad("1.", "line 1, column 3: expected a digit, found the end");
  check_bad("+1", "line 1, column 1: expected a value, found '+'");
  check_bad("1e", "line 1, column 3: expected a digit, found the end");
  check_bad("tru", "line 1, column 1: expected a value, found 't'");
  check_bad("nulL", "line 1, column 1: expected a value, found 'n'");
  check_bad("\"a", "line 1, column 3: expected '\"' at the string's end, found the end");
  check_bad("\"\\x\"",
            "line 1, column 3: expected one of \"\\/bfnrtu behind a backslash, found 'x'");
  check_bad("\"\\u12g4\"", "line 1, column 6: expected four hex digits, found 'g'");
  check_bad("\"\\udc00\"", "line 1, column 8: the second half of a surrogate pair is alone");
  check_bad("\"\\ud800a\"",
            "line 1, column 8: expected the second half of a surrogate pair, found 'a'");
  check_bad("\"\\ud800\\u0041\"", "line 1, column 14: the first half of a surrogate pair is alone");
  check_bad("// a\n1", "line 1, column 1: expected a value, found '/'");
  check_bad(
      "1\x01",
      "line 1, column 2: expected the end of the text, found a byte that is no letter or sign");
}

TEST(nesting_is_limited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  json document;
  CHECK_OK(document.parse(nested(json::depth_max)));
  check_bad(nested(json::depth_max + 1), "line 1, column 65: nested deeper than 64");
  CHECK(!document.parse(std::string(1 << 20, '[')).ok());
  CHECK(!document.parse_ubjson(std::string(1 << 20, '[')).ok());
}

TEST(a_key_that_stands_twice_is_found_in_objects_of_any_size) {
  check_bad("{\"a\":1, \"\\u0061\":2}",
            "line 1, column 9: the key \"a\" stands twice in its object");
  for (const size_t members : {2, 6, 7, 100, 1024, 1025, 5000}) {
    std::string text = "{";
    for (size_t i = 0; i < members; ++i) text += "\"key" + std::to_string(i) + "\":{\"key0\":1},";
    json document;
    text.back() = '}';
    CHECK_OK(document.parse(text));
    CHECK_OK(document.parse(text));  // the memory of the first pass does not confuse the second
    CHECK_EQ(document.root().size(), members);
    text.back() = ',';
    const size_t column = text.size() + 1;
    check_bad(text + "\"key1\":0}", "line 1, column " + std::to_string(column) +
                                        ": the key \"key1\" stands twice in its object");
  }
}

TEST(a_document_is_used_again) {
  json document;
  for (int round = 0; round < 3; ++round) {
    CHECK_OK(document.parse("{\"a\":\"\\n\",\"b\":[1,2,3]}"));
    CHECK_EQ(document.root().find("a").text(), "\n");
    CHECK_EQ(document.root().find("b")[2].number(), 3.);
    CHECK(!document.parse("[[[").ok());
    CHECK_OK(document.parse("7"));
    CHECK_EQ(document.root().number(), 7.);
  }
}

// ---- UBJSON ----

void check_bad_ubjson(std::string_view bytes, const std::string& message) {
  json document;
  check_error(document.parse_ubjson(bytes), message);
  CHECK(document.root().is(json_type::absent));
}

TEST(ubjson_values_of_every_type) {
  constexpr std::string_view bytes =
      "{i\x01"
      "a[i\xfeU\xfeI\xff\x00l\x00\x01\x00\x00L\xff\xff\xff\xff\xff\xff\xff\xff"
      "d\x3f\x80\x00\x00"
      "D\xbf\xf8\x00\x00\x00\x00\x00\x00"
      "CxSU\x02hi"
      "TFZN]U\x01"
      "b{}}"sv;
  json document;
  CHECK_OK(document.parse_ubjson(bytes));
  const json_value a = document.root().find("a");
  const std::vector<double> numbers = {-2, 254, -256, 65536, -1, 1, -1.5};
  CHECK_EQ(a.size(), numbers.size() + 5);
  for (size_t i = 0; i < numbers.size(); ++i) {
    CHECK(a[i].is(json_type::number));
    CHECK_EQ(a[i].number(), numbers[i]);
    CHECK_EQ(a[i].text(), "");
  }
  CHECK_EQ(a[7].text(), "x");
  CHECK_EQ(a[8].text(), "hi");
  CHECK(a[9].boolean() && a[10].is(json_type::boolean) && !a[10].boolean());
  CHECK(a[11].is(json_type::null));
  CHECK(document.root().find("b").is(json_type::object));
}

TEST(ubjson_counted_and_typed_containers) {
  json document;
  CHECK_OK(document.parse_ubjson("[#i\x02Ti\x05"sv));
  CHECK_EQ(document.root().size(), 2u);
  CHECK_EQ(document.root()[1].number(), 5.);
  CHECK_OK(document.parse_ubjson("[$l#L\0\0\0\0\0\0\0\x02\0\0\0\x07\xff\xff\xff\xff"sv));
  CHECK_EQ(document.root()[0].number(), 7.);
  CHECK_EQ(document.root()[1].number(), -1.);
  CHECK_OK(
      document.parse_ubjson("{$U#i\x02i\x01"
                            "a\x01i\x01"
                            "b\x02"sv));
  CHECK_EQ(document.root().find("b").number(), 2.);
  CHECK_OK(document.parse_ubjson("[$S#i\x02i\x01xi\x00"sv));
  CHECK_EQ(document.root()[0].text(), "x");
  CHECK_OK(document.parse_ubjson("[$[#i\x02]$U#i\x01\x09"sv));
  CHECK_EQ(document.root()[1][0].number(), 9.);
}

TEST(ubjson_that_is_refused) {
  check_bad_ubjson("", "byte 1: expected a value, found the end");
  check_bad_ubjson("x", "byte 1: expected a value, found a marker that is none");
  check_bad_ubjson(
      "HU\x01"
      "1",
      "byte 1: expected a value, found a marker that is none");
  check_bad_ubjson("l\0\0"sv, "byte 2: the bytes end inside a value");
  check_bad_ubjson("[i\x01", "byte 4: expected ']', found the end");
  check_bad_ubjson("SL\x10\0\0\0\0\0\0\0x"sv,
                   "byte 11: a string longer than the bytes that are left");
  check_bad_ubjson("[$l#L\x00\x00\x00\x10\0\0\0\0\0\0\0\0"sv,
                   "byte 14: more items than the bytes that are left can hold");
  check_bad_ubjson("[#i\xff", "byte 4: a length below 0");
  check_bad_ubjson("[$Z#l\x7f\xff\xff\xff", "byte 2: a container of values of no bytes");
  check_bad_ubjson("[$Ux", "byte 4: expected the number of items behind their type");
  check_bad_ubjson(
      "{i\x01"
      "aTi\x01"
      "aF}",
      "byte 6: the key \"a\" stands twice in its object");
  check_bad_ubjson("{T", "byte 2: expected a length");
  check_bad_ubjson("TT", "byte 2: expected the end");
}

}  // namespace
}  // namespace fmtrain
