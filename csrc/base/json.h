// A parsed JSON or UBJSON document (RFC 8259; ubjson.org draft 12 as XGBoost writes it). Immutable
// once parsed; parsing again into the same document reuses its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace fmtrain {

enum class json_type : uint8_t { absent, null, boolean, number, string, array, object };

class json;

// A handle of two words; valid while its document is not parsed again, moved or destroyed.
class json_value {
 public:
  json_value() = default;
  json_type type() const;  // absent: what find() did not find
  bool is(json_type t) const { return type() == t; }
  bool boolean() const;           // of a boolean, else false
  double number() const;          // of a number, else 0; inf where the text is too large
  std::string_view text() const;  // a string, unescaped; a number as it was spelled (JSON)
  size_t size() const;            // items of an array, members of an object, else 0
  json_value operator[](size_t i) const;   // item, or value of member, i < size()
  std::string_view key(size_t i) const;    // of member i, unescaped
  json_value find(std::string_view key) const;  // absent where there is none, or no object
  size_t offset() const;          // of its first byte in the text

 private:
  friend class json;
  json_value(const json* document, uint32_t node) : document_(document), node_(node) {}
  const json* document_ = nullptr;
  uint32_t node_ = 0;
};

class json {
 public:
  // Deeper nesting is refused: the reader calls itself.
  static constexpr size_t depth_max = 64;

  // The whole text is one value. Strict: no comments, no trailing commas, no NaN; a key that stands
  // twice in an object is an error. Bytes >= 0x80 pass as they are; unescaped control characters
  // are refused; \u escapes become UTF-8, a lone surrogate is an error. The message says what was
  // expected and "line L, column C" (1-based, bytes). `text` must outlive the document.
  status parse(std::string_view text);
  status parse_ubjson(std::string_view bytes);
  json_value root() const;
