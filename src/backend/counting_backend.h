// Counts, per sample, the multiply-accumulates that were really executed: a wrapper around any backend that notes
// each step as it runs, for each sample present. It knows nothing of exits, policies or the graph's arithmetic, so
// its numbers can be held against those.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace sooner {

// Totals by sample id. add() may be called by several threads at once; the others while nothing runs.
class MacLedger {
 public:
  // Forgets everything; ids 0 to samples - 1 follow.
  void reset(size_t samples);
  // Ids outside the range are counted as strays.
  void add(uint64_t sample, int64_t macs);
  // [samples]
  [[nodiscard]] std::vector<int64_t> macs() const;
  // Calls to CompiledStage::run_step.
  [[nodiscard]] int64_t steps_run() const { return steps_run_; }
  [[nodiscard]] int64_t strays() const { return strays_; }
  void count_step() { ++steps_run_; }

 private:
  std::vector<std::atomic<int64_t>> macs_;
  std::atomic<int64_t> steps_run_ = 0;
  std::atomic<int64_t> strays_ = 0;
};

class CountingBackend final : public Backend {
 public:
  CountingBackend(std::unique_ptr<const Backend> inner, std::shared_ptr<MacLedger> ledger);

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] std::string instruction_set() const override { return inner_->instruction_set(); }
  [[nodiscard]] bool supports(Precision precision) const override { return inner_->supports(precision); }
  [[nodiscard]] std::unique_ptr<const StageCompiler> prepare(const Graph& graph, const TensorMap& weights,
                                                             const CompileOptions& options) const override;

 private:
  std::unique_ptr<const Backend> inner_;
  std::shared_ptr<MacLedger> ledger_;
};

}  // namespace sooner
