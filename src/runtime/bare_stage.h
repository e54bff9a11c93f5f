// One compiled stage with memory of its own, run without session and policy: what a stage costs by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "core/aligned_buffer.h"

namespace sooner {

class BareStage {
 public:
  // For up to `rows` rows. It reads `input`: [rows, …] of every carry_in tensor (images for stage 0), which must
  // outlive it; output() of the stage before is one.
  BareStage(const CompiledStage& stage, std::vector<const std::byte*> input, int64_t classes, int32_t rows);

  // Reads these rows from now on, as those the constructor got.
  void read_from(std::vector<const std::byte*> input) { input_ = std::move(input); }
  // All steps, head included, for the first `rows` rows, as many at a time as the stage likes best.
  void run(int32_t rows);
  // The same, and adds to each step's seconds, [steps].
  void run(int32_t rows, std::span<double> step_seconds);

  [[nodiscard]] std::vector<const std::byte*> output() const;

 private:
  template <typename AfterStep>
  void run_all(int32_t rows, const AfterStep& after_step);

  const CompiledStage& stage_;
  int64_t classes_;
  std::vector<const std::byte*> input_;
  std::vector<AlignedBuffer> output_;
  AlignedBuffer scratch_;
  std::unique_ptr<StageContext> context_;
  std::vector<const std::byte*> src_;  // of the rows at hand
  std::vector<std::byte*> dst_;
  std::vector<float> logits_, gate_logits_;
  std::vector<int32_t> samples_;
};

}  // namespace sooner
