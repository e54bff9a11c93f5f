// The kernels for AVX2 with FMA.
#define SOONER_REGISTER_BYTES 32
#define SOONER_KERNEL_TABLE kAvx2Kernels
#define SOONER_LINEAR_ROWS 3
#define SOONER_LINEAR_BLOCKS 1
#include "backend/onednn/kernels_body.inc"
