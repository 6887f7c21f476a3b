#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace fmtrain {

namespace {

// Up to so many members are compared each with each, up to so many more are hashed; of even more,
// whose hashes somebody may have made equal, the keys are sorted.
constexpr size_t compared_members = 6;
constexpr size_t hashed_members = 1024;

template <class Word>
uint64_t load(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Of the ends and the length: quick, and different for the keys that people think of.
uint32_t hash_of(std::string_view key) {
  const char* const p = key.data();
  const size_t size = key.size();
  uint64_t a = 0, b = 0;
  if (size >= 8) {
    a = load<uint64_t>(p);
    b = load<uint64_t>(p + size - 8);
  } else if (size >= 4) {
    a = load<uint32_t>(p);
    b = load<uint32_t>(p + size - 4);
  } else if (size > 0) {
    a = static_cast<uint8_t>(p[0]);
    b = static_cast<uint64_t>(static_cast<uint8_t>(p[size / 2])) << 8 |
        static_cast<uint8_t>(p[size - 1]);
  }
  uint64_t h = (a * 0x9e3779b97f4a7c15ULL) ^ ((b + size) * 0xc2b2ae3d27d4eb4fULL);
  h ^= h >> 32;
  return static_cast<uint32_t>((h * 0xff51afd7ed558ccdULL) >> 32);
}

// from_chars says that a number is out of range, but not at which end: where its first digit
// that is not 0 stands decides.
double out_of_range(std::string_view text) {
  size_t at = text[0] == '-' ? 1 : 0;
  int64_t exponent = 0, point = 0;  // of the first such digit, as a power of 10, less one
  bool seen = false, behind_point = false;
  for (; at < text.size() && (text[at] | 0x20) != 'e'; ++at) {
    if (text[at] == '.') {
      behind_point = true;
    } else if (seen || text[at] != '0') {
      seen = true;
      if (!behind_point) ++point;
    } else if (behind_point) {
      --point;
    }
  }
  if (at < text.size()) {
    ++at;
    if (text[at] == '+') ++at;
    const char* const last = text.data() + text.size();
    if (std::from_chars(text.data() + at, last, exponent).ec != std::errc()) {
      constexpr int64_t far = std::numeric_limits<int64_t>::max() / 2;
      exponent = text[at] == '-' ? -far : far;
    }
    constexpr int64_t far = std::numeric_limits<int64_t>::max() / 2;
    exponent = std::clamp(exponent, -far, far);
  }
  const double size = point + exponent > 0 ? std::numeric_limits<double>::infinity() : 0;
  return text[0] == '-' ? -size : size;
}

double spelled_number(std::string_view text) {
  double value = 0;
  const auto got = std::from_chars(text.data(), text.data() + text.size(), value);
  return got.ec == std::errc::result_out_of_range ? out_of_range(text) : value;
}

uint64_t big_endian(const char* p, size_t size) {
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i) word = word << 8 | static_cast<uint8_t>(p[i]);
  return word;
}

}  // namespace

json_value json_value::find(std::string_view key) const {
  if (!is(json_type::object)) return {};
  const json::node& n = document_->nodes_[node_];
  for (uint32_t i = 0; i < n.size; ++i) {
    const uint32_t at = n.first + 2 * i;
    if (document_->string_of(document_->nodes_[at]) == key) return {document_, at + 1};
  }
  return {};
}

double json::number_of(const node& n) const {
  const char* const p = text_.data() + n.offset;
  switch (n.form) {
    case 'i': return static_cast<int8_t>(p[0]);
    case 'U': return static_cast<uint8_t>(p[0]);
    case 'I': return static_cast<int16_t>(big_endian(p, 2));
    case 'l': return static_cast<int32_t>(big_endian(p, 4));
    case 'L': return static_cast<double>(static_cast<int64_t>(big_endian(p, 8)));
    case 'd': {
      const auto bits = static_cast<uint32_t>(big_endian(p, 4));
      float value;
      std::memcpy(&value, &bits, sizeof value);
      return static_cast<double>(value);
    }
    case 'D': {
      const uint64_t bits = big_endian(p, 8);
      double value;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
    default: return spelled_number(string_of(n));
  }
}

void json::clear() {
  parsed_ = false;
  nodes_.clear();
  open_.clear();
  unescaped_.clear();
}

void json::close(size_t first, node container) {
  container.first = static_cast<uint32_t>(nodes_.size());
  container.size = static_cast<uint32_t>(open_.size() - first);
  if (container.type == json_type::object) container.size /= 2;
  nodes_.insert(nodes_.end(), open_.begin() + static_cast<std::ptrdiff_t>(first), open_.end());
  open_.resize(first);
  open_.push_back(container);
}

void json::finish() {
  nodes_.push_back(open_.back());
  if (!unescaped_.empty()) unescaped_.resize(unescaped_.size() + padding);
  parsed_ = true;
}

size_t json::find_duplicate(size_t first) {
  const size_t members = (open_.size() - first) / 2;
  if (members <= compared_members) {
    for (size_t b = first + 2; b < open_.size(); b += 2) {
      for (size_t a = first; a < b; a += 2) {
        if (same_key(a, b)) return b;
      }
    }
    return open_.size();
  }
  if (members > hashed_members) return find_duplicate_sorted(first);
  constexpr size_t slots = 2 * hashed_members;
  slots_.resize(slots);
  if (++round_ == 0) {
    slots_.assign(slots, slot());
    round_ = 1;
  }
  for (size_t member = first; member < open_.size(); member += 2) {
    size_t at = hash_of(string_of(open_[member])) % slots;
    for (; slots_[at].round == round_; at = (at + 1) % slots) {
      if (same_key(slots_[at].member, member)) return member;
    }
    slots_[at] = {round_, static_cast<uint32_t>(member)};
  }
  return open_.size();
}

size_t json::find_duplicate_sorted(size_t first) const {
  std::vector<uint32_t> members;
  for (size_t at = first; at < open_.size(); at += 2) members.push_back(static_cast<uint32_t>(at));
  std::sort(members.begin(), members.end(), [&](uint32_t a, uint32_t b) {
    const int order = string_of(open_[a]).compare(string_of(open_[b]));
    return order != 0 ? order < 0 : a < b;
  });
  size_t found = open_.size();
  for (size_t i = 1; i < members.size(); ++i) {
    if (same_key(members[i - 1], members[i])) found = std::min<size_t>(found, members[i]);
  }
  return found;
}

}  // namespace fmtrain
