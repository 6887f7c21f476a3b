// Arbitrary bytes as JSON text or UBJSON: refused, or a document that says the same when it is
// written as text and parsed again.
//
// Byte 0: bit 0 chooses UBJSON, bit 1 allows NaN and infinities in text.
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "base/json.h"
#include "fuzz.h"

using namespace fmtrain;

namespace {

void write_string(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    char escaped[8];
    if (c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<uint8_t>(c));
      *out += escaped;
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void write_number(double number, std::string* out) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", number);
  if (std::isnan(number)) {
    *out += "NaN";
  } else if (std::isinf(number)) {
    *out += number < 0 ? "-Infinity" : "Infinity";
  } else {
    *out += text;
  }
}

void write(json_value value, size_t size, std::string* out) {
  FUZZ_CHECK(value.offset() <= size);
  switch (value.type()) {
    case json_type::absent: FUZZ_CHECK(false); break;
    case json_type::null: *out += "null"; break;
    case json_type::boolean: *out += value.boolean() ? "true" : "false"; break;
    case json_type::number: write_number(value.number(), out); break;
    case json_type::string: write_string(value.text(), out); break;
    case json_type::array:
    case json_type::object: {
      const bool object = value.is(json_type::object);
      *out += object ? '{' : '[';
      for (size_t i = 0; i < value.size(); ++i) {
        if (i > 0) *out += ',';
        if (object) {
          write_string(value.key(i), out);
          *out += ':';
        }
        write(value[i], size, out);
      }
      *out += object ? '}' : ']';
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Bytes of their own, so that the sanitizer sees one too far.
  const std::unique_ptr<char[]> bytes(new char[size - 1]);
  if (size > 1) std::memcpy(bytes.get(), data + 1, size - 1);
  const std::string_view given(bytes.get(), size - 1);
  json document;
  const status got =
      (data[0] & 1) != 0 ? document.parse_ubjson(given) : document.parse(given, (data[0] & 2) != 0);
  FUZZ_CHECK(got.ok() == !document.root().is(json_type::absent));
  if (!got.ok()) {
    FUZZ_CHECK(!got.message().empty());
    return 0;
  }
  std::string text, again;
  write(document.root(), given.size(), &text);
  FUZZ_CHECK(document.parse(text, true).ok());
  write(document.root(), text.size(), &again);
  FUZZ_CHECK(text == again);
  return 0;
}
