// The end of a token: the first space, tab, colon or newline at or after p. May read up to 16 bytes
// past the newline that ends the chunk (padding_bytes in hash.h).
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace fmtrain {

inline bool ends_token(char c) { return c == ' ' || c == '\t' || c == ':' || c == '\n'; }

inline const char* scan_token_portable(const char* p) {
  while (!ends_token(*p)) ++p;
  return p;
}

#if defined(__SSE2__)
inline const char* scan_token(const char* p) {
  const __m128i space = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t');
  const __m128i colon = _mm_set1_epi8(':'), newline = _mm_set1_epi8('\n');
  for (;; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, space), _mm_cmpeq_epi8(bytes, tab)),
                     _mm_or_si128(_mm_cmpeq_epi8(bytes, colon), _mm_cmpeq_epi8(bytes, newline)));
    const int mask = _mm_movemask_epi8(hit);
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
}
#elif defined(__ARM_NEON)
inline const char* scan_token(const char* p) {
  const uint8x16_t space = vdupq_n_u8(' '), tab = vdupq_n_u8('\t');
  const uint8x16_t colon = vdupq_n_u8(':'), newline = vdupq_n_u8('\n');
  for (;; p += 16) {
    const uint8x16_t bytes = vld1q_u8(reinterpret_cast<const uint8_t*>(p));
    const uint8x16_t hit = vorrq_u8(vorrq_u8(vceqq_u8(bytes, space), vceqq_u8(bytes, tab)),
                                    vorrq_u8(vceqq_u8(bytes, colon), vceqq_u8(bytes, newline)));
    // Four bits a byte: NEON's stand-in for movemask.
    const uint64_t mask =
        vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hit), 4)), 0);
    if (mask != 0) return p + (__builtin_ctzll(mask) >> 2);
  }
}
#else
inline const char* scan_token(const char* p) { return scan_token_portable(p); }
#endif

}  // namespace fmtrain
