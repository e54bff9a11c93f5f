// What this processor can do, asked once.
#pragma once

#include <string>

namespace sooner {

struct CpuFeatures {
  bool avx2 = false;
  bool avx512 = false;  // F, BW, DQ and VL together
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
  bool amx_bf16 = false;
  bool amx_int8 = false;
  // bf16 arithmetic in hardware; without it bf16 is many times slower than fp32.
  [[nodiscard]] bool has_fast_bf16() const { return avx512_bf16 || amx_bf16; }
};

const CpuFeatures& cpu_features();
// "AMD EPYC" and so on, from /proc/cpuinfo; "unknown" elsewhere.
std::string cpu_name();
// "avx2 avx512 bf16 vnni"
std::string to_string(const CpuFeatures& features);
// Processors this process may run on.
int cpu_count();

}  // namespace sooner
