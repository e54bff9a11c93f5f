// The reference backend: every graph node is one step of plain loops in fp32, nothing fused, nothing blocked.
// Slow and right; it settles arguments between backends. Rows are row-major fp32.
#pragma once

#include "backend/backend.h"

namespace sooner {

class RefBackend final : public Backend {
 public:
  [[nodiscard]] std::string_view name() const override { return "ref"; }
  [[nodiscard]] std::string instruction_set() const override { return "portable"; }
  [[nodiscard]] bool supports(Precision precision) const override { return precision == Precision::kF32; }
  [[nodiscard]] std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                             const CompileOptions& options) const override;
};

}  // namespace sooner
