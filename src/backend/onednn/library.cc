#include "backend/onednn/library.h"

#include <omp.h>

#include <array>
#include <utility>

namespace sooner::onednn {

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

bool has_isa(dnnl::cpu_isa isa) {
  // Each value is a set of bits that holds the bits of the sets it extends.
  const auto have = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto want = static_cast<unsigned>(isa);
  return (have & want) == want;
}

std::string isa_name() {
  using dnnl::cpu_isa;
  constexpr std::array<std::pair<cpu_isa, const char*>, 9> kNames{{
      {cpu_isa::avx512_core_amx_fp16, "avx512_core_amx_fp16"},
      {cpu_isa::avx512_core_amx, "avx512_core_amx"},
      {cpu_isa::avx512_core_fp16, "avx512_core_fp16"},
      {cpu_isa::avx512_core_bf16, "avx512_core_bf16"},
      {cpu_isa::avx512_core_vnni, "avx512_core_vnni"},
      {cpu_isa::avx512_core, "avx512_core"},
      {cpu_isa::avx2_vnni, "avx2_vnni"},
      {cpu_isa::avx2, "avx2"},
      {cpu_isa::avx, "avx"},
  }};
  for (const auto& [isa, name] : kNames) {
    if (has_isa(isa)) return name;
  }
  return "sse41";
}

OneThread::OneThread() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}

OneThread::~OneThread() {
  if (before_ != 1) omp_set_num_threads(before_);
}

}  // namespace sooner::onednn
