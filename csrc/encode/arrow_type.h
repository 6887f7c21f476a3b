// What a column of Arrow data holds, read from its ArrowSchema.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "encode/arrow_abi.h"

namespace fmtrain {

enum class arrow_kind : uint8_t {
  null,
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  float32,
  float64,
  text32,  // string, binary: ends as 32-bit integers
  text64,  // their large kinds
  text_view,
  text_fixed,
  list32,
  list64,
  list_fixed,
  map,
  date32,
  date64,
  timestamp,
};

struct arrow_type {
  arrow_kind kind = arrow_kind::null;
  // Bytes of a text_fixed, items of a list_fixed, ticks a second of a timestamp.
  int64_t width = 0;
  std::unique_ptr<arrow_type> item;        // of lists; a map's keys
  std::unique_ptr<arrow_type> weight;      // a map's values
  std::unique_ptr<arrow_type> dictionary;  // what the numbers, which are kind, stand for
};

// False where no column of a schema can hold it. (Dictionaries and lists of what has no text of its
// own, times of day, decimals, structures and unions.)
bool read_arrow_type(const ArrowSchema& schema, arrow_type* out);

// For a type that is refused: "decimal128", "list<struct<...>>", and what to do about it.
std::string arrow_type_name(const ArrowSchema& schema);
std::string arrow_type_advice(const ArrowSchema& schema);

}  // namespace fmtrain
