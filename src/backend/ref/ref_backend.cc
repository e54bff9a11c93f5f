#include "backend/ref/ref_backend.h"

#include "backend/common/memory_limit.h"
#include "backend/ref/ref_stage.h"
#include "core/error.h"
#include "graph/shape_inference.h"

namespace sooner {

std::vector<std::unique_ptr<const CompiledStage>> RefBackend::compile(const Graph& graph, const TensorMap& weights,
                                                                      const CompileOptions& options) const {
  validate(graph);
  if (!supports(options.precision)) {
    fail(Code::kFailedPrecondition, "[ref] computes in fp32 only, got {}; use --precision fp32 or --backend onednn",
         to_string(options.precision));
  }
  if (options.batch_max < 1) {
    fail(Code::kInvalidArgument, "[ref] batch_max is {}, expected 1 or more", options.batch_max);
  }
  expect_countable(infer_shapes(graph), options.batch_max);
  const auto network = std::make_shared<const RefNetwork>(graph, weights, options.batch_max);
  std::vector<std::unique_ptr<const CompiledStage>> stages;
  for (size_t k = 0; k < graph.stages.size(); ++k) stages.push_back(std::make_unique<const RefStage>(network, k));
  return stages;
}

}  // namespace sooner
