// Training losses over all exits: the joint one, and differentiable branching (Scardapane et al., ICASSP 2020).
//
// Formulas count exits from 1 to K as the paper does; z logits, g = sigmoid(a) gates, p = softmax(z), y the label,
// C_k cost of answering at exit k as a fraction of the plain network:
//   S_K = p_K,  S_k = g_k p_k + (1 - g_k) S_{k+1}        soft answer
//   Q_K = C_K,  Q_k = g_k C_k + (1 - g_k) Q_{k+1}        soft cost
// All in fp32 and log space, so that shut gates and far apart logits give no infinity and no NaN.
//
// Axis letters: N batch, C classes, K exits.
#pragma once

#include <vector>

#include "recipe/config_options.h"
#include "recipe/targets.h"
#include "train/graph_module.h"
#include "train/torch_headers.h"

namespace sooner {

// `labels` below: [N], int64; where a number is asked for (Targets::standard), its standardised targets, fp32.

struct Loss {
  at::Tensor total;  // scalar, with gradient
  // [K] scalars, no gradient: each exit's own mean loss, the cross-entropy, or of a number z that should be t the
  // smooth L1: d^2 / 2 where d = |z - t| < 1, else d - 1/2. Undefined where it was left out.
  std::vector<at::Tensor> exit_losses;
  at::Tensor mixture;    // scalar, no gradient: mean -log S_1[y]; undefined for joint
  at::Tensor soft_cost;  // scalar, no gradient: mean Q_1; undefined for joint
};

// Of each sample, [N], fp32: what the answer is worth, 1 or 0 for a class, minus the absolute error in the unit of the
// target for a number.
at::Tensor answer_qualities(const at::Tensor& logits, const at::Tensor& labels, const Targets& targets);

// L = sum_k weights_k l(z_k), [K], l an exit's own loss. Exits that were left out have weight 0.
Loss weighted_loss(const ExitOutputs& outputs, const at::Tensor& labels, const std::vector<double>& weights,
                   const Targets& targets);

// [K], 1 for the last exit; early ones uniform 1, decreasing K-k+1 over K, increasing k over K (k from 1), or the given
// list. Throws kInvalidArgument when the list has another length.
std::vector<double> joint_weights(const RuleOrList& rule, size_t exits);

struct DifferentiableOptions {
  bool mix_logits = false;   // mixes z instead of p
  bool every_level = false;  // mixture and cost of every S_k, Q_k, k < K, instead of the first alone
  double cost_weight = 0.05;
  double last_weight = 1;
  double aux_weight = 0.3;
  Targets targets = {};           // smoothing is in single exits' cross-entropies only
  std::vector<double> exit_cost;  // [K], C_k
};

// L = -log S_1[y] + last_weight CE(z_K) + aux_weight sum_{k<K} CE(z_k) + cost_weight mean Q_1; with every_level the
// first and last terms are summed over S_k and Q_k, k < K. REQUIRES: every early exit has a gate.
Loss differentiable_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options);

// As differentiable_loss, the first level alone, but gates are told where to open: with k* = argmin_k (-log p_k[y] +
// cost_weight C_k) of a sample,
//   L = mean(-log p_k*[y]) + last_weight CE(z_K) + aux_weight sum_{k<K} CE(z_k) + sum_{k<K} BCE(g_k, [k >= k*])
// where both answers of a gate's cross-entropy count the same in sum, however rare one is (after Demir and Akbas, and
// JEI-DNN, ICLR 2024). `mixture` is the first term.
Loss assigned_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options);

// As differentiable_loss, the first level alone, with gates that are drawn open or shut: g_k = [a_k + noise_k > 0],
// whose gradient is that of sigmoid((a_k + noise_k) / temperature) (straight-through Gumbel-sigmoid). A sample then
// costs and loses what the first open exit does. `noise` [N, K-1]: logistic. `mixture` and `soft_cost` are of the drawn
// gates.
Loss gumbel_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options,
                 const at::Tensor& noise, double temperature);

// The same with gates as they are at position t in [-1, 1] of the trained range of cost weights
// (policy/cost_weights.h): a_k + shift_1 t + shift_2 t^2, shifts kept within what a model may hold. REQUIRES: gate
// shifts.
ExitOutputs at_cost_weight(const ExitOutputs& outputs, double position);

// Per sample [N], with gradient: log S_{k+1}[y], by probabilities; 0 is the whole decision.
at::Tensor mixture_log_likelihood(const ExitOutputs& outputs, const at::Tensor& labels, size_t from_exit = 0);
// Per sample [N], with gradient: Q_{k+1}.
at::Tensor soft_cost(const ExitOutputs& outputs, const std::vector<double>& exit_cost, size_t from_exit = 0);

struct SurvivorOptions {
  double leave = 0.5;  // share of a batch's samples that arrive at an early exit and leave there
  double floor = 0.3;  // weight of a sample at an exit where it does not arrive
  Targets targets = {};
};

// L = sum_k weights_k mean_i(u_ki l(z_ki)) / mean_i(u_ki) with u = 1 where sample i arrives at exit k, else `floor`;
// the surest leave, of equally sure ones those that come first. exit_losses are over all samples alike. REQUIRES: every
// exit is computed.
Loss survivor_loss(const ExitOutputs& outputs, const at::Tensor& labels, const std::vector<double>& weights,
                   const SurvivorOptions& options);

struct DistillationOptions {
  double share = 0.5;      // a: of the teacher's answers against the labels
  double temperature = 1;  // T
  Targets targets = {};
};

// L = s { (1-a) CE(z_K) + sum_{k<K} [(1-a) CE(z_k) + a T^2 H(softmax(z_K/T), softmax(z_k/T))] }, s = 10 / K; no
// gradient flows to z_K through H (Phuong and Lampert, ICCV 2019).
Loss distillation_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DistillationOptions& options);
// Over the rows of `logits` [N, C]: mean of max softmax(z/T). Waits for the device.
double mean_largest_probability(const at::Tensor& logits, double temperature);

}  // namespace sooner
