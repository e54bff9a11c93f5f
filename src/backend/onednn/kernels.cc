#include "backend/onednn/kernels.h"

#include "backend/onednn/library.h"

namespace sooner::onednn {

const KernelTable& kernel_table() {
  if (has_isa(dnnl::cpu_isa::avx512_core)) return kAvx512Kernels;
  if (has_isa(dnnl::cpu_isa::avx2)) return kAvx2Kernels;
  return kPortableKernels;
}

}  // namespace sooner::onednn
