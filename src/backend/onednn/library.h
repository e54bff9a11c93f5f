// oneDNN as this backend uses it: one CPU engine, one thread per call, errors turned into ours.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "core/error.h"

namespace sooner::onednn {

// The process's CPU engine. Thread-safe.
const dnnl::engine& cpu_engine();

// Whether oneDNN will use `isa` here: what the processor has, capped by ONEDNN_MAX_CPU_ISA.
bool has_isa(dnnl::cpu_isa isa);
// "avx512_core_bf16"
std::string isa_name();

// oneDNN asks OpenMP for threads, both when a primitive is made and when it runs; answers here are one thread's work.
// While one of these lives, the calling thread's OpenMP parallel regions have one thread; the former setting
// returns afterwards.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// Runs `call`; a dnnl::error becomes Error(kInternal) naming `what`.
template <typename Call>
auto guarded(const std::string& what, const Call& call) {
  try {
    return call();
  } catch (const dnnl::error& error) {
    fail(Code::kInternal, "[onednn] '{}' failed: {} (status {})", what, error.what(), static_cast<int>(error.status));
  }
}

}  // namespace sooner::onednn
