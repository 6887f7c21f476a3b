#include "serve/row_pack.h"

#include <algorithm>
#include <cmath>

namespace fmtrain {

using namespace serving_format;

uint16_t narrow_to_half(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  bits &= 0x7fffffffu;
  if (bits >= 0x47800000u) return sign | 0x7c00u;  // 2^16 and beyond
  // Below the smallest normal half the last place is 2^-24 throughout: 1/2 has that last place as a
  // float, and adding rounds to it.
  if (bits < 0x38800000u) {
    float magnitude;
    std::memcpy(&magnitude, &bits, sizeof magnitude);
    magnitude += 0.5f;
    std::memcpy(&bits, &magnitude, sizeof bits);
    return static_cast<uint16_t>(sign | (bits - 0x3f000000u));
  }
  // 13 bits go: half of their last place, less one unless what stays is odd. Carries end where they
  // should, in the exponent or at infinity.
  const uint32_t rounded = bits - (112u << 23) + 0x0fffu + (bits >> 13 & 1u);
  return static_cast<uint16_t>(sign | rounded >> 13);
}

namespace {

// The largest magnitude becomes 127. `stride` floats from row to row.
float scale_of(const float* values, size_t width, size_t rows, size_t stride) {
  float largest = 0;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < width; ++i) {
      largest = std::max(largest, std::fabs(values[r * stride + i]));
    }
  }
  return largest / 127;
}

// A scale that is no normal number has lost its digits, or is 0: the quotient may be anything.
int8_t quantised(float value, float scale) {
  if (value == 0 || scale == 0) return 0;
  return static_cast<int8_t>(std::clamp(std::nearbyint(value / scale), -127.0f, 127.0f));
}

void pack_int8(const float* rows, size_t width, size_t count, char* out) {
  const float scales[2] = {scale_of(rows, 1, count, width),
                           scale_of(rows + 1, width - 1, count, width)};
  std::memcpy(out, scales, sizeof scales);
  out += sizeof scales;
  std::memset(out, 0, block_rows * width);
  for (size_t i = 0; i < count * width; ++i) {
    out[i] = static_cast<char>(quantised(rows[i], scales[i % width == 0 ? 0 : 1]));
  }
}

}  // namespace

void row_shape::pack(const float* rows, size_t count, char* out) const {
  switch (precision_) {
    case precision::float32: std::memcpy(out, rows, count * row_bytes()); break;
    case precision::float16:
      for (size_t i = 0; i < count * width_; ++i) {
        const uint16_t half = narrow_to_half(rows[i]);
        std::memcpy(out + i * sizeof half, &half, sizeof half);
      }
      break;
    case precision::int8: pack_int8(rows, width_, count, out); break;
  }
}

void row_shape::unpack(const char* weights, uint64_t row, float* out) const {
  const char* const at = row_at(weights, row);
  switch (precision_) {
    case precision::float32: std::memcpy(out, at, row_bytes()); break;
    case precision::float16:
      for (uint64_t i = 0; i < width_; ++i) {
        uint16_t half;
        std::memcpy(&half, at + i * sizeof half, sizeof half);
        out[i] = widen_half(half);
      }
      break;
    case precision::int8: {
      float scales[2];
      std::memcpy(scales, scales_of(weights, row), sizeof scales);
      out[0] = static_cast<float>(static_cast<int8_t>(at[0])) * scales[0];
      for (uint64_t i = 1; i < width_; ++i) {
        out[i] = static_cast<float>(static_cast<int8_t>(at[i])) * scales[1];
      }
      break;
    }
  }
}

}  // namespace fmtrain
