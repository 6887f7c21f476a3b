// The model file's layout, written down a second time and apart from the core: files made by hand,
// and damaged files whose checksums are right again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/crc32c.h"

namespace fmtrain::model_bytes {

constexpr size_t preamble_bytes = 16, block_head_bytes = 32;
constexpr uint32_t rows_block = 1, names_block = 2, stored_block = 3, end_block = 4,
                   heads_block = 5;

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
T at(const std::string& file, size_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

template <class T>
void put(std::string& file, size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}

// Makes every checksum right that the file is long enough to have.
inline void fix_checksums(std::string& file) {
  if (file.size() < preamble_bytes) return;
  const size_t header_end = preamble_bytes + at<uint32_t>(file, 12);
  if (header_end + 4 > file.size()) return;
  put(file, header_end, crc32c(0, file.data(), header_end));
  for (size_t head = header_end + 4; head + block_head_bytes <= file.size();) {
    const size_t payload = head + block_head_bytes;
    const uint64_t size = std::min<uint64_t>(at<uint64_t>(file, head + 8), file.size() - payload);
    put(file, head + 4, crc32c(0, file.data() + payload, size));
    put(file, head + 24, crc32c(0, file.data() + head, 24));
    head = payload + size;
  }
}

inline std::string front(const std::string& header, uint32_t version = 1) {
  std::string file(
      "\x89"
      "FMTRN\n\x1a",
      8);
  file += raw(version) + raw(static_cast<uint32_t>(header.size())) + header;
  return file + raw(crc32c(0, file.data(), file.size()));
}

inline std::string block(uint32_t kind, uint64_t items, const std::string& payload) {
  std::string head = raw(kind) + raw(crc32c(0, payload.data(), payload.size())) +
                     raw(uint64_t{payload.size()}) + raw(items);
  head += raw(crc32c(0, head.data(), head.size())) + raw(uint32_t{0});
  return head + payload;
}

inline std::string lr_row(uint64_t id, float z, float n) { return raw(id) + raw(z) + raw(n); }

// Version 2. A block of heads: heads, each with a tail where the header says tail=1, then the lanes
// of those that have them.
constexpr uint32_t lanes_follow = 1u << 30;

inline std::string tail(uint32_t link, uint32_t stamp) { return raw(link) + raw(stamp); }
inline std::string lane(float z, float n) { return raw(z) + raw(n); }

}  // namespace fmtrain::model_bytes
