#include "model/kernels.h"

namespace fmtrain {

extern const kernels kernels_baseline;
#if defined(__x86_64__)
extern const kernels kernels_avx2, kernels_avx512;
#endif

const kernels* kernels_of(simd level) {
  if (level > best_simd()) return nullptr;
#if defined(__x86_64__)
  if (level == simd::avx512) return &kernels_avx512;
  if (level == simd::avx2) return &kernels_avx2;
#endif
  return level == simd::baseline ? &kernels_baseline : nullptr;
}

const kernels& best_kernels() {
  static const kernels& best = *kernels_of(best_simd());
  return best;
}

}  // namespace fmtrain
