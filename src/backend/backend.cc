#include "backend/backend.h"

namespace sooner {

std::vector<std::unique_ptr<const CompiledStage>> Backend::compile(const Graph& graph, const TensorMap& weights,
                                                                   const CompileOptions& options) const {
  const auto compiler = prepare(graph, weights, options);
  std::vector<std::unique_ptr<const CompiledStage>> stages;
  for (size_t k = 0; k < graph.stages.size(); ++k) stages.push_back(compiler->compile(k));
  return stages;
}

}  // namespace sooner
