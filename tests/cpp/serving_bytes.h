// Makes the checksums of a serving file right, whatever its bytes say.
#pragma once

#include <cstring>
#include <string>

#include "base/crc32c.h"
#include "serve/serving_file.h"

namespace fmtrain {

// Sections that are not there are passed over.
inline void seal_serving(std::string& bytes) {
  using namespace serving_format;
  front f;
  if (bytes.size() < sizeof f) return;
  std::memcpy(&f, bytes.data(), sizeof f);
  const uint64_t table_bytes = uint64_t{f.sections} * sizeof(section);
  if (table_bytes <= bytes.size() - sizeof f) {
    for (uint32_t i = 0; i < f.sections; ++i) {
      char* const at = &bytes[sizeof f + i * sizeof(section)];
      section s;
      std::memcpy(&s, at, sizeof s);
      if (s.offset > bytes.size() || s.bytes > bytes.size() - s.offset) continue;
      s.crc = crc32c(0, bytes.data() + s.offset, s.bytes);
      std::memcpy(at, &s, sizeof s);
    }
    f.table_crc = crc32c(0, bytes.data() + sizeof f, table_bytes);
  }
  f.front_crc = crc32c(0, &f, offsetof(front, front_crc));
  std::memcpy(&bytes[0], &f, sizeof f);
}

}  // namespace fmtrain
