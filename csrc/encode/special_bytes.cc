#include "encode/special_bytes.h"

#include "encode/names.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace fmtrain {
namespace {

void mark_plain(const char* text, size_t bytes, char separator, char quote, uint64_t* words) {
  for (size_t at = 0; at < bytes; at += 64) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64; ++i) {
      const char c = text[at + i];
      word |= static_cast<uint64_t>(needs_escape(c) || c == separator || c == quote) << i;
    }
    *words++ = word;
  }
}

#if defined(__x86_64__)
void mark_sse2(const char* text, size_t bytes, char separator, char quote, uint64_t* words) {
  const __m128i blank = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7f);
  const __m128i colon = _mm_set1_epi8(':'), percent = _mm_set1_epi8('%');
  const __m128i ampersand = _mm_set1_epi8('&');
  const __m128i end = _mm_set1_epi8(separator), mark = _mm_set1_epi8(quote);
  for (size_t at = 0; at < bytes; at += 64) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 16) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at + i));
      const __m128i low =
          _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, blank), v), _mm_cmpeq_epi8(v, del));
      const __m128i in_names =
          _mm_or_si128(_mm_cmpeq_epi8(v, colon),
                       _mm_or_si128(_mm_cmpeq_epi8(v, percent), _mm_cmpeq_epi8(v, ampersand)));
      const __m128i in_rows = _mm_or_si128(_mm_cmpeq_epi8(v, end), _mm_cmpeq_epi8(v, mark));
      const __m128i hit = _mm_or_si128(low, _mm_or_si128(in_names, in_rows));
      word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(hit))) << i;
    }
    *words++ = word;
  }
}

__attribute__((target("avx2"))) void mark_avx2(const char* text, size_t bytes, char separator,
                                               char quote, uint64_t* words) {
  const __m256i blank = _mm256_set1_epi8(0x20), del = _mm256_set1_epi8(0x7f);
  const __m256i colon = _mm256_set1_epi8(':'), percent = _mm256_set1_epi8('%');
  const __m256i ampersand = _mm256_set1_epi8('&');
  const __m256i end = _mm256_set1_epi8(separator), mark = _mm256_set1_epi8(quote);
  for (size_t at = 0; at < bytes; at += 64) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 32) {
      const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + at + i));
      const __m256i low = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(v, blank), v),
                                          _mm256_cmpeq_epi8(v, del));
      const __m256i in_names = _mm256_or_si256(
          _mm256_cmpeq_epi8(v, colon),
          _mm256_or_si256(_mm256_cmpeq_epi8(v, percent), _mm256_cmpeq_epi8(v, ampersand)));
      const __m256i in_rows =
          _mm256_or_si256(_mm256_cmpeq_epi8(v, end), _mm256_cmpeq_epi8(v, mark));
      const __m256i hit = _mm256_or_si256(low, _mm256_or_si256(in_names, in_rows));
      word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(hit))) << i;
    }
    *words++ = word;
  }
}

__attribute__((target("avx512f,avx512bw"))) void mark_avx512(const char* text, size_t bytes,
                                                             char separator, char quote,
                                                             uint64_t* words) {
  const __m512i blank = _mm512_set1_epi8(0x20), del = _mm512_set1_epi8(0x7f);
  const __m512i colon = _mm512_set1_epi8(':'), percent = _mm512_set1_epi8('%');
  const __m512i ampersand = _mm512_set1_epi8('&');
  const __m512i end = _mm512_set1_epi8(separator), mark = _mm512_set1_epi8(quote);
  for (size_t at = 0; at < bytes; at += 64) {
    const __m512i v = _mm512_loadu_si512(text + at);
    *words++ = _mm512_cmple_epu8_mask(v, blank) | _mm512_cmpeq_epi8_mask(v, del) |
               _mm512_cmpeq_epi8_mask(v, colon) | _mm512_cmpeq_epi8_mask(v, percent) |
               _mm512_cmpeq_epi8_mask(v, ampersand) | _mm512_cmpeq_epi8_mask(v, end) |
               _mm512_cmpeq_epi8_mask(v, mark);
  }
}
#elif defined(__ARM_NEON)
void mark_neon(const char* text, size_t bytes, char separator, char quote, uint64_t* words) {
  const uint8x16_t blank = vdupq_n_u8(0x20), del = vdupq_n_u8(0x7f);
  const uint8x16_t colon = vdupq_n_u8(':'), percent = vdupq_n_u8('%');
  const uint8x16_t ampersand = vdupq_n_u8('&');
  const uint8x16_t end = vdupq_n_u8(static_cast<uint8_t>(separator));
  const uint8x16_t mark = vdupq_n_u8(static_cast<uint8_t>(quote));
  const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  for (size_t at = 0; at < bytes; at += 64) {
    uint8x16_t hits[4];
    for (size_t i = 0; i < 4; ++i) {
      const uint8x16_t v = vld1q_u8(reinterpret_cast<const uint8_t*>(text + at + 16 * i));
      const uint8x16_t low = vorrq_u8(vcleq_u8(v, blank), vceqq_u8(v, del));
      const uint8x16_t in_names =
          vorrq_u8(vceqq_u8(v, colon), vorrq_u8(vceqq_u8(v, percent), vceqq_u8(v, ampersand)));
      const uint8x16_t in_rows = vorrq_u8(vceqq_u8(v, end), vceqq_u8(v, mark));
      hits[i] = vandq_u8(vorrq_u8(low, vorrq_u8(in_names, in_rows)), bit);
    }
    // Pairwise sums gather eight bytes' bits into one, three times over.
    const uint8x16_t pairs = vpaddq_u8(vpaddq_u8(hits[0], hits[1]), vpaddq_u8(hits[2], hits[3]));
    *words++ = vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
  }
}
#endif

}  // namespace

simd_list<mark_special_function> all_mark_special() {
#if defined(__x86_64__)
  const size_t extra = static_cast<size_t>(best_simd());
  return {{mark_plain, mark_sse2, mark_avx2, mark_avx512}, 2 + extra};
#elif defined(__ARM_NEON)
  return {{mark_plain, mark_neon}, 2};
#else
  return {{mark_plain}, 1};
#endif
}

const mark_special_function mark_special = all_mark_special().best();

}  // namespace fmtrain
