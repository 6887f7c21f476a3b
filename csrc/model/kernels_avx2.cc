#define FMTRAIN_KERNELS avx2
#include "model/kernels.inc"
