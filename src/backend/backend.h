// How to compute a stage. A backend compiles a network's stages once; a compiled stage then runs, step by step, for
// any number of samples up to its batch_max, with memory the caller owns.
//
// Letters: n samples present, C classes. A *row* is one sample's part of a tensor that crosses a cut: `row_bytes`
// opaque bytes in the backend's own layout, samples outermost, so survivors are compacted by moving rows.
//
// Behaviour is added by wrapping (counting_backend.h counts executed MACs), never by flags inside.
// Compiled stages are immutable and may be shared by threads; a StageContext belongs to one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/aligned_buffer.h"
#include "core/dtype.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/quantisation.h"

namespace sooner {

// One primitive: what ran, for people, profiles and counters.
struct StepInfo {
  std::string name;  // of the node it computes, "conv1" (fused nodes: the first one's)
  OpKind op = OpKind::kInput;
  std::vector<NodeId> nodes;  // every graph node fused into it
  int64_t macs = 0;           // per sample, from the primitive's own extents
  bool head = false;          // part of the head (or gate): skipped when the policy does not need the exit
};

struct CarryTensor {
  NodeId node = -1;
  size_t row_bytes = 0;
};

// The buffers of one run. All batch tensors hold `n` rows.
struct StageBatch {
  int32_t n = 0;
  // Identity of each present sample, [n]: for wrappers that attribute work to samples. Not read by kernels.
  std::span<const uint64_t> samples;
  // One pointer per carry_in() tensor. Stage 0 has one: the images, plain fp32 [n, C, H, W].
  std::span<const std::byte* const> src;
  // One pointer per carry_out() tensor; may not overlap src.
  std::span<std::byte* const> dst;
  float* logits = nullptr;       // [n, C]; written by head steps
  float* gate_logits = nullptr;  // [n], pre-sigmoid; written when the exit has a gate, by head steps
};

// What one thread needs to run one stage over and over: memory, and whatever handles a library wants.
class StageContext {
 public:
  StageContext() = default;
  virtual ~StageContext() = default;
  StageContext(const StageContext&) = delete;
  StageContext& operator=(const StageContext&) = delete;

  // The caller's: scratch_bytes() of the stage, 64-byte aligned. Stages of one thread may share it.
  std::span<std::byte> scratch;
};

class CompiledStage {
 public:
  virtual ~CompiledStage() = default;
  [[nodiscard]] virtual std::span<const CarryTensor> carry_in() const = 0;
  [[nodiscard]] virtual std::span<const CarryTensor> carry_out() const = 0;
  // Trunk steps first, then head steps.
  [[nodiscard]] virtual std::span<const StepInfo> steps() const = 0;
  [[nodiscard]] virtual size_t scratch_bytes() const = 0;
  // Without scratch; the caller sets it.
  [[nodiscard]] virtual std::unique_ptr<StageContext> make_context() const { return std::make_unique<StageContext>(); }
  // Rows that one pass over the steps is best given, so that what the steps hand to each other stays in the cache; a
  // caller with more rows passes over the steps once for every so many. At least 1; may exceed batch_max.
  [[nodiscard]] virtual int32_t rows_at_once() const { return std::numeric_limits<int32_t>::max(); }
  // Computes step `index` for the batch. Steps run in order; intermediate values live in scratch between steps of one
  // batch. REQUIRES: 1 <= batch.n <= batch_max; a context of this stage, its scratch set.
  // No allocation by our code, no lock. Throws kInternal when the library underneath fails.
  virtual void run_step(size_t index, const StageBatch& batch, StageContext& context) const = 0;
  // For observers: what step `index` has just written for its last node, as fp32, row after row, each row in the
  // backend's own order. REQUIRES: the same batch and context, before the next step runs. Not for a gate.
  [[nodiscard]] virtual std::vector<float> read_result(size_t index, const StageBatch& batch,
                                                       const StageContext& context) const = 0;
};

struct CompileOptions {
  Precision precision = Precision::kF32;
  int32_t batch_max = 128;
  const Quantisation* quantisation = nullptr;  // for int8; read by prepare, not kept
};

// A network whose weights fit it, compiled stage by stage: in any order, by any thread.
class StageCompiler {
 public:
  virtual ~StageCompiler() = default;
  // Stage k's carry_out equals stage k+1's carry_in. Throws kFailedPrecondition naming a map without the scale that
  // int8 needs, kInternal when the library underneath fails.
  [[nodiscard]] virtual std::unique_ptr<const CompiledStage> compile(size_t stage) const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;  // "ref", "onednn"
  // What the kernels will use here: "portable", "avx512_core_bf16".
  [[nodiscard]] virtual std::string instruction_set() const = 0;
  [[nodiscard]] virtual bool supports(Precision precision) const = 0;
  // Checks what it can and compiles nothing yet. The weights' bytes are shared, not copied. Throws kFailedPrecondition
  // naming the precision this machine lacks, or that int8 has no scales; kInvalidArgument for weights that do not fit
  // the graph.
  [[nodiscard]] virtual std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                                     const CompileOptions& options) const = 0;
  // All stages, in order. Throws what prepare and StageCompiler::compile throw.
  [[nodiscard]] std::vector<std::unique_ptr<const CompiledStage>> compile(const Graph& graph, const TensorMap& weights,
                                                                          const CompileOptions& options) const;
};

// "ref", and "onednn" where it was built in; "auto" is the fastest built in. Throws kInvalidArgument naming the
// choices, kFailedPrecondition when it was left out of this build.
std::unique_ptr<const Backend> make_backend(std::string_view name);
std::vector<std::string> backend_names();

}  // namespace sooner
