// Which instruction sets this processor and its kernel offer, read once.
#pragma once

namespace fmtrain {

// Each level includes those before it.
enum class simd { baseline, avx2, avx512 };

inline simd best_simd() {
#if defined(__x86_64__)
  static const simd best = [] {
    __builtin_cpu_init();
    // What kernels_avx512.cc is compiled with; no processor has these four without avx2.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
      return simd::avx512;
    }
    return __builtin_cpu_supports("avx2") ? simd::avx2 : simd::baseline;
  }();
  return best;
#else
  return simd::baseline;
#endif
}

}  // namespace fmtrain
