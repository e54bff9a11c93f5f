#include "train/losses.h"

#include <cmath>

#include "core/error.h"
#include "policy/cost_weights.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

at::Tensor fp32(const at::Tensor& tensor) { return tensor.to(at::kFloat); }

// [C] where classes count differently; undefined otherwise.
at::Tensor weights_tensor(const Targets& targets, const at::Tensor& like) {
  if (targets.class_weights.empty()) return {};
  return at::tensor(targets.class_weights, at::kFloat).to(like.device());
}

at::Tensor own_loss(const at::Tensor& logits, const at::Tensor& labels, const Targets& targets) {
  if (targets.standard) return at::smooth_l1_loss(fp32(logits).squeeze(1), labels);
  return at::cross_entropy_loss(fp32(logits), labels, weights_tensor(targets, logits), at::Reduction::Mean, -100,
                                targets.smoothing);
}

// Over samples [N], each weighted as its class.
at::Tensor mean_of(const at::Tensor& values, const at::Tensor& labels, const Targets& targets) {
  if (targets.class_weights.empty()) return values.mean();
  const at::Tensor weights = weights_tensor(targets, values).index_select(0, labels);
  return (values * weights).sum() / weights.sum();
}

// -log p_k[y], [N].
at::Tensor label_losses(const ExitOutputs& outputs, const at::Tensor& labels, size_t exit_index) {
  return -at::log_softmax(fp32(outputs.logits[exit_index]), 1).gather(1, labels.unsqueeze(1)).squeeze(1);
}

// Adds weight_k l(z_k) of every exit to loss.total and keeps each on its own.
void add_exit_losses(Loss& loss, const ExitOutputs& outputs, const at::Tensor& labels,
                     const std::vector<double>& weights, const Targets& targets) {
  for (size_t k = 0; k < outputs.logits.size(); ++k) {
    if (!outputs.logits[k].defined()) {
      SOONER_ASSERT(weights[k] == 0);
      loss.exit_losses.emplace_back();
      continue;
    }
    const at::Tensor value = own_loss(outputs.logits[k], labels, targets);
    loss.exit_losses.push_back(value.detach());
    if (weights[k] == 0) continue;
    const at::Tensor term = weights[k] == 1 ? value : value * weights[k];
    loss.total = loss.total.defined() ? loss.total + term : term;
  }
}

// last_weight CE(z_K) + aux_weight sum_{k<K} CE(z_k).
void add_own_losses(Loss& loss, const ExitOutputs& outputs, const at::Tensor& labels,
                    const DifferentiableOptions& options) {
  std::vector<double> weights(outputs.logits.size(), options.aux_weight);
  weights.back() = options.last_weight;
  add_exit_losses(loss, outputs, labels, weights, options.targets);
}

// Of a gate `a` before the sigmoid against `open` of 0 and 1, [N] both: both answers weigh one half in sum.
at::Tensor balanced_gate_loss(const at::Tensor& a, const at::Tensor& open) {
  const at::Tensor positives = open.sum(), negatives = static_cast<double>(open.numel()) - positives;
  const at::Tensor weights = open * (0.5 / positives.clamp_min(1)) + (1 - open) * (0.5 / negatives.clamp_min(1));
  return -(weights * (open * at::log_sigmoid(a) + (1 - open) * at::log_sigmoid(-a))).sum();
}

// log softmax(M_k)[y] with M_K = z_K, M_k = g_k z_k + (1 - g_k) M_{k+1}.
at::Tensor logit_mixture_log_likelihood(const ExitOutputs& outputs, const at::Tensor& labels, size_t from_exit) {
  at::Tensor mixed = fp32(outputs.logits.back());
  for (size_t k = outputs.gates.size(); k-- > from_exit;) {
    const at::Tensor gate = at::sigmoid(fp32(outputs.gates[k])).unsqueeze(1);
    mixed = mixed + gate * (fp32(outputs.logits[k]) - mixed);
  }
  return at::log_softmax(mixed, 1).gather(1, labels.unsqueeze(1)).squeeze(1);
}

}  // namespace

at::Tensor answer_qualities(const at::Tensor& logits, const at::Tensor& labels, const Targets& targets) {
  if (targets.standard) return (fp32(logits).squeeze(1) - labels).abs() * -targets.standard->std;
  return logits.argmax(1).eq(labels).to(at::kFloat);
}

Loss weighted_loss(const ExitOutputs& outputs, const at::Tensor& labels, const std::vector<double>& weights,
                   const Targets& targets) {
  return guard_torch("weighted_loss", [&] {
    SOONER_ASSERT(weights.size() == outputs.logits.size());
    Loss loss;
    add_exit_losses(loss, outputs, labels, weights, targets);
    return loss;
  });
}

Loss survivor_loss(const ExitOutputs& outputs, const at::Tensor& labels, const std::vector<double>& weights,
                   const SurvivorOptions& options) {
  return guard_torch("survivor_loss", [&] {
    SOONER_ASSERT(weights.size() == outputs.logits.size());
    const at::Tensor class_weights = weights_tensor(options.targets, outputs.logits.back());
    at::Tensor arrives = at::ones_like(labels, at::kFloat);
    auto arriving = static_cast<double>(labels.numel());
    Loss loss;
    for (size_t k = 0; k < weights.size(); ++k) {
      const at::Tensor z = fp32(outputs.logits[k]);
      const at::Tensor each =
          at::cross_entropy_loss(z, labels, class_weights, at::Reduction::None, -100, options.targets.smoothing);
      loss.exit_losses.push_back(own_loss(outputs.logits[k], labels, options.targets).detach());
      at::Tensor u = options.floor + (1 - options.floor) * arrives;
      at::Tensor weight_sum = class_weights.defined() ? (u * class_weights.index_select(0, labels)).sum() : u.sum();
      const at::Tensor term = weights[k] * (u * each).sum() / weight_sum.clamp_min(1e-12);
      loss.total = loss.total.defined() ? loss.total + term : term;
      if (k + 1 == weights.size()) break;
      const auto leaving = std::llround(options.leave * arriving);
      const at::Tensor sure = at::softmax(z.detach(), 1).amax(1) * arrives - (1 - arrives);
      const at::Tensor order = std::get<1>(sure.sort(/*stable=*/true, 0, /*descending=*/true));
      arrives = arrives.index_fill(0, order.narrow(0, 0, leaving), 0);
      arriving -= static_cast<double>(leaving);
    }
    return loss;
  });
}

std::vector<double> joint_weights(const RuleOrList& rule, size_t exits) {
  if (rule.rule.empty()) {
    if (rule.values.size() + 1 != exits) {
      fail(Code::kInvalidArgument, "[config] joint.weights has {} numbers, expected {}: one for each early exit",
           rule.values.size(), exits - 1);
    }
    std::vector<double> weights = rule.values;
    weights.push_back(1);
    return weights;
  }
  std::vector<double> weights;
  const auto count = static_cast<double>(exits);
  for (size_t k = 0; k + 1 < exits; ++k) {
    const auto at = static_cast<double>(k);
    weights.push_back(rule.rule == "uniform" ? 1 : rule.rule == "decreasing" ? (count - at) / count : (at + 1) / count);
  }
  weights.push_back(1);
  return weights;
}

at::Tensor mixture_log_likelihood(const ExitOutputs& outputs, const at::Tensor& labels, size_t from_exit) {
  const auto true_class = [&](size_t k) { return -label_losses(outputs, labels, k); };
  at::Tensor log_s = true_class(outputs.logits.size() - 1);
  for (size_t k = outputs.gates.size(); k-- > from_exit;) {
    const at::Tensor a = fp32(outputs.gates[k]);
    log_s = at::logaddexp(at::log_sigmoid(a) + true_class(k), at::log_sigmoid(-a) + log_s);
  }
  return log_s;
}

at::Tensor soft_cost(const ExitOutputs& outputs, const std::vector<double>& exit_cost, size_t from_exit) {
  at::Tensor cost = at::full_like(outputs.logits.back().select(1, 0), exit_cost.back(), at::kFloat);
  for (size_t k = outputs.gates.size(); k-- > from_exit;) {
    const at::Tensor gate = at::sigmoid(fp32(outputs.gates[k]));
    cost = cost + gate * (exit_cost[k] - cost);
  }
  return cost;
}

ExitOutputs at_cost_weight(const ExitOutputs& outputs, double position) {
  SOONER_ASSERT(outputs.gate_shifts.size() == outputs.gates.size());
  ExitOutputs shifted = outputs;
  for (size_t k = 0; k < outputs.gates.size(); ++k) {
    const at::Tensor shifts = outputs.gate_shifts[k].clamp(-kLargestGateShift, kLargestGateShift);
    shifted.gates[k] = outputs.gates[k] + shifts[0] * position + shifts[1] * (position * position);
  }
  return shifted;
}

Loss differentiable_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options) {
  return guard_torch("differentiable_loss", [&] {
    SOONER_ASSERT(options.exit_cost.size() == outputs.logits.size());
    Loss loss;
    const size_t levels = options.every_level ? outputs.gates.size() : 1;
    for (size_t k = 0; k < levels; ++k) {
      const at::Tensor log_likelihood = options.mix_logits ? logit_mixture_log_likelihood(outputs, labels, k)
                                                           : mixture_log_likelihood(outputs, labels, k);
      const at::Tensor mixture = mean_of(-log_likelihood, labels, options.targets);
      const at::Tensor cost = soft_cost(outputs, options.exit_cost, k).mean();
      const at::Tensor term = options.cost_weight != 0 ? mixture + options.cost_weight * cost : mixture;
      loss.total = k == 0 ? term : loss.total + term;
      if (k > 0) continue;
      loss.mixture = mixture.detach();
      loss.soft_cost = cost.detach();
    }
    add_own_losses(loss, outputs, labels, options);
    return loss;
  });
}

Loss assigned_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options) {
  return guard_torch("assigned_loss", [&] {
    const size_t exits = outputs.logits.size();
    SOONER_ASSERT(options.exit_cost.size() == exits);
    std::vector<at::Tensor> losses;
    for (size_t k = 0; k < exits; ++k) losses.push_back(label_losses(outputs, labels, k));
    const at::Tensor each = at::stack(losses, 1);  // [N, K]
    const at::Tensor costs = at::tensor(options.exit_cost, at::kFloat).to(each.device());
    const at::Tensor chosen = (each.detach() + options.cost_weight * costs).argmin(1);  // [N]
    Loss loss;
    loss.total = mean_of(each.gather(1, chosen.unsqueeze(1)).squeeze(1), labels, options.targets);
    loss.mixture = loss.total.detach();
    loss.soft_cost = soft_cost(outputs, options.exit_cost).mean().detach();
    for (size_t k = 0; k < outputs.gates.size(); ++k) {
      const at::Tensor open = chosen.le(static_cast<int64_t>(k)).to(at::kFloat);
      loss.total = loss.total + balanced_gate_loss(fp32(outputs.gates[k]), open);
    }
    add_own_losses(loss, outputs, labels, options);
    return loss;
  });
}

Loss gumbel_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options,
                 const at::Tensor& noise, double temperature) {
  return guard_torch("gumbel_loss", [&] {
    const size_t exits = outputs.logits.size();
    SOONER_ASSERT(options.exit_cost.size() == exits && noise.size(1) == static_cast<int64_t>(exits) - 1);
    at::Tensor drawn = label_losses(outputs, labels, exits - 1);
    at::Tensor cost = at::full_like(drawn, options.exit_cost.back());
    for (size_t k = exits - 1; k-- > 0;) {
      const at::Tensor a = fp32(outputs.gates[k]) + noise.select(1, static_cast<int64_t>(k));
      const at::Tensor soft = at::sigmoid(a / temperature);
      // The value is 0 or 1, the gradient that of `soft`.
      const at::Tensor gate = a.gt(0).to(at::kFloat) + (soft - soft.detach());
      drawn = drawn + gate * (label_losses(outputs, labels, k) - drawn);
      cost = cost + gate * (options.exit_cost[k] - cost);
    }
    Loss loss;
    const at::Tensor mixture = mean_of(drawn, labels, options.targets);
    loss.total = mixture + options.cost_weight * cost.mean();
    loss.mixture = mixture.detach();
    loss.soft_cost = cost.mean().detach();
    add_own_losses(loss, outputs, labels, options);
    return loss;
  });
}

Loss distillation_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DistillationOptions& options) {
  return guard_torch("distillation_loss", [&] {
    const size_t exits = outputs.logits.size();
    const double scale = 10.0 / static_cast<double>(exits), temperature = options.temperature;
    Loss loss;
    add_exit_losses(loss, outputs, labels, std::vector<double>(exits, scale * (1 - options.share)), options.targets);
    if (options.share == 0) return loss;
    const at::Tensor teacher = at::softmax(fp32(outputs.logits.back()).detach() / temperature, 1);
    for (size_t k = 0; k + 1 < exits; ++k) {
      const at::Tensor student = at::log_softmax(fp32(outputs.logits[k]) / temperature, 1);
      const at::Tensor term = (teacher * student).sum(1).mean() * (-scale * options.share * temperature * temperature);
      loss.total = loss.total.defined() ? loss.total + term : term;
    }
    return loss;
  });
}

double mean_largest_probability(const at::Tensor& logits, double temperature) {
  return guard_torch("mean_largest_probability", [&] {
    return std::get<0>(at::softmax(fp32(logits).detach() / temperature, 1).max(1)).mean().item<double>();
  });
}

}  // namespace sooner
