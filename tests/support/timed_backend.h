// The reference backend on a machine that takes as long as told: every pass over stage k moves a fake clock on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "support/fake_clock.h"

namespace sooner::test {

class TimedBackend final : public Backend {
 public:
  // Of the pass at hand over a stage.
  TimedBackend(FakeClock& clock, std::function<double(size_t stage, int32_t rows)> seconds)
      : inner_(make_backend("ref")), clock_(clock), seconds_(std::move(seconds)) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] std::string instruction_set() const override { return inner_->instruction_set(); }
  [[nodiscard]] bool supports(Precision precision) const override { return inner_->supports(precision); }
  [[nodiscard]] std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                             const CompileOptions& options) const override {
    return std::make_unique<const Compiler>(*this, inner_->prepare(graph, weights, options));
  }

 private:
  class Stage final : public CompiledStage {
   public:
    Stage(const TimedBackend& backend, size_t index, std::unique_ptr<const CompiledStage> inner)
        : clock_(backend.clock_), seconds_(backend.seconds_), index_(index), inner_(std::move(inner)) {}
    [[nodiscard]] std::span<const CarryTensor> carry_in() const override { return inner_->carry_in(); }
    [[nodiscard]] std::span<const CarryTensor> carry_out() const override { return inner_->carry_out(); }
    [[nodiscard]] std::span<const StepInfo> steps() const override { return inner_->steps(); }
    [[nodiscard]] size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
    void run_step(size_t index, const StageBatch& batch, StageContext& context) const override {
      if (index == 0) clock_.advance(seconds_(index_, batch.n));
      inner_->run_step(index, batch, context);
    }
    [[nodiscard]] std::vector<float> read_result(size_t index, const StageBatch& batch,
                                                 const StageContext& context) const override {
      return inner_->read_result(index, batch, context);
    }

   private:
    FakeClock& clock_;
    std::function<double(size_t, int32_t)> seconds_;
    size_t index_;
    std::unique_ptr<const CompiledStage> inner_;
  };
  class Compiler final : public StageCompiler {
   public:
    Compiler(const TimedBackend& backend, std::unique_ptr<const StageCompiler> inner)
        : backend_(backend), inner_(std::move(inner)) {}
    [[nodiscard]] std::unique_ptr<const CompiledStage> compile(size_t stage) const override {
      return std::make_unique<const Stage>(backend_, stage, inner_->compile(stage));
    }

   private:
    const TimedBackend& backend_;
    std::unique_ptr<const StageCompiler> inner_;
  };

  std::unique_ptr<const Backend> inner_;
  FakeClock& clock_;
  std::function<double(size_t, int32_t)> seconds_;
};

}  // namespace sooner::test
