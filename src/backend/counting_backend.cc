#include "backend/counting_backend.h"

#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

class CountingStage final : public CompiledStage {
 public:
  CountingStage(std::unique_ptr<const CompiledStage> inner, std::shared_ptr<MacLedger> ledger)
      : inner_(std::move(inner)), ledger_(std::move(ledger)) {}

  [[nodiscard]] std::span<const CarryTensor> carry_in() const override { return inner_->carry_in(); }
  [[nodiscard]] std::span<const CarryTensor> carry_out() const override { return inner_->carry_out(); }
  [[nodiscard]] std::span<const StepInfo> steps() const override { return inner_->steps(); }
  [[nodiscard]] size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  [[nodiscard]] int32_t rows_at_once() const override { return inner_->rows_at_once(); }
  [[nodiscard]] std::unique_ptr<StageContext> make_context() const override { return inner_->make_context(); }
  void run_step(size_t index, const StageBatch& batch, StageContext& context) const override {
    SOONER_ASSERT(batch.samples.size() == static_cast<size_t>(batch.n));
    inner_->run_step(index, batch, context);
    const int64_t macs = inner_->steps()[index].macs;
    for (const uint64_t sample : batch.samples) ledger_->add(sample, macs);
    ledger_->count_step();
  }
  [[nodiscard]] std::vector<float> read_result(size_t index, const StageBatch& batch,
                                               const StageContext& context) const override {
    return inner_->read_result(index, batch, context);
  }

 private:
  std::unique_ptr<const CompiledStage> inner_;
  std::shared_ptr<MacLedger> ledger_;
};

class CountingCompiler final : public StageCompiler {
 public:
  CountingCompiler(std::unique_ptr<const StageCompiler> inner, std::shared_ptr<MacLedger> ledger)
      : inner_(std::move(inner)), ledger_(std::move(ledger)) {}
  [[nodiscard]] std::unique_ptr<const CompiledStage> compile(size_t stage) const override {
    return std::make_unique<const CountingStage>(inner_->compile(stage), ledger_);
  }

 private:
  std::unique_ptr<const StageCompiler> inner_;
  std::shared_ptr<MacLedger> ledger_;
};

}  // namespace

void MacLedger::reset(size_t samples) {
  macs_ = std::vector<std::atomic<int64_t>>(samples);
  steps_run_ = 0;
  strays_ = 0;
}

void MacLedger::add(uint64_t sample, int64_t macs) {
  if (sample >= macs_.size()) {
    ++strays_;
    return;
  }
  macs_[sample].fetch_add(macs, std::memory_order_relaxed);
}

std::vector<int64_t> MacLedger::macs() const {
  std::vector<int64_t> result;
  result.reserve(macs_.size());
  for (const std::atomic<int64_t>& count : macs_) result.push_back(count);
  return result;
}

CountingBackend::CountingBackend(std::unique_ptr<const Backend> inner, std::shared_ptr<MacLedger> ledger)
    : inner_(std::move(inner)), ledger_(std::move(ledger)) {}

std::unique_ptr<const StageCompiler> CountingBackend::prepare(const Graph& graph, const TensorMap& weights,
                                                              const CompileOptions& options) const {
  return std::make_unique<const CountingCompiler>(inner_->prepare(graph, weights, options), ledger_);
}

}  // namespace sooner
