// RFC 8259: JSON's text.
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/json.h"

namespace fmtrain {

namespace {

constexpr uint64_t ones = 0x0101010101010101ULL;

// Bits among the high ones of each byte, where one is `"`, `\` or a control character; the lowest
// such bit is right, those above it need not be.
uint64_t special(uint64_t word) {
  const uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
  const uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                         ((word - ones * 0x20) & ~word);
  return found & (ones * 0x80);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

class json::text_reader {
 public:
  text_reader(json& document, bool non_finite)
      : d_(document),
        begin_(document.text_.data()),
        end_(begin_ + document.text_.size()),
        p_(begin_),
        non_finite_(non_finite) {}

  status read() {
    skip_blanks();
    if (!value(0)) return error();
    skip_blanks();
    if (p_ != end_ && !expected("the end of the text")) return error();
    return {};
  }

 private:
  void skip_blanks() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\t' || *p_ == '\r')) ++p_;
  }
  bool next_is(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  uint32_t offset(const char* p) const { return static_cast<uint32_t>(p - begin_); }

  // Always false, so that callers can return it.
  bool fail(std::string what) {
    what_ = std::move(what);
    return false;
  }
  bool expected(const char* what) {
    std::string found = "the end";
    if (p_ != end_) {
      found = "a byte that is no letter or sign";
      if (*p_ > 0x20 && *p_ < 0x7f) found = std::string("'") + *p_ + "'";
      if (*p_ == ' ') found = "a blank";
    }
    return fail(std::string("expected ") + what + ", found " + found);
  }
  status error() const;

  bool value(size_t depth);
  bool object(size_t depth);
  bool array(size_t depth);
  bool string();
  bool string_with_escapes(const char* from);
  bool escape();
  bool hex(uint32_t* code);
  bool number();
  bool word(const char* word, json_type type, uint32_t size);
  void append_utf8(uint32_t code);

  json& d_;
  const char* const begin_;
  const char* const end_;
  const char* p_;
  const bool non_finite_;
  std::string what_;
};

status json::text_reader::error() const {
  d_.error_at_ = offset(p_);
  const char* line = begin_;
  size_t number = 1;
  for (const char* p = begin_; p != p_; ++p) {
    if (*p != '\n') continue;
    line = p + 1;
    ++number;
  }
  return status(errc::format, "line " + std::to_string(number) + ", column " +
                                  std::to_string(p_ - line + 1) + ": " + what_);
}

bool json::text_reader::value(size_t depth) {
  if (p_ == end_) return expected("a value");
  switch (*p_) {
    case '{': return object(depth);
    case '[': return array(depth);
    case '"': return string();
    case 't': return word("true", json_type::boolean, 1);
    case 'f': return word("false", json_type::boolean, 0);
    case 'n': return word("null", json_type::null, 0);
    default: break;
  }
  if (is_digit(*p_) || *p_ == '-') return number();
  if (non_finite_ && *p_ == 'N') return word("NaN", json_type::number, 3);
  if (non_finite_ && *p_ == 'I') return word("Infinity", json_type::number, 8);
  return expected("a value");
}

bool json::text_reader::object(size_t depth) {
  node made;
  made.type = json_type::object;
  made.offset = offset(p_);
  if (depth == depth_max) return fail("nested deeper than " + std::to_string(depth_max));
  ++p_;
  const size_t first = d_.open_.size();
  skip_blanks();
  if (!next_is('}')) {
    do {
      skip_blanks();
      if (p_ == end_ || *p_ != '"') return expected("a key in quotes");
      if (!string()) return false;
      skip_blanks();
      if (!next_is(':')) return expected("':'");
      skip_blanks();
      if (!value(depth + 1)) return false;
      skip_blanks();
    } while (next_is(','));
    if (!next_is('}')) return expected("',' or '}'");
  }
  const size_t twice = d_.find_duplicate(first);
  if (twice != d_.open_.size()) {
    p_ = begin_ + d_.open_[twice].offset;
    const std::string key(d_.string_of(d_.open_[twice]).substr(0, 100));
    return fail("the key \"" + key + "\" stands twice in its object");
  }
  d_.close(first, made);
  return true;
}

bool json::text_reader::array(size_t depth) {
  node made;
  made.type = json_type::array;
  made.offset = offset(p_);
  if (depth == depth_max) return fail("nested deeper than " + std::to_string(depth_max));
  ++p_;
  const size_t first = d_.open_.size();
  skip_blanks();
  if (!next_is(']')) {
    do {
      skip_blanks();
      if (!value(depth + 1)) return false;
      skip_blanks();
    } while (next_is(','));
    if (!next_is(']')) return expected("',' or ']'");
  }
  d_.close(first, made);
  return true;
}

bool json::text_reader::string() {
  const char* const from = ++p_;
  while (end_ - p_ >= 8) {
    uint64_t bytes;
    std::memcpy(&bytes, p_, 8);
    const uint64_t found = special(bytes);
    if (found != 0) {
      p_ += __builtin_ctzll(found) / 8;
      break;
    }
    p_ += 8;
  }
  while (p_ != end_ && *p_ != '"' && *p_ != '\\' && static_cast<uint8_t>(*p_) >= 0x20) ++p_;
  if (p_ == end_ || *p_ != '"') return string_with_escapes(from);
  node made;
  made.type = json_type::string;
  made.offset = offset(from) - 1;
  made.first = offset(from);
  made.size = offset(p_) - made.first;
  ++p_;
  d_.open_.push_back(made);
  return true;
}

// From the first escape on; the bytes before it are `from` up to p_.
bool json::text_reader::string_with_escapes(const char* from) {
  std::vector<char>& out = d_.unescaped_;
  node made;
  made.type = json_type::string;
  made.form = 1;
  made.offset = offset(from) - 1;
  made.first = static_cast<uint32_t>(out.size());
  for (const char* run = from;;) {
    while (p_ != end_ && *p_ != '"' && *p_ != '\\' && static_cast<uint8_t>(*p_) >= 0x20) ++p_;
    out.insert(out.end(), run, p_);
    if (p_ == end_) return expected("'\"' at the string's end");
    if (static_cast<uint8_t>(*p_) < 0x20) {
      return fail("a control character in a string must be escaped");
    }
    if (next_is('"')) break;
    ++p_;
    if (!escape()) return false;
    run = p_;
  }
  made.size = static_cast<uint32_t>(out.size()) - made.first;
  d_.open_.push_back(made);
  return true;
}

bool json::text_reader::escape() {
  static constexpr char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  const char* const found = p_ == end_ || *p_ == 0 ? nullptr : std::strchr(letters, *p_);
  if (found != nullptr) {
    d_.unescaped_.push_back(meanings[found - letters]);
    ++p_;
    return true;
  }
  if (!next_is('u')) return expected("one of \"\\/bfnrtu behind a backslash");
  uint32_t code = 0;
  if (!hex(&code)) return false;
  if (code >= 0xdc00 && code < 0xe000) return fail("the second half of a surrogate pair is alone");
  if (code >= 0xd800 && code < 0xdc00) {
    uint32_t low = 0;
    if (!next_is('\\') || !next_is('u')) return expected("the second half of a surrogate pair");
    if (!hex(&low)) return false;
    if (low < 0xdc00 || low >= 0xe000) return fail("the first half of a surrogate pair is alone");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(code);
  return true;
}

bool json::text_reader::hex(uint32_t* code) {
  *code = 0;
  for (int i = 0; i < 4; ++i, ++p_) {
    const char c = p_ == end_ ? '\0' : *p_;
    const char lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) return expected("four hex digits");
    *code = *code << 4 | static_cast<uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return true;
}

void json::text_reader::append_utf8(uint32_t code) {
  std::vector<char>& out = d_.unescaped_;
  const auto continued = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3f)));
  };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (code >> 6)));
    continued(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (code >> 12)));
    continued(6);
    continued(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | (code >> 18)));
    continued(12);
    continued(6);
    continued(0);
  }
}

bool json::text_reader::number() {
  node made;
  made.type = json_type::number;
  made.offset = made.first = offset(p_);
  next_is('-');
  if (non_finite_ && p_ != end_ && *p_ == 'I') {
    if (!word("Infinity", json_type::number, 9)) return false;
    d_.open_.back().offset = d_.open_.back().first = made.offset;
    return true;
  }
  const auto digits = [&] {
    if (p_ == end_ || !is_digit(*p_)) return expected("a digit");
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return true;
  };
  if (!next_is('0') && !digits()) return false;
  if (next_is('.') && !digits()) return false;
  if (p_ != end_ && (*p_ | 0x20) == 'e') {
    ++p_;
    if (!next_is('-')) next_is('+');
    if (!digits()) return false;
  }
  made.size = offset(p_) - made.first;
  d_.open_.push_back(made);
  return true;
}

bool json::text_reader::word(const char* word, json_type type, uint32_t size) {
  node made;
  made.type = type;
  made.offset = made.first = offset(p_);
  made.size = size;
  const size_t length = std::strlen(word);
  if (static_cast<size_t>(end_ - p_) < length || std::memcmp(p_, word, length) != 0) {
    return expected("a value");
  }
  p_ += length;
  d_.open_.push_back(made);
  return true;
}

status json::parse(std::string_view text, bool non_finite) {
  clear();
  error_at_ = 0;
  text_ = text;
  if (text.size() >= std::numeric_limits<uint32_t>::max()) {
    return status(errc::format, "the text is longer than 4 GiB");
  }
  FMTRAIN_TRY(text_reader(*this, non_finite).read());
  finish();
  return {};
}

}  // namespace fmtrain
