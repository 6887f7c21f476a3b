#include "serve/serving_file.h"

#include <charconv>
#include <cmath>
#include <iterator>

#include "base/words.h"
#include "model/learner.h"
#include "serve/row_pack.h"

namespace fmtrain {

using namespace serving_format;

namespace {

// Visits every line as (name, member); one list for writing and reading.
template <class Meta, class Visit>
void for_each_line(Meta& meta, const Visit& visit) {
  visit("name", meta.name);
  visit("version", meta.version);
  visit("trained_until", meta.trained_until);
  visit("precision", meta.precision);
  visit("link", meta.link);
  visit("hash_seed", meta.hash_seed);
  visit("features", meta.features);
  visit("factors", meta.factors);
  visit("buckets", meta.buckets);
  visit("bias", meta.bias);
  visit("prior", meta.prior);
  visit("down_sampling_rate", meta.down_sampling_rate);
  visit("golden_shift", meta.golden_shift);
}

std::string text_of(const std::string& text) { return text; }
std::string text_of(precision p) { return precision_words[static_cast<size_t>(p)]; }
std::string text_of(link l) { return link_words[static_cast<size_t>(l)]; }
template <class Number>
std::string text_of(Number value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

bool take(std::string_view text, std::string* out) {
  *out = text;
  return true;
}
template <class Number>
bool take(std::string_view text, Number* out) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *out);
  return error == std::errc() && end == last;
}
bool take(std::string_view text, precision* out) { return find_word(text, precision_words, out); }
bool take(std::string_view text, link* out) { return find_word(text, link_words, out); }

bool makes_sense(const serving_meta& meta) {
  return meta.features <= features_max && meta.factors <= factors_max && meta.buckets > 0 &&
         meta.buckets <= features_max && std::isfinite(meta.bias) && std::isfinite(meta.prior) &&
         std::isfinite(meta.golden_shift) && meta.golden_shift >= 0;
}

}  // namespace

const char* name_of(precision p) { return precision_words[static_cast<size_t>(p)]; }

std::string meta_text(const serving_meta& meta) {
  std::string text;
  for_each_line(meta, [&text](const char* name, const auto& value) {
    text.append(name).append("=").append(text_of(value)).append("\n");
  });
  return text;
}

status parse_meta(std::string_view text, serving_meta* out) {
  serving_meta meta;
  bool read = true;
  std::string_view left = text;
  for_each_line(meta, [&](const std::string_view name, auto& value) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    read = read && line.substr(0, name.size()) == name && line.size() > name.size() &&
           line[name.size()] == '=' && take(line.substr(name.size() + 1), &value);
  });
  // What reads, but is not how it would be written, was written by something else.
  if (!read || meta_text(meta) != text) {
    return {errc::format, "its meta section does not have the lines of its version"};
  }
  if (!makes_sense(meta)) return {errc::format, "its meta section makes no sense"};
  *out = std::move(meta);
  return {};
}

uint64_t index_bytes(const serving_meta& meta) { return (meta.buckets + 1) * sizeof(uint32_t); }

uint64_t ids_bytes(const serving_meta& meta) {
  return (meta.features + ids_behind) * sizeof(uint64_t);
}

uint64_t weights_bytes(const serving_meta& meta) {
  return row_shape(meta.precision, meta.factors).bytes(meta.features);
}

}  // namespace fmtrain
