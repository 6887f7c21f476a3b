// The serving file, version 1: a model as it is scored, laid out to be mapped and used in place.
// Little endian.
//
//     front      magic (8 bytes), u32 version, u32 sections, u64 file bytes, u32 crc32c of the
//                table, u32 crc32c of the front before it, zeros up to 64 bytes
//     table      a section: u32 kind, u32 crc32c of its bytes, u64 offset, u64 bytes
//     sections   each at a multiple of 4096, zeros between, in the order of their kinds
//       meta     lines "name=value": see serving_meta
//       encoder  as the model file's (model/encoding.h); golden rows of a model without a schema
//                have no text
//       curve    of the calibration: points of f64 score, f64 probability, both rising
//       index    u32 (buckets + 1): ids whose bucket_of is b are index[b] to index[b + 1]
//       ids      u64 (features), rising, then 8 times ~0: what compares eight at a time reads on
//       weights  rows in the order of the ids, w then v (factors) each:
//                float32  f32
//                float16  IEEE half
//                int8     blocks of 16 rows: f32 scale of w, f32 scale of v, 16 rows of i8; the
//                         last block is filled with zeros
//
// Encoder and curve are there or not; the others always. Every number is checked before the model
// serves: a file that is cut, flipped, foreign or newer gives a status that says which.
// Old versions are read forever: tests/golden keeps files of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/link.h"
#include "model/model_format.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the serving file is written as memory holds it: little endian"
#endif

namespace fmtrain {

constexpr uint32_t serving_file_version = 1;

namespace serving_format {

// "\x89FMSRV\n\x1a". As the model file's: no text, and a line-ending conversion breaks it.
using model_format::serving_magic;

struct front {
  char magic[8];
  uint32_t version;
  uint32_t sections;
  uint64_t file_bytes;
  uint32_t table_crc;
  uint32_t front_crc;
  uint8_t zero[32];
};
static_assert(sizeof(front) == 64, "part of the format");

enum class section_kind : uint32_t {
  meta = 1,
  encoder = 2,
  curve = 3,
  index = 4,
  ids = 5,
  weights = 6
};

struct section {
  uint32_t kind;
  uint32_t crc;
  uint64_t offset;
  uint64_t bytes;
};
static_assert(sizeof(section) == 24, "part of the format");

constexpr size_t alignment = 4096;
constexpr size_t ids_behind = 8;
constexpr size_t block_rows = 16;  // of int8
// Four ids a bucket are half a cache line.
constexpr uint64_t ids_a_bucket = 4;
constexpr uint64_t features_max = 0xffffffff;

// Ids are hashes, so their place in order is known to within a few. Never falls as ids rise.
inline uint64_t bucket_of(uint64_t id, uint64_t buckets) {
  __extension__ typedef unsigned __int128 word128;
  return static_cast<uint64_t>((static_cast<word128>(id) * buckets) >> 64);
}

}  // namespace serving_format

enum class precision : uint8_t { float32, float16, int8 };
constexpr const char* precision_words[] = {"float32", "float16", "int8"};

// "float32", "float16", "int8".
const char* name_of(precision p);

// What the file says beside numbers: its lines have these names, in this order.
struct serving_meta {
  std::string name, version;   // of the model, by whoever exported it; no newline
  uint64_t trained_until = 0;  // seconds since 1970; 0: not known
  fmtrain::precision precision = fmtrain::precision::float32;
  fmtrain::link link = fmtrain::link::sigmoid;
  uint32_t hash_seed = 0;
  uint64_t features = 0, factors = 0;
  uint64_t buckets = 1;  // of the index
  double bias = 0;
  double prior = 0;  // score of what has no usable one: logit of the mean label
  double down_sampling_rate = 1;
  double golden_shift = 0;  // largest |score - trained model's| of the golden rows
};

// Numbers are written as shortly as they read back to the same bits. Only what meta_text writes is
// read; a message does not name the file.
std::string meta_text(const serving_meta& meta);
status parse_meta(std::string_view text, serving_meta* out);

// Bytes of the sections whose size the meta section decides. features <= features_max.
uint64_t index_bytes(const serving_meta& meta);
uint64_t ids_bytes(const serving_meta& meta);
uint64_t weights_bytes(const serving_meta& meta);

}  // namespace fmtrain
