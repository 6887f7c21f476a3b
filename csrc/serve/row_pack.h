// Rows of weights as the serving file has them, in each precision, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "serve/serving_file.h"

namespace fmtrain {

// Exact. Without a branch, so that loops over it vectorise, and without a subnormal float, which
// processors are slow at or told to take for zero.
inline float widen_half(uint16_t half) {
  const uint32_t magnitude = uint32_t{half} << 13 & 0x0fffe000u;  // exponent and fraction in place
  const uint32_t beyond = magnitude >= 0x0f800000u ? 112u << 23 : 0;  // infinities and NaNs
  const uint32_t normal = magnitude + (112u << 23) + beyond;
  const uint32_t raised = magnitude + (113u << 23);  // 2^-14 (1 + fraction)
  float subnormal;
  std::memcpy(&subnormal, &raised, sizeof subnormal);
  subnormal -= 0x1p-14f;
  uint32_t bits;
  std::memcpy(&bits, &subnormal, sizeof bits);
  bits = (magnitude < 0x00800000u ? bits : normal) | uint32_t{half & 0x8000u} << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// Rounds to the nearest, ties to even; beyond the largest half is infinity.
uint16_t narrow_to_half(float x);

// Where things are within the weights section.
class row_shape {
 public:
  row_shape(precision p, uint64_t factors) : precision_(p), width_(factors + 1) {}

  uint64_t width() const { return width_; }  // floats a row
  uint64_t bytes(uint64_t rows) const {
    if (precision_ != precision::int8) return rows * row_bytes();
    return (rows + serving_format::block_rows - 1) / serving_format::block_rows * block_bytes();
  }
  uint64_t row_bytes() const {
    return width_ * (precision_ == precision::float32   ? 4
                     : precision_ == precision::float16 ? 2
                                                        : 1);
  }
  uint64_t block_bytes() const {
    return serving_format::block_rows * row_bytes() +
           (precision_ == precision::int8 ? 2 * sizeof(float) : 0);
  }
  // Of int8: the scales of a row's block.
  const char* scales_of(const char* weights, uint64_t row) const {
    return weights + row / serving_format::block_rows * block_bytes();
  }
  const char* row_at(const char* weights, uint64_t row) const {
    if (precision_ != precision::int8) return weights + row * row_bytes();
    return scales_of(weights, row) + 2 * sizeof(float) +
           row % serving_format::block_rows * row_bytes();
  }

  // Up to 16 rows (the last ones where fewer), width() apart, of finite numbers -> their bytes,
  // which are bytes(rows). They may come back as infinity: narrow numbers have a smaller range.
  void pack(const float* rows, size_t count, char* out) const;
  // row: of the section, or of a pack's own. out (width)
  void unpack(const char* weights, uint64_t row, float* out) const;

 private:
  precision precision_;
  uint64_t width_;
};

}  // namespace fmtrain
