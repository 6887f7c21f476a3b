#define FMTRAIN_KERNELS baseline
#include "model/kernels.inc"
