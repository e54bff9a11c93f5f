// One compiled stage run without session and policy, what a stage costs by itself: a driver of StageRunner::compute.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "core/clock.h"
#include "runtime/stage_runner.h"

namespace sooner {

class BareStage {
 public:
  // For up to `rows` rows. It reads `input`: [rows, …] of every carry_in tensor (images for stage 0), which must
  // outlive it; output() of the stage before is one.
  BareStage(const CompiledStage& stage, const std::vector<const std::byte*>& input, int64_t classes, int32_t rows);

  // Reads these rows from now on, as those the constructor got.
  void read_from(const std::vector<const std::byte*>& input);
  // All steps, head included, for the first `rows` rows, as many at a time as the stage likes best.
  void run(int32_t rows);
  // The same, and adds to each step's seconds, [steps].
  void run(int32_t rows, std::span<double> step_seconds, const Clock& clock = steady_clock());

  [[nodiscard]] std::vector<const std::byte*> output() const;

 private:
  Workers workers_;
  StageRunner runner_;
  RowQueue in_, out_;
};

}  // namespace sooner
