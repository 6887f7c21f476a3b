// What writer and reader of the model file share; the layout is described in model_file.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/crc32c.h"
#include "model/table.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the model file is written as memory holds it: little endian"
#endif

namespace fmtrain::model_format {

// The first byte is no text, the last two stop a terminal and a line-ending conversion.
constexpr char magic[8] = {'\x89', 'F', 'M', 'T', 'R', 'N', '\n', '\x1a'};

// Of the file that a server maps (serve/serving_file.h): known here to say what it is.
constexpr char serving_magic[8] = {'\x89', 'F', 'M', 'S', 'R', 'V', '\n', '\x1a'};

struct preamble {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
};
static_assert(sizeof(preamble) == 16, "part of the format");

enum class block_kind : uint32_t {
  rows = 1,
  names = 2,
  stored = 3,
  end = 4,
  heads = 5,
  encoder = 6
};

struct block_head {
  uint32_t kind;
  uint32_t payload_crc;
  uint64_t payload_bytes;
  uint64_t items;
  uint32_t head_crc;
  uint32_t zero;
};
static_assert(sizeof(block_head) == 32, "part of the format");

static_assert(sizeof(row_head) == 16 && sizeof(row_tail) == 8, "part of the format");

constexpr uint32_t header_bytes_max = 1 << 16;
constexpr size_t block_bytes_aim = size_t{1} << 20;
// A block holds at most one name of a longest line beyond the aim.
constexpr uint64_t block_bytes_max = uint64_t{64} << 20;

inline uint32_t crc_of_head(const block_head& head) {
  return crc32c(0, &head, offsetof(block_head, head_crc));
}

}  // namespace fmtrain::model_format
