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

// Of the header at `start`: where it ends, or npos where the file is too short for it.
inline size_t fix_header(std::string& file, size_t start) {
  if (start + preamble_bytes > file.size()) return std::string::npos;
  const size_t end = start + preamble_bytes + at<uint32_t>(file, start + 12);
  if (end + 4 > file.size()) return std::string::npos;
  put(file, end, crc32c(0, file.data() + start, end - start));
  return end + 4;
}

// Makes every checksum right that the file is long enough to have, behind other headers, too.
inline void fix_checksums(std::string& file) {
  for (size_t head = fix_header(file, 0);
       head != std::string::npos && head + block_head_bytes <= file.size();) {
    if (file.compare(head, 6, file, 0, 6) == 0) {
      head = fix_header(file, head);
      continue;
    }
    const size_t payload = head + block_head_bytes;
    const uint64_t size = std::min<uint64_t>(at<uint64_t>(file, head + 8), file.size() - payload);
    put(file, head + 4, crc32c(0, file.data() + payload, size));
    put(file, head + 32, crc32c(0, file.data() + head, 32));
    head = payload + size;
  }
}

}  // namespace fmtrain::cache_bytes
