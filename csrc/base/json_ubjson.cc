// UBJSON, draft 12, but for high-precision numbers: XGBoost writes none.
#include <cstring>
#include <limits>

#include "base/json.h"

namespace fmtrain {

namespace {

// Bytes of a value behind its marker, 0 where they do not follow from it.
size_t width_of(char marker) {
  switch (marker) {
    case 'i':
    case 'U':
    case 'C': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return 0;
  }
}

}  // namespace

class json::ubjson_reader {
 public:
  explicit ubjson_reader(json& document)
      : d_(document),
        begin_(document.text_.data()),
        end_(begin_ + document.text_.size()),
        p_(begin_) {}

  status read() {
    if (!marked_value(0)) return error();
    while (p_ != end_ && *p_ == 'N') ++p_;
    if (p_ != end_ && !fail("expected the end")) return error();
    return {};
  }

 private:
  size_t left() const { return static_cast<size_t>(end_ - p_); }
  uint32_t offset(const char* p) const { return static_cast<uint32_t>(p - begin_); }
  bool fail(std::string what) {
    what_ = std::move(what);
    return false;
  }
  status error() const {
    return status(errc::format, "byte " + std::to_string(p_ - begin_ + 1) + ": " + what_);
  }

  bool marker(char* out);
  bool marked_value(size_t depth);
  bool value(char type, size_t depth);
  bool count(size_t* out);
  bool string();
  bool container(bool object, size_t depth);
  bool members(bool object, char type, bool counted, size_t size, size_t depth);

  json& d_;
  const char* const begin_;
  const char* const end_;
  const char* p_;
  std::string what_;
};

// The next one that means something.
bool json::ubjson_reader::marker(char* out) {
  while (p_ != end_ && *p_ == 'N') ++p_;
  if (p_ == end_) return fail("expected a value, found the end");
  *out = *p_++;
  return true;
}

bool json::ubjson_reader::marked_value(size_t depth) {
  char type = 0;
  return marker(&type) && value(type, depth);
}

bool json::ubjson_reader::value(char type, size_t depth) {
  node made;
  made.offset = made.first = offset(p_);
  switch (type) {
    case '{': return container(true, depth);
    case '[': return container(false, depth);
    case 'S': return string();
    case 'Z': break;
    case 'T':
    case 'F':
      made.type = json_type::boolean;
      made.size = type == 'T' ? 1 : 0;
      break;
    default:
      const size_t width = width_of(type);
      if (width == 0) {
        if (p_ != begin_) --p_;
        return fail("expected a value, found a marker that is none");
      }
      if (left() < width) return fail("the bytes end inside a value");
      made.type = type == 'C' ? json_type::string : json_type::number;
      if (type == 'C') {
        made.size = 1;
      } else {
        made.form = static_cast<uint8_t>(type);
      }
      p_ += width;
  }
  d_.open_.push_back(made);
  return true;
}

// A length: an integer of any width, not below 0.
bool json::ubjson_reader::count(size_t* out) {
  char type = 0;
  if (!marker(&type)) return false;
  const size_t width = width_of(type);
  if (width == 0 || type == 'C' || type == 'd' || type == 'D') {
    --p_;
    return fail("expected a length");
  }
  if (left() < width) return fail("the bytes end inside a length");
  uint64_t word = 0;
  for (size_t i = 0; i < width; ++i) word = word << 8 | static_cast<uint8_t>(p_[i]);
  if (type != 'U' && (word >> (8 * width - 1)) != 0) return fail("a length below 0");
  p_ += width;
  *out = word;
  return true;
}

bool json::ubjson_reader::string() {
  node made;
  made.type = json_type::string;
  made.offset = offset(p_);
  size_t size = 0;
  if (!count(&size)) return false;
  if (size > left()) return fail("a string longer than the bytes that are left");
  made.first = offset(p_);
  made.size = static_cast<uint32_t>(size);
  p_ += size;
  d_.open_.push_back(made);
  return true;
}

bool json::ubjson_reader::container(bool object, size_t depth) {
  node made;
  made.type = object ? json_type::object : json_type::array;
  made.offset = offset(p_) - 1;
  if (depth == depth_max) return fail("nested deeper than " + std::to_string(depth_max));
  char type = 0;
  bool counted = false;
  size_t size = 0;
  if (p_ != end_ && *p_ == '$') {
    if (left() < 3) return fail("the bytes end inside a container's type");
    type = p_[1];
    // Values of no bytes: any number of them could be claimed.
    if (std::memchr("ZTFN", type, 4) != nullptr) return fail("a container of values of no bytes");
    p_ += 2;
    if (*p_ != '#') return fail("expected the number of items behind their type");
  }
  if (p_ != end_ && *p_ == '#') {
    ++p_;
    counted = true;
    if (!count(&size)) return false;
    const size_t width = type == 0 || width_of(type) == 0 ? 1 : width_of(type);
    if (size > left() / width) return fail("more items than the bytes that are left can hold");
  }
  const size_t first = d_.open_.size();
  if (!members(object, type, counted, size, depth)) return false;
  const size_t twice = object ? d_.find_duplicate(first) : d_.open_.size();
  if (twice != d_.open_.size()) {
    p_ = begin_ + d_.open_[twice].offset;
    const std::string key(d_.string_of(d_.open_[twice]).substr(0, 100));
    return fail("the key \"" + key + "\" stands twice in its object");
  }
  d_.close(first, made);
  return true;
}

bool json::ubjson_reader::members(bool object, char type, bool counted, size_t size, size_t depth) {
  const char closing = object ? '}' : ']';
  for (size_t i = 0; !counted || i < size; ++i) {
    if (!counted) {
      while (p_ != end_ && *p_ == 'N') ++p_;
      if (p_ == end_) return fail(std::string("expected '") + closing + "', found the end");
      if (*p_ == closing) {
        ++p_;
        return true;
      }
    }
    if (object && !string()) return false;
    if (!(type == 0 ? marked_value(depth + 1) : value(type, depth + 1))) return false;
  }
  return true;
}

status json::parse_ubjson(std::string_view bytes) {
  clear();
  text_ = bytes;
  if (bytes.size() >= std::numeric_limits<uint32_t>::max()) {
    return status(errc::format, "the bytes are more than 4 GiB");
  }
  FMTRAIN_TRY(ubjson_reader(*this).read());
  finish();
  return {};
}

}  // namespace fmtrain
