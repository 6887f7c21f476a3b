#include "feature/separators.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace fmtrain {
namespace {

void mark_plain(const char* text, size_t bytes, uint64_t* words) {
  for (size_t at = 0; at < bytes; at += 64) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64; ++i) {
      const char c = text[at + i];
      word |= static_cast<uint64_t>(c == ' ' || c == '\t' || c == ':' || c == '\n') << i;
    }
    *words++ = word;
  }
}

#if defined(__x86_64__)
void mark_sse2(const char* text, size_t bytes, uint64_t* words) {
  const __m128i space = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t');
  const __m128i colon = _mm_set1_epi8(':'), newline = _mm_set1_epi8('\n');
  for (size_t at = 0; at < bytes; at += 64) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 16) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at + i));
      const __m128i hit =
          _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, space), _mm_cmpeq_epi8(v, tab)),
                       _mm_or_si128(_mm_cmpeq_epi8(v, colon), _mm_cmpeq_epi8(v, newline)));
      word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(hit))) << i;
    }
    *words++ = word;
  }
}

__attribute__((target("avx2"))) void mark_avx2(const char* text, size_t bytes, uint64_t* words) {
  const __m256i space = _mm256_set1_epi8(' '), tab = _mm256_set1_epi8('\t');
  const __m256i colon = _mm256_set1_epi8(':'), newline = _mm256_set1_epi8('\n');
  for (size_t at = 0; at < bytes; at += 64) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 32) {
      const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + at + i));
      const __m256i hit = _mm256_or_si256(
          _mm256_or_si256(_mm256_cmpeq_epi8(v, space), _mm256_cmpeq_epi8(v, tab)),
          _mm256_or_si256(_mm256_cmpeq_epi8(v, colon), _mm256_cmpeq_epi8(v, newline)));
      word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(hit))) << i;
    }
    *words++ = word;
  }
}

__attribute__((target("avx512f,avx512bw"))) void mark_avx512(const char* text, size_t bytes,
                                                             uint64_t* words) {
  const __m512i space = _mm512_set1_epi8(' '), tab = _mm512_set1_epi8('\t');
  const __m512i colon = _mm512_set1_epi8(':'), newline = _mm512_set1_epi8('\n');
  for (size_t at = 0; at < bytes; at += 64) {
    const __m512i v = _mm512_loadu_si512(text + at);
    *words++ = _mm512_cmpeq_epi8_mask(v, space) | _mm512_cmpeq_epi8_mask(v, tab) |
               _mm512_cmpeq_epi8_mask(v, colon) | _mm512_cmpeq_epi8_mask(v, newline);
  }
}
#elif defined(__ARM_NEON)
void mark_neon(const char* text, size_t bytes, uint64_t* words) {
  const uint8x16_t space = vdupq_n_u8(' '), tab = vdupq_n_u8('\t');
  const uint8x16_t colon = vdupq_n_u8(':'), newline = vdupq_n_u8('\n');
  const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  for (size_t at = 0; at < bytes; at += 64) {
    uint8x16_t hits[4];
    for (size_t i = 0; i < 4; ++i) {
      const uint8x16_t v = vld1q_u8(reinterpret_cast<const uint8_t*>(text + at + 16 * i));
      const uint8x16_t hit = vorrq_u8(vorrq_u8(vceqq_u8(v, space), vceqq_u8(v, tab)),
                                      vorrq_u8(vceqq_u8(v, colon), vceqq_u8(v, newline)));
      hits[i] = vandq_u8(hit, bit);
    }
    // Pairwise sums gather eight bytes' bits into one, three times over.
    const uint8x16_t pairs = vpaddq_u8(vpaddq_u8(hits[0], hits[1]), vpaddq_u8(hits[2], hits[3]));
    *words++ = vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
  }
}
#endif

}  // namespace

simd_list<mark_separators_function> all_mark_separators() {
#if defined(__x86_64__)
  const size_t extra = static_cast<size_t>(best_simd());
  return {{mark_plain, mark_sse2, mark_avx2, mark_avx512}, 2 + extra};
#elif defined(__ARM_NEON)
  return {{mark_plain, mark_neon}, 2};
#else
  return {{mark_plain}, 1};
#endif
}

const mark_separators_function mark_separators = all_mark_separators().best();

}  // namespace fmtrain
