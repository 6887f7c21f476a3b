// Which instruction sets this processor and its kernel offer, read once.
#pragma once

#include <cstddef>

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

// One function as it was built for several of them, the plain one first, the fastest that runs here
// last.
template <class Function>
struct simd_list {
  Function functions[4];
  size_t count;
  Function best() const { return functions[count - 1]; }
};

}  // namespace fmtrain
