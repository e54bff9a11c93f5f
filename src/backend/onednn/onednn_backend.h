// The fast CPU backend: convolutions by oneDNN (its v3 interface), everything else by kernels of our own.
//
// fp32, bf16 (where the processor has AVX-512 with bf16; activations and convolution weights are bf16 then, sums,
// vectors and linear layers fp32) and int8 (a network with a quantisation; maps are bytes and convolutions whole
// numbers, but for the image and what reads it; vectors and linear layers fp32). Maps are channels last from the first
// convolution to the head and across cuts, so a row is one sample's [H, W, C]. Single-threaded: run one session per
// thread. A sample's bits do not depend on its batch-mates. Finite input is assumed.
#pragma once

#include "backend/backend.h"

namespace sooner {

class OnednnBackend final : public Backend {
 public:
  [[nodiscard]] std::string_view name() const override { return "onednn"; }
  // As capped by ONEDNN_MAX_CPU_ISA.
  [[nodiscard]] std::string instruction_set() const override;
  [[nodiscard]] bool supports(Precision precision) const override;
  [[nodiscard]] std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                             const CompileOptions& options) const override;
};

}  // namespace sooner
