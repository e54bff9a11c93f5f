// One compiled stage of the reference backend.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/common/gate.h"
#include "backend/common/weights.h"

namespace sooner {

// What all stages of one compiled network share.
struct RefNetwork {
  RefNetwork(const Graph& network, const TensorMap& tensors, int32_t largest_batch);
  Graph graph;
  std::vector<Shape> shapes;  // by node id
  Weights weights;
  int32_t batch_max;
};

class RefStage final : public CompiledStage {
 public:
  RefStage(std::shared_ptr<const RefNetwork> network, size_t index);

  [[nodiscard]] std::span<const CarryTensor> carry_in() const override { return carry_in_; }
  [[nodiscard]] std::span<const CarryTensor> carry_out() const override { return carry_out_; }
  [[nodiscard]] std::span<const StepInfo> steps() const override { return steps_; }
  [[nodiscard]] size_t scratch_bytes() const override { return scratch_bytes_; }
  void run_step(size_t index, const StageBatch& batch, StageContext& context) const override;
  [[nodiscard]] std::vector<float> read_result(size_t index, const StageBatch& batch,
                                               const StageContext& context) const override;

 private:
  enum class Where : uint8_t { kSrc, kDst, kScratch, kLogits };
  // A node's parameters, found once.
  struct Parameters {
    std::span<const float> weight, bias, running_mean, running_var;
    double alpha = 0;  // of pooling
  };
  struct Place {
    Where where = Where::kScratch;
    size_t index = 0;   // of the carry tensor, for kSrc and kDst
    size_t offset = 0;  // bytes into scratch, for kScratch
  };

  void add_node_steps(const std::vector<NodeId>& nodes, bool head);
  void add_copies();
  [[nodiscard]] std::span<const float> read(NodeId id, const StageBatch& batch, std::span<std::byte> scratch,
                                            size_t row) const;
  [[nodiscard]] std::span<float> write(NodeId id, const StageBatch& batch, std::span<std::byte> scratch,
                                       size_t row) const;
  [[nodiscard]] size_t elements(NodeId id) const;
  [[nodiscard]] Parameters parameters_of(const Node& node) const;
  void run_node(const Node& node, const Parameters& parameters, std::span<const float> a, std::span<const float> b,
                NodeId id, std::span<float> dst) const;

  std::shared_ptr<const RefNetwork> network_;
  const Exit& exit_;
  std::vector<CarryTensor> carry_in_, carry_out_;
  std::vector<StepInfo> steps_;
  std::vector<NodeId> step_nodes_;  // node each step computes or copies; -1: the gate
  std::vector<Parameters> step_parameters_;
  std::map<NodeId, Place> read_from_;  // every value this stage reads
  std::map<NodeId, size_t> copied_;    // values that only pass through: index in carry_out
  std::unique_ptr<const GateUnit> gate_;
  size_t scratch_bytes_ = 0;
};

}  // namespace sooner
