// The kernels for AVX-512 (F, BW, DQ, VL).
#define SOONER_REGISTER_BYTES 64
#define SOONER_KERNEL_TABLE kAvx512Kernels
#define SOONER_LINEAR_ROWS 4
#define SOONER_LINEAR_BLOCKS 2
#include "backend/onednn/kernels_body.inc"
