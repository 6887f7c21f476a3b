// The input cache, version 1: samples already parsed and hashed, in blocks that any thread can read
// by itself. Little endian.
//
//     preamble   magic (8 bytes), u32 version, u32 header_bytes
//     header     lines "name=value": hash_seed, names (0 or 1), codec (none, lz4, zstd)
//     u32        crc32c of preamble and header
//     blocks     head (40 bytes: u32 kind, u32 crc32c of payload, u64 payload bytes, u64 raw bytes,
//                u64 items, u32 crc32c of the head before it, u32 0), payload
//       samples  items samples. The payload is compressed by the header's codec, or, when it is as
//                long as the raw bytes, those themselves: see below
//       end      items samples in all; payload: u64 blocks of samples before it, then the stream's
//                comment (see line_log)
//
// Behind the end another cache may follow: caches that were concatenated are one.
//
// A block of samples is a chunk of the text (or slice of a matrix). Raw, it is a front (below),
// then sections end to end, those marked ? only where the front's flags say so:
//
//       id          (distinct) u64, the dictionary: the features that occur, each once
//       label      ?(samples) f32; without the flag labels are 0 or 1, see label_bits
//       weight     ?(samples) f32; without: all 1
//       line_step  ?(samples) u32, by how much the line number grows; without: by 1
//       count      ?(samples) u32, features of the sample; without: features_each
//       value      ?(features) f32; without: all 1
//       key_size   ?(samples) u32
//       name_size  ?(distinct) u32; in all blocks or in none
//       index       (features) places in the dictionary, plane by plane: the lowest bytes of all,
//                   then the next ones; as many as the largest place needs, at least 1
//       label_bits  (samples) bits, lowest first; only without label
//       keys, names, source: bytes; source is what messages call the input
//
// value and index run down the columns: the first feature of every sample that has one, then the
// second, ... Samples have their fields in the same places, so neighbours are alike and compress.
// The dictionary is in order of first appearance in this sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/codec.h"
#include "base/crc32c.h"
#include "base/status.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the cache is written as memory holds it: little endian"
#endif

namespace fmtrain {

constexpr uint32_t cache_version = 1;

// As the model file's: no text, and a line-ending conversion breaks it.
constexpr char cache_magic[8] = {'\x89', 'F', 'M', 'C', 'A', 'C', '\n', '\x1a'};

struct cache_preamble {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
};
static_assert(sizeof(cache_preamble) == 16, "part of the format");

enum class cache_kind : uint32_t { samples = 1, end = 2 };

struct cache_head {
  uint32_t kind;
  uint32_t payload_crc;
  uint64_t payload_bytes;
  uint64_t raw_bytes;
  uint64_t items;
  uint32_t head_crc;
  uint32_t zero;
};
static_assert(sizeof(cache_head) == 40, "part of the format");

inline uint32_t crc_of_head(const cache_head& head) {
  return crc32c(0, &head, offsetof(cache_head, head_crc));
}

// Flags of cache_front: which sections there are.
constexpr uint32_t cache_has_label = 1, cache_has_weight = 2, cache_has_line_step = 4,
                   cache_has_count = 8, cache_has_value = 16, cache_has_key = 32,
                   cache_has_name = 64, cache_flags_all = 127;

struct cache_front {
  uint32_t flags;
  uint32_t samples;
  uint32_t features;
  uint32_t distinct;
  uint32_t features_each;  // 0 with cache_has_count
  uint32_t key_bytes;
  uint32_t name_bytes;
  uint32_t source_bytes;
  uint64_t first_line;  // of the first sample
};
static_assert(sizeof(cache_front) == 40, "part of the format");

// What a reader allocates is bounded by these, whatever a file claims.
constexpr uint32_t cache_header_bytes_max = 1 << 16;
constexpr uint64_t cache_raw_bytes_max = uint64_t{256} << 20;
constexpr uint32_t cache_features_max = 1 << 24;  // of a block; places fit three bytes

// Bytes that a place in a dictionary takes.
inline uint32_t cache_index_bytes(uint32_t distinct) {
  return distinct <= (1u << 8) ? 1 : distinct <= (1u << 16) ? 2 : 3;
}

struct cache_header {
  uint32_t hash_seed = 0;
  bool names = false;
  codec packing = codec::none;
};

// Preamble, header and checksum as they stand in the file, and back from the header's lines (false:
// they make no sense).
std::string cache_header_bytes(const cache_header& header);
bool parse_cache_header(const std::string& text, cache_header* out);

// A block's head and payload as they stand in the file.
std::string cache_block_bytes(cache_kind kind, const std::string& payload, uint64_t raw_bytes,
                              uint64_t items);

}  // namespace fmtrain
