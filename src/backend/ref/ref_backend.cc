#include "backend/ref/ref_backend.h"

#include "backend/common/memory_limit.h"
#include "backend/ref/ref_stage.h"
#include "core/error.h"
#include "graph/shape_inference.h"
#include "graph/validate.h"

namespace sooner {

namespace {

class RefCompiler final : public StageCompiler {
 public:
  explicit RefCompiler(std::shared_ptr<const RefNetwork> network) : network_(std::move(network)) {}
  [[nodiscard]] std::unique_ptr<const CompiledStage> compile(size_t stage) const override {
    return std::make_unique<const RefStage>(network_, stage);
  }

 private:
  std::shared_ptr<const RefNetwork> network_;
};

}  // namespace

std::unique_ptr<const StageCompiler> RefBackend::prepare(const Graph& graph, const TensorMap& weights,
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
  return std::make_unique<const RefCompiler>(std::make_shared<const RefNetwork>(graph, weights, options.batch_max));
}

}  // namespace sooner
