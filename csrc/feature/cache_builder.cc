#include "feature/cache_builder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fmtrain {
namespace {

// A chunk of text has fewer; it is a dense matrix that is cut here.
constexpr size_t features_aim = size_t{1} << 20;
constexpr size_t bytes_aim = size_t{32} << 20;
constexpr size_t slots_min = 1 << 12;
constexpr size_t source_bytes_max = 4096;

template <class T>
void put(std::string* raw, const std::vector<T>& values) {
  raw->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
bool all_are(const std::vector<T>& values, T value) {
  return std::all_of(values.begin(), values.end(), [value](T v) { return v == value; });
}

}  // namespace

// Steps of line numbers are 32 bits: a jump starts a new block.
bool cache_builder::takes(const batch& in, size_t sample) const {
  if (empty()) return true;
  const uint64_t step = in.line[sample] - line_.back();
  return step <= UINT32_MAX && local_.size() < features_aim &&
         keys_.size() + names_.size() < bytes_aim && label_.size() < features_aim;
}

size_t cache_builder::add(const batch& in, size_t first) {
  size_t sample = first;
  for (; sample < in.samples && takes(in, sample); ++sample) {
    label_.push_back(in.label[sample]);
    weight_.push_back(in.weight[sample]);
    line_.push_back(in.line[sample]);
    count_.push_back(in.begin[sample + 1] - in.begin[sample]);
    key_size_.push_back(static_cast<uint32_t>(in.key[sample].size()));
    keys_.append(in.key[sample]);
    add_features(in, sample);
  }
  return sample;
}

void cache_builder::add_features(const batch& in, size_t sample) {
  const uint32_t begin = in.begin[sample], end = in.begin[sample + 1];
  const size_t at = local_.size();
  local_.resize(at + (end - begin));
  for (uint32_t i = begin; i < end; ++i) local_[at + (i - begin)] = place_of(in, i);
  value_.insert(value_.end(), in.x.begin() + begin, in.x.begin() + end);
}

uint32_t cache_builder::place_of(const batch& in, size_t feature) {
  if (slots_.size() < 2 * (id_.size() + 1)) grow_slots();
  const uint64_t id = in.id[feature];
  const size_t mask = slots_.size() - 1;
  // The id is a hash already, unless the file it came from says otherwise: mixed cheaply.
  for (size_t slot = (id ^ (id >> 32)) & mask;; slot = (slot + 1) & mask) {
    const uint32_t found = slots_[slot];
    if (found != 0 && id_[found - 1] == id) return found - 1;
    if (found != 0) continue;
    id_.push_back(id);
    slots_[slot] = static_cast<uint32_t>(id_.size());
    if (with_names_) {
      const std::string_view name = in.name_of(feature);
      name_at_.push_back(static_cast<uint32_t>(names_.size()));
      name_size_.push_back(static_cast<uint32_t>(name.size()));
      names_.append(name);
    }
    return static_cast<uint32_t>(id_.size() - 1);
  }
}

void cache_builder::grow_slots() {
  const size_t size = std::max(slots_min, 2 * slots_.size());
  slots_.assign(size, 0);
  for (size_t i = 0; i < id_.size(); ++i) {
    size_t slot = (id_[i] ^ (id_[i] >> 32)) & (size - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (size - 1);
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

cache_front cache_builder::make_front(std::string_view source) const {
  cache_front front{};
  const auto flag = [&front](uint32_t bit, bool on) { front.flags |= on ? bit : 0; };
  flag(cache_has_label,
       !std::all_of(label_.begin(), label_.end(), [](float v) { return v == 0 || v == 1; }));
  flag(cache_has_weight, !all_are(weight_, 1.0f));
  flag(cache_has_count, !all_are(count_, count_[0]));
  flag(cache_has_value, !all_are(value_, 1.0f));
  flag(cache_has_key, !keys_.empty());
  flag(cache_has_name, with_names_);
  bool consecutive = true;
  for (size_t i = 1; i < line_.size(); ++i) consecutive &= line_[i] == line_[i - 1] + 1;
  flag(cache_has_line_step, !consecutive);
  front.samples = static_cast<uint32_t>(label_.size());
  front.features = static_cast<uint32_t>(local_.size());
  front.distinct = static_cast<uint32_t>(id_.size());
  front.features_each = (front.flags & cache_has_count) != 0 ? 0 : count_[0];
  front.key_bytes = static_cast<uint32_t>(keys_.size());
  front.name_bytes = static_cast<uint32_t>(names_.size());
  front.source_bytes = static_cast<uint32_t>(source.size());
  front.first_line = line_[0];
  return front;
}

void cache_builder::turn(std::vector<uint32_t>* place, std::vector<uint32_t>* order) {
  const uint32_t columns = *std::max_element(count_.begin(), count_.end());
  // next[c]: where column c's next feature goes.
  std::vector<uint32_t> next(columns + 1, 0);
  for (const uint32_t count : count_) ++next[count];
  uint32_t longer = static_cast<uint32_t>(count_.size()), at = 0;
  for (uint32_t c = 0; c < columns; ++c) {
    longer -= next[c];  // samples with more than c features
    next[c] = at;
    at += longer;
  }
  place->resize(local_.size());
  order->resize(local_.size());
  uint32_t row = 0;
  for (const uint32_t count : count_) {
    for (uint32_t c = 0; c < count; ++c, ++row) (*order)[next[c]++] = row;
  }
  std::vector<uint32_t> renumbered(id_.size(), UINT32_MAX);
  std::vector<uint64_t> id;
  id.reserve(id_.size());
  std::vector<uint32_t> old;
  old.reserve(id_.size());
  for (size_t i = 0; i < order->size(); ++i) {
    uint32_t& number = renumbered[local_[(*order)[i]]];
    if (number == UINT32_MAX) {
      number = static_cast<uint32_t>(id.size());
      old.push_back(local_[(*order)[i]]);
      id.push_back(id_[old.back()]);
    }
    (*place)[i] = number;
  }
  id_.swap(id);
  if (!with_names_) return;
  std::vector<uint32_t> name_at, name_size;
  for (const uint32_t was : old) {
    name_at.push_back(name_at_[was]);
    name_size.push_back(name_size_[was]);
  }
  name_at_.swap(name_at);
  name_size_.swap(name_size);
}

// The sections behind the front whose order is the columns': all but keys, names and source.
void cache_builder::put_columns(const cache_front& front, std::string* raw) {
  const auto has = [&front](uint32_t flag) { return (front.flags & flag) != 0; };
  std::vector<uint32_t> place, order;
  turn(&place, &order);
  put(raw, id_);
  if (has(cache_has_label)) put(raw, label_);
  if (has(cache_has_weight)) put(raw, weight_);
  if (has(cache_has_line_step)) {
    std::vector<uint32_t> step(line_.size());
    for (size_t i = 1; i < step.size(); ++i) {
      step[i] = static_cast<uint32_t>(line_[i] - line_[i - 1]);
    }
    put(raw, step);
  }
  if (has(cache_has_count)) put(raw, count_);
  if (has(cache_has_value)) {
    std::vector<float> value(order.size());
    for (size_t i = 0; i < value.size(); ++i) value[i] = value_[order[i]];
    put(raw, value);
  }
  if (has(cache_has_key)) put(raw, key_size_);
  if (has(cache_has_name)) put(raw, name_size_);
  for (uint32_t byte = 0; byte < cache_index_bytes(front.distinct); ++byte) {
    const size_t at = raw->size();
    raw->resize(at + place.size());
    char* const plane = raw->data() + at;
    for (size_t i = 0; i < place.size(); ++i) plane[i] = static_cast<char>(place[i] >> (8 * byte));
  }
  if (!has(cache_has_label)) {
    std::string bits((label_.size() + 7) / 8, '\0');
    for (size_t i = 0; i < label_.size(); ++i) {
      if (label_[i] != 0) bits[i / 8] = static_cast<char>(bits[i / 8] | (1 << (i % 8)));
    }
    raw->append(bits);
  }
}

status cache_builder::encode(std::string_view source, std::string* raw) {
  source = source.substr(0, source_bytes_max);
  const uint64_t line = line_[0];
  bool fits = local_.size() <= cache_features_max;
  if (fits) {
    const cache_front front = make_front(source);
    raw->assign(reinterpret_cast<const char*>(&front), sizeof front);
    put_columns(front, raw);
    raw->append(keys_);
    for (size_t i = 0; i < name_at_.size(); ++i) raw->append(names_, name_at_[i], name_size_[i]);
    raw->append(source);
    fits = raw->size() <= cache_raw_bytes_max;
  }
  clear();
  if (fits) return {};
  return {errc::invalid, std::string(source) + ", line " + std::to_string(line) +
                             ": the sample is too large for a cache: at most " +
                             std::to_string(cache_features_max) + " features and " +
                             std::to_string(cache_raw_bytes_max >> 20) + " MiB"};
}

void cache_builder::clear() {
  for (auto* floats : {&label_, &weight_, &value_}) floats->clear();
  for (auto* numbers : {&count_, &key_size_, &local_, &name_at_, &name_size_}) numbers->clear();
  line_.clear();
  id_.clear();
  keys_.clear();
  names_.clear();
  std::fill(slots_.begin(), slots_.end(), 0u);
}

}  // namespace fmtrain
