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
  bool boolean() const;                   // of a boolean, else false
  double number() const;                  // of a number, else 0; inf where the text is too large
  std::string_view text() const;          // a string, unescaped; a number as it was spelled (JSON)
  size_t size() const;                    // items of an array, members of an object, else 0
  json_value operator[](size_t i) const;  // item, or value of member, i < size()
  std::string_view key(size_t i) const;   // of member i, unescaped
  json_value find(std::string_view key) const;  // absent where there is none, or no object
  size_t offset() const;                        // of its first byte in the text

 private:
  friend class json;
  json_value(const json* document, uint32_t node) : document_(document), node_(node) {}
  const json* document_ = nullptr;
  uint32_t node_ = 0;
};

class json {
 public:
  // Bytes that are readable behind every string that had an escape in it (feature/hash.h). Behind
  // the others is what is behind them in the text.
  static constexpr size_t padding = 64;

  // Deeper nesting is refused: the reader calls itself.
  static constexpr size_t depth_max = 64;

  // The whole text is one value. Strict: no comments, no trailing commas, no NaN; a key that stands
  // twice in an object is an error. Bytes >= 0x80 pass as they are; unescaped control characters
  // are refused; \u escapes become UTF-8, a lone surrogate is an error. The message says what was
  // expected and "line L, column C" (1-based, bytes). `text` must outlive the document.
  // With `non_finite` NaN, Infinity and -Infinity are numbers, as XGBoost writes them.
  status parse(std::string_view text, bool non_finite = false);
  status parse_ubjson(std::string_view bytes);
  json_value root() const;
  size_t error_at() const { return error_at_; }  // the byte that made parse() refuse its text

 private:
  friend class json_value;
  class text_reader;
  class ubjson_reader;

  // Children of a container are neighbours: items, or key and value of each member in turn.
  struct node {
    json_type type = json_type::null;
    uint8_t form = 0;     // a string: 1 if it lies in unescaped_; a number: see number_of
    uint32_t size = 0;    // bytes of a string or number, items, members; a boolean's value
    uint32_t offset = 0;  // of the value's first byte
    uint32_t first = 0;   // its first child; where a string begins
  };

  void clear();
  std::string_view string_of(const node& n) const {
    return {(n.form != 0 ? unescaped_.data() : text_.data()) + n.first, n.size};
  }
  // By its form, UBJSON's marker; 0: it is spelled.
  double number_of(const node& n) const;
  // Takes the open nodes from `first` on into the document, as the children of `container`, which
  // is open itself from now on.
  void close(size_t first, node container);
  void finish();  // the one open node is the root
  // The key of an open object that stands before it already, or open_.size(). Keys and values
  // alternate from `first` on.
  size_t find_duplicate(size_t first);
  size_t find_duplicate_sorted(size_t first) const;
  bool same_key(size_t a, size_t b) const {
    return open_[a].size == open_[b].size && string_of(open_[a]) == string_of(open_[b]);
  }

  std::string_view text_;
  std::vector<node> nodes_;
  std::vector<node> open_;  // values whose container is not read to its end
  std::vector<char> unescaped_;
  struct slot {
    uint32_t round = 0, member = 0;
  };
  std::vector<slot> slots_;  // of keys by hash; those of older rounds are free
  uint32_t round_ = 0;
  size_t error_at_ = 0;
  bool parsed_ = false;
};

// ---- json_value ----

inline json_type json_value::type() const {
  return document_ == nullptr ? json_type::absent : document_->nodes_[node_].type;
}

inline bool json_value::boolean() const {
  return is(json_type::boolean) && document_->nodes_[node_].size != 0;
}

inline double json_value::number() const {
  return is(json_type::number) ? document_->number_of(document_->nodes_[node_]) : 0;
}

inline std::string_view json_value::text() const {
  if (!is(json_type::string) && !is(json_type::number)) return {};
  const json::node& n = document_->nodes_[node_];
  return n.type == json_type::number && n.form != 0 ? std::string_view() : document_->string_of(n);
}

inline size_t json_value::size() const {
  return is(json_type::array) || is(json_type::object) ? document_->nodes_[node_].size : 0;
}

inline json_value json_value::operator[](size_t i) const {
  const json::node& n = document_->nodes_[node_];
  const auto at = static_cast<uint32_t>(i);
  return {document_, n.type == json_type::object ? n.first + 2 * at + 1 : n.first + at};
}

inline std::string_view json_value::key(size_t i) const {
  const json::node& n = document_->nodes_[node_];
  return document_->string_of(document_->nodes_[n.first + 2 * i]);
}

inline size_t json_value::offset() const {
  return document_ == nullptr ? 0 : document_->nodes_[node_].offset;
}

inline json_value json::root() const {
  return parsed_ ? json_value(this, static_cast<uint32_t>(nodes_.size() - 1)) : json_value();
}

}  // namespace fmtrain
