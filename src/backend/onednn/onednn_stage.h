// One compiled stage of the oneDNN backend: a list of steps and the plan of their memory.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "backend/common/gate.h"
#include "backend/common/weights.h"
#include "backend/onednn/convolution.h"
#include "backend/onednn/kernels.h"
#include "backend/onednn/linear_weights.h"
#include "backend/onednn/stage_plan.h"

namespace sooner::onednn {

struct StageSetup;

class OnednnStage final : public CompiledStage {
 public:
  OnednnStage(const StageSetup& setup, size_t index);
  ~OnednnStage() override;

  [[nodiscard]] std::span<const CarryTensor> carry_in() const override { return carry_in_; }
  [[nodiscard]] std::span<const CarryTensor> carry_out() const override { return carry_out_; }
  [[nodiscard]] std::span<const StepInfo> steps() const override { return infos_; }
  [[nodiscard]] size_t scratch_bytes() const override { return scratch_bytes_; }
  [[nodiscard]] int32_t rows_at_once() const override { return rows_at_once_; }
  [[nodiscard]] std::unique_ptr<StageContext> make_context() const override;
  void run_step(size_t index, const StageBatch& batch, StageContext& context) const override;
  [[nodiscard]] std::vector<float> read_result(size_t index, const StageBatch& batch,
                                               const StageContext& context) const override;

 private:
  enum class Where : uint8_t { kSrc, kDst, kScratch, kLogits };
  enum class Storage : uint8_t { kF32, kBF16, kInt8 };
  // Where the rows of one value lie, and as what.
  struct Place {
    Where where = Where::kScratch;
    size_t index = 0;  // of the carry tensor, or offset into scratch
    size_t row_elements = 0;
    size_t row_bytes = 0;
    Storage storage = Storage::kF32;
    MapScale scale = {};  // of kInt8
  };
  struct Step {
    StepKind kind = StepKind::kCopy;
    Place src, src2, dst;
    bool relu = false;
    bool is_wide = false;             // computed in fp32 between int8 maps
    bool copies_residual = false;     // a convolution whose residual does not lie in dst yet
    size_t channels = 0, pixels = 0;  // of src
    std::unique_ptr<const Convolution> convolution;
    std::optional<LinearWeights> linear;
    bool feeds_gate = false;          // linear: its last output is the gate's part from the features
    std::vector<float> scale, shift;  // batch norm on its own, [C]
    double epsilon = 0;               // of a layer norm
    std::vector<uint32_t> order;      // of a shuffle
    // Extents and attributes; pointers are set when it runs.
    ElementwiseArguments elements;
    ChannelArguments move;
    PadArguments pad;
    ResponseNormArguments norm;
    PoolArguments pool;
  };
  struct Context;
  // The rows a step works on, and where.
  struct Operands {
    size_t n = 0;
    const std::byte* src = nullptr;
    const std::byte* src2 = nullptr;
    std::byte* dst = nullptr;
    size_t dst_row_bytes = 0;
    std::byte* library_scratch = nullptr;
    Context* context = nullptr;
  };

  [[nodiscard]] static Place place_of(const StageSetup& setup, NodeId id, Where where, size_t at);
  [[nodiscard]] static const ElementKernels& kernels_for(Storage storage);
  void place_values(const StageSetup& setup, size_t index, const std::vector<PlannedStep>& plan);
  void add_step(const StageSetup& setup, size_t index, const PlannedStep& planned);
  void add_convolution(const StageSetup& setup, const PlannedStep& planned, Step& step);
  void add_linear(const StageSetup& setup, size_t index, const PlannedStep& planned, Step& step, StepInfo& info);
  [[nodiscard]] const std::byte* read(const Place& place, const StageBatch& batch, std::span<std::byte> scratch) const;
  [[nodiscard]] std::byte* write(const Place& place, const StageBatch& batch, std::span<std::byte> scratch) const;
  void compute(size_t index, const Operands& operands, const ElementKernels& kernels) const;
  static void move_channels(const Step& step, const Operands& operands, const ElementKernels& kernels,
                            ByteCode src_code);
  void compute_wide(size_t index, const Operands& operands, std::byte* scratch) const;
  void run_linear(const Step& step, const StageBatch& batch, std::span<std::byte> scratch) const;
  void run_gate(const StageBatch& batch, std::span<std::byte> scratch) const;

  int32_t batch_max_;
  size_t classes_;
  Precision precision_;
  std::vector<CarryTensor> carry_in_, carry_out_;
  std::map<NodeId, Place> places_;
  std::vector<Step> steps_;
  std::vector<StepInfo> infos_;
  std::optional<GateUnit> gate_;
  size_t gate_dots_offset_ = 0;  // floats [batch_max, classes + 1] in scratch: logits and gate dots side by side
  size_t wide_offset_ = 0;       // fp32 rows of wide steps in scratch
  size_t library_offset_ = 0;    // oneDNN's scratchpad in scratch
  size_t scratch_bytes_ = 0;
  int32_t rows_at_once_ = 1;
};

}  // namespace sooner::onednn
