#include "backend/onednn/onednn_backend.h"

#include "backend/common/memory_limit.h"
#include "backend/onednn/library.h"
#include "backend/onednn/onednn_stage.h"
#include "graph/shape_inference.h"

namespace sooner {

std::string OnednnBackend::instruction_set() const { return onednn::isa_name(); }

bool OnednnBackend::supports(Precision precision) const {
  return precision != Precision::kBF16 || onednn::has_isa(dnnl::cpu_isa::avx512_core_bf16);
}

std::vector<std::unique_ptr<const CompiledStage>> OnednnBackend::compile(const Graph& graph, const TensorMap& weights,
                                                                         const CompileOptions& options) const {
  validate(graph);
  if (!supports(options.precision)) {
    fail(Code::kFailedPrecondition, "[onednn] {} needs AVX-512 with bf16, got {}; use --precision fp32",
         to_string(options.precision), instruction_set());
  }
  if (options.precision == Precision::kInt8 && options.quantisation == nullptr) {
    fail(Code::kFailedPrecondition,
         "[onednn] int8 needs the scales of the network's maps, and this model has no quantisation; run `sooner "
         "quantize` on it, or use --precision fp32");
  }
  if (options.batch_max < 1) {
    fail(Code::kInvalidArgument, "[onednn] batch_max is {}, expected 1 or more", options.batch_max);
  }
  const std::vector<Shape> shapes = infer_shapes(graph);
  expect_countable(shapes, options.batch_max);
  const Weights checked(graph, weights);
  const onednn::StageSetup setup{graph, shapes, checked, options};
  std::vector<std::unique_ptr<const CompiledStage>> stages;
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    stages.push_back(std::make_unique<const onednn::OnednnStage>(setup, k));
  }
  return stages;
}

}  // namespace sooner
