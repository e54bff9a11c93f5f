#include "train/exit_meter.h"

#include <cmath>

#include "train/torch_tensors.h"

namespace sooner {
namespace {

// Layout of the sums, K exits: steps, loss, mixture, soft cost, K losses, K qualities, K-1 gates, K shares, rule
// quality.
constexpr size_t kFixed = 4;

struct Layout {
  size_t exits;
  [[nodiscard]] size_t losses() const { return kFixed; }
  [[nodiscard]] size_t qualities() const { return kFixed + exits; }
  [[nodiscard]] size_t gates() const { return kFixed + 2 * exits; }
  [[nodiscard]] size_t shares() const { return gates() + exits - 1; }
  [[nodiscard]] size_t rule_quality() const { return shares() + exits; }
  [[nodiscard]] size_t size() const { return rule_quality() + 1; }
};

}  // namespace

ExitMeter::ExitMeter(size_t exits, const Targets& targets, const at::Device& device)
    : exits_(exits),
      targets_(targets),
      sums_(at::zeros({static_cast<int64_t>(Layout{exits}.size())}, at::TensorOptions(at::kDouble).device(device))) {}

void ExitMeter::clear() { sums_.zero_(); }

void ExitMeter::add(const Loss& loss, const ExitOutputs& outputs, const at::Tensor& labels) {
  guard_torch("ExitMeter::add", [&] {
    const at::NoGradGuard no_grad;
    const at::Tensor one = at::ones({}, loss.total.options());
    const at::Tensor none = at::zeros({}, loss.total.options());
    std::vector<at::Tensor> row{one, loss.total.detach(), loss.mixture.defined() ? loss.mixture : none,
                                loss.soft_cost.defined() ? loss.soft_cost : none};
    for (const at::Tensor& value : loss.exit_losses) row.push_back(value.defined() ? value : none);
    std::vector<at::Tensor> worth;  // [K] of [N]
    for (const at::Tensor& logits : outputs.logits) {
      worth.push_back(logits.defined() ? answer_qualities(logits, labels, targets_)
                                       : at::zeros_like(labels, at::kFloat));
      row.push_back(worth.back().mean());
    }
    std::vector<at::Tensor> leaves;  // [K-1] of [N]: would leave here, had it come so far
    for (const at::Tensor& gate : outputs.gates) {
      const at::Tensor g = gate.defined() ? at::sigmoid(gate) : at::zeros_like(worth.back());
      row.push_back(g.mean());
      leaves.push_back(g.ge(0.5).to(at::kFloat));
    }
    at::Tensor present = at::ones_like(worth.back());
    at::Tensor taken = at::zeros_like(worth.back());
    for (size_t k = 0; k < exits_; ++k) {
      const at::Tensor here = k + 1 < exits_ ? present * leaves[k] : present;
      row.push_back(here.mean());
      taken = taken + here * worth[k];
      present = present - here;
    }
    row.push_back(taken.mean());
    sums_.add_(at::stack(row).to(at::kDouble));
  });
}

std::vector<double> ExitMeter::sums() const {
  const at::Tensor cpu = sums_.to(at::kCPU);
  return {cpu.const_data_ptr<double>(), cpu.const_data_ptr<double>() + cpu.numel()};
}

void ExitMeter::restore(const std::vector<double>& sums) {
  if (sums.size() != Layout{exits_}.size()) {
    fail(Code::kDataLoss, "[checkpoint] holds {} running sums, expected {}; it is of another network", sums.size(),
         Layout{exits_}.size());
  }
  at::Tensor cpu = at::empty({static_cast<int64_t>(sums.size())}, at::kDouble);
  std::copy(sums.begin(), sums.end(), cpu.mutable_data_ptr<double>());
  sums_.copy_(cpu);
}

TrainingMetrics training_metrics(const std::vector<double>& sums, const std::vector<double>& exit_cost,
                                 const Phase& phase) {
  const Layout layout{exit_cost.size()};
  SOONER_ASSERT(sums.size() == layout.size() && sums[0] > 0);
  const auto mean = [&](size_t at) { return sums[at] / sums[0]; };
  const auto means = [&](size_t from, size_t count) {
    std::vector<double> values;
    for (size_t i = 0; i < count; ++i) values.push_back(mean(from + i));
    return values;
  };
  const double nan = std::nan("");
  const bool gated = phase.gated;
  TrainingMetrics m{mean(1), gated ? mean(2) : nan, gated ? mean(3) : nan, {}};
  m.exits = {means(layout.losses(), layout.exits), means(layout.qualities(), layout.exits), {}, {}, nan, nan};
  for (size_t k = 0; k < layout.exits; ++k) {
    if (!phase.computes(k)) m.exits.loss[k] = m.exits.quality[k] = nan;
  }
  if (!gated) return m;
  m.exits.mean_gate = means(layout.gates(), layout.exits - 1);
  m.exits.share = means(layout.shares(), layout.exits);
  m.exits.rule_quality = mean(layout.rule_quality());
  m.exits.cost = 0;
  for (size_t k = 0; k < layout.exits; ++k) m.exits.cost += m.exits.share[k] * exit_cost[k];
  return m;
}

}  // namespace sooner
