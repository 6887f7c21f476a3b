#include "feature/cache_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fmtrain {
namespace {

uint64_t sum_of(const uint32_t* values, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

// The place in a dictionary at `at` of an index section of `features` places.
template <uint32_t Bytes>
uint32_t place_at(const unsigned char* index, size_t features, size_t at) {
  uint32_t place = index[at];
  if constexpr (Bytes > 1) place |= static_cast<uint32_t>(index[features + at]) << 8;
  if constexpr (Bytes > 2) place |= static_cast<uint32_t>(index[2 * features + at]) << 16;
  return place;
}

template <uint32_t Bytes>
uint32_t largest_place(const unsigned char* index, size_t features) {
  uint32_t largest = 0;
  for (size_t i = 0; i < features; ++i) {
    largest = std::max(largest, place_at<Bytes>(index, features, i));
  }
  return largest;
}

}  // namespace

cache_source::cache_source(cache_block& block, cache_scratch& scratch, line_log& log)
    : block_(block), scratch_(scratch), log_(log), name_(*block.file) {}

status cache_source::damaged(const char* what) const {
  return {errc::input, *block_.file + ": damaged cache: " + what};
}

status cache_source::open() {
  FMTRAIN_TRY(unpack());
  FMTRAIN_TRY(find_sections());
  if (!numbers_are_sound() || !places_are_sound()) {
    return damaged("a block's numbers make no sense");
  }
  if (!start_columns()) return damaged("a block's counts make no sense");
  find_names();
  if (front_.source_bytes > 0) name_.append(" (").append(at_.source, front_.source_bytes) += ')';
  dictionary_ = {at_.id, front_.distinct};
  line_ = front_.first_line;
  key_ = at_.keys;
  return {};
}

status cache_source::unpack() {
  const cache_head& head = block_.head;
  const std::string_view payload(block_.payload.get(), head.payload_bytes);
  if (crc32c(0, payload.data(), payload.size()) != head.payload_crc) {
    return damaged("the checksum of a block does not match");
  }
  raw_ = payload.data();
  if (head.payload_bytes == head.raw_bytes) return {};
  const codec packing = block_.header->packing;
  const status opened = open_codec(packing);
  if (!opened.ok()) return {opened.code(), *block_.file + ": " + opened.message()};
  if (scratch_.capacity < head.raw_bytes) {
    scratch_.raw.reset();
    scratch_.raw.reset(new char[head.raw_bytes]);
    scratch_.capacity = head.raw_bytes;
  }
  raw_ = scratch_.raw.get();
  if (!decompress(packing, payload, scratch_.raw.get(), head.raw_bytes)) {
    return damaged("a block cannot be unpacked");
  }
  return {};
}

status cache_source::find_sections() {
  const uint64_t size = block_.head.raw_bytes;
  if (size < sizeof front_) return damaged("a block is too short");
  std::memcpy(&front_, raw_, sizeof front_);
  const bool counts = (front_.flags & cache_has_count) != 0;
  if ((front_.flags & ~cache_flags_all) != 0 || front_.samples != block_.head.items ||
      front_.samples == 0 || front_.features > cache_features_max ||
      (counts && front_.features_each != 0) ||
      (!counts && uint64_t{front_.samples} * front_.features_each != front_.features) ||
      block_.header->names != ((front_.flags & cache_has_name) != 0)) {
    return damaged("a block's front makes no sense");
  }
  // Sums of 32-bit sizes: no overflow in 64 bits.
  uint64_t end = sizeof front_;
  const auto take = [&](auto*& pointer, bool present, uint64_t count) {
    using element = std::remove_reference_t<decltype(*pointer)>;
    pointer = nullptr;
    if (!present) return;
    if (end <= size) pointer = reinterpret_cast<element*>(raw_ + end);
    end += count * sizeof(element);
  };
  const auto has = [this](uint32_t flag) { return (front_.flags & flag) != 0; };
  const uint64_t samples = front_.samples, features = front_.features;
  take(at_.id, true, front_.distinct);
  take(at_.label, has(cache_has_label), samples);
  take(at_.weight, has(cache_has_weight), samples);
  take(at_.line_step, has(cache_has_line_step), samples);
  take(at_.count, has(cache_has_count), samples);
  take(at_.value, has(cache_has_value), features);
  take(at_.key_size, has(cache_has_key), samples);
  take(at_.name_size, has(cache_has_name), front_.distinct);
  take(at_.index, true, features * cache_index_bytes(front_.distinct));
  take(at_.label_bits, !has(cache_has_label), (samples + 7) / 8);
  take(at_.keys, true, front_.key_bytes);
  take(at_.names, true, front_.name_bytes);
  take(at_.source, true, front_.source_bytes);
  return end == size ? status() : damaged("a block has the wrong size");
}

bool cache_source::numbers_are_sound() const {
  const size_t samples = front_.samples;
  bool sound = true;
  if (at_.label != nullptr) {
    for (size_t i = 0; i < samples; ++i) sound &= at_.label[i] >= 0 && at_.label[i] <= 1;
  }
  if (at_.weight != nullptr) {
    for (size_t i = 0; i < samples; ++i) sound &= at_.weight[i] >= 0 && at_.weight[i] < INFINITY;
  }
  if (at_.value != nullptr) {
    for (size_t i = 0; i < front_.features; ++i) {
      sound &= std::fabs(at_.value[i]) < INFINITY && at_.value[i] != 0;
    }
  }
  const uint64_t key_bytes = at_.key_size ? sum_of(at_.key_size, samples) : 0;
  const uint64_t name_bytes = at_.name_size ? sum_of(at_.name_size, front_.distinct) : 0;
  return sound && key_bytes == front_.key_bytes && name_bytes == front_.name_bytes;
}

bool cache_source::places_are_sound() const {
  if (front_.features == 0) return true;
  uint32_t largest = 0;
  switch (cache_index_bytes(front_.distinct)) {
    case 1: largest = largest_place<1>(at_.index, front_.features); break;
    case 2: largest = largest_place<2>(at_.index, front_.features); break;
    default: largest = largest_place<3>(at_.index, front_.features);
  }
  return largest < front_.distinct;
}

// Where each column starts: column c has a feature of every sample with more than c of them.
bool cache_source::start_columns() {
  std::vector<uint32_t>& next = scratch_.next;
  if (at_.count == nullptr) {
    next.resize(front_.features_each);
    for (uint32_t c = 0; c < front_.features_each; ++c) next[c] = c * front_.samples;
    return true;
  }
  if (sum_of(at_.count, front_.samples) != front_.features) return false;
  next.assign(*std::max_element(at_.count, at_.count + front_.samples) + size_t{1}, 0);
  for (size_t i = 0; i < front_.samples; ++i) ++next[at_.count[i]];
  uint32_t longer = front_.samples, start = 0;
  for (uint32_t& column : next) {
    longer -= column;
    column = start;
    start += longer;
  }
  return true;
}

void cache_source::find_names() {
  if (at_.name_size == nullptr) return;
  scratch_.name.resize(front_.distinct);
  uint32_t at = 0;
  for (size_t i = 0; i < front_.distinct; ++i) {
    scratch_.name[i] = {at, at_.name_size[i]};
    at += at_.name_size[i];
  }
}

template <uint32_t Bytes>
void cache_source::add_features(uint32_t count, batch& out) {
  const size_t first = out.features;
  uint32_t* const next = scratch_.next.data();
  uint32_t* const local = out.local.data() + first;
  uint64_t* const id = out.id.data() + first;
  float* const x = out.x.data() + first;
  name_ref* const name = out.name.data() + first;
  if (at_.value == nullptr) {
    std::fill(x, x + count, 1.0f);
  } else {
    for (uint32_t i = 0; i < count; ++i) x[i] = at_.value[next[i]];
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t place = place_at<Bytes>(at_.index, front_.features, next[i]++);
    local[i] = place;
    id[i] = at_.id[place];
  }
  if (at_.name_size != nullptr) {
    for (uint32_t i = 0; i < count; ++i) name[i] = scratch_.name[local[i]];
  }
  out.features += count;
}

bool cache_source::fill(batch& out) {
  out.text = at_.name_size == nullptr ? nullptr : at_.names;
  out.dictionary = &dictionary_;
  while (sample_ < front_.samples && !out.full()) {
    const uint32_t count = count_of(sample_);
    out.reserve_features(count);
    if (out.local.size() < out.id.size()) out.local.resize(out.id.size());
    switch (cache_index_bytes(front_.distinct)) {
      case 1: add_features<1>(count, out); break;
      case 2: add_features<2>(count, out); break;
      default: add_features<3>(count, out);
    }
    if (at_.line_step != nullptr) line_ += at_.line_step[sample_];
    const uint32_t key_size = at_.key_size ? at_.key_size[sample_] : 0;
    const int bit = at_.label ? 0 : at_.label_bits[sample_ / 8] >> (sample_ % 8) & 1;
    out.add_sample(at_.label ? at_.label[sample_] : static_cast<float>(bit),
                   at_.weight ? at_.weight[sample_] : 1.0f, {key_, key_size}, line_);
    if (at_.line_step == nullptr) ++line_;
    key_ += key_size;
    ++sample_;
  }
  line_counts counts{};
  counts[static_cast<int>(line_kind::sample)] = out.samples;
  log_.add(counts);
  return out.samples > 0;
}

}  // namespace fmtrain
