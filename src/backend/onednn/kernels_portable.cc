// The kernels for any processor of this architecture.
#define SOONER_REGISTER_BYTES 16
#define SOONER_KERNEL_TABLE kPortableKernels
#define SOONER_LINEAR_ROWS 1
#define SOONER_LINEAR_BLOCKS 1
#include "backend/onednn/kernels_body.inc"
