#include "backend/onednn/onednn_backend.h"

#include "backend/common/memory_limit.h"
#include "backend/onednn/library.h"
#include "backend/onednn/onednn_stage.h"
#include "backend/onednn/step_arguments.h"
#include "graph/shape_inference.h"
#include "graph/validate.h"

namespace sooner {
namespace {

class OnednnCompiler final : public StageCompiler {
 public:
  OnednnCompiler(const Graph& graph, const TensorMap& weights, const CompileOptions& options)
      : graph_(graph), shapes_(infer_shapes(graph)), weights_(graph, weights), options_(options) {
    expect_countable(shapes_, options.batch_max);
    if (options.quantisation == nullptr) return;
    quantisation_ = *options.quantisation;
    options_.quantisation = &quantisation_;
  }
  [[nodiscard]] std::unique_ptr<const CompiledStage> compile(size_t stage) const override {
    return std::make_unique<const onednn::OnednnStage>(onednn::StageSetup{graph_, shapes_, weights_, options_}, stage);
  }

 private:
  Graph graph_;
  std::vector<Shape> shapes_;  // by node id
  Weights weights_;
  CompileOptions options_;
  Quantisation quantisation_;
};

}  // namespace

std::string OnednnBackend::instruction_set() const { return onednn::isa_name(); }

bool OnednnBackend::supports(Precision precision) const {
  return precision != Precision::kBF16 || onednn::has_isa(dnnl::cpu_isa::avx512_core_bf16);
}

std::unique_ptr<const StageCompiler> OnednnBackend::prepare(const Graph& graph, const TensorMap& weights,
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
  return std::make_unique<const OnednnCompiler>(graph, weights, options);
}

}  // namespace sooner
