#include "backend/onednn/kernels.h"

#include "backend/onednn/library.h"

namespace sooner::onednn {
namespace {

const KernelTable& widest_table() {
  if (has_isa(dnnl::cpu_isa::avx512_core)) return kAvx512Kernels;
  if (has_isa(dnnl::cpu_isa::avx2)) return kAvx2Kernels;
  return kPortableKernels;
}

}  // namespace

const KernelTable& kernel_table() {
  static const KernelTable& table = widest_table();  // asking oneDNN takes longer than some kernels
  return table;
}

}  // namespace sooner::onednn
