#define FMTRAIN_KERNELS avx512
#include "model/kernels.inc"
