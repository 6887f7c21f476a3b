// The input cache's layout, written down a second time and apart from the core: damaged files whose
// checksums are right again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/crc32c.h"
#include "model_bytes.h"

namespace fmtrain::cache_bytes {

using model_bytes::at;
using model_bytes::put;

constexpr size_t preamble_bytes = 16, block_head_bytes = 40;

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
    put(file, head + 32, crc32c(0, file.data() + head, 32));
    head = payload + size;
  }
}

}  // namespace fmtrain::cache_bytes
