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

double running_score::total(size_t factors) const {
  double pairs = 0;
  for (size_t f = 0; f < factors; ++f) {
    const auto s = static_cast<double>(sum[f]);
    pairs += s * s - static_cast<double>(square[f]);
  }
  return factors == 0 ? linear_total(linear) : linear_total(linear) + 0.5 * pairs;
}

const kernels& best_kernels() {
  static const kernels& best = *kernels_of(best_simd());
  return best;
}

}  // namespace fmtrain
