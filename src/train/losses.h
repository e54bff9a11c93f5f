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

#include "train/config_options.h"
#include "train/graph_module.h"
#include "train/torch_headers.h"

namespace sooner {

struct Loss {
  at::Tensor total;                     // scalar, with gradient
  std::vector<at::Tensor> exit_losses;  // [K] scalars, no gradient: each exit's own mean cross-entropy
  at::Tensor mixture;                   // scalar, no gradient: mean -log S_1[y]; undefined for joint
  at::Tensor soft_cost;                 // scalar, no gradient: mean Q_1; undefined for joint
};

// L = sum_k weights_k CE(z_k), [K]. `labels` [N], int64.
Loss weighted_loss(const ExitOutputs& outputs, const at::Tensor& labels, const std::vector<double>& weights,
                   double label_smoothing);

// [K], 1 for the last exit; early ones uniform 1, decreasing K-k+1 over K, increasing k over K (k from 1), or the given
// list. Throws kInvalidArgument when the list has another length.
std::vector<double> joint_weights(const RuleOrList& rule, size_t exits);

struct DifferentiableOptions {
  bool mix_logits = false;   // mixes z instead of p
  bool every_level = false;  // mixture and cost of every S_k, Q_k, k < K, instead of the first alone
  double cost_weight = 0.05;
  double last_weight = 1;
  double aux_weight = 0.3;
  double label_smoothing = 0;     // in single exits' cross-entropies only
  std::vector<double> exit_cost;  // [K], C_k
};

// L = -log S_1[y] + last_weight CE(z_K) + aux_weight sum_{k<K} CE(z_k) + cost_weight mean Q_1; with every_level the
// first and last terms are summed over S_k and Q_k, k < K. REQUIRES: every early exit has a gate.
Loss differentiable_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DifferentiableOptions& options);

// Per sample [N], with gradient: log S_{k+1}[y], by probabilities; 0 is the whole decision.
at::Tensor mixture_log_likelihood(const ExitOutputs& outputs, const at::Tensor& labels, size_t from_exit = 0);
// Per sample [N], with gradient: Q_{k+1}.
at::Tensor soft_cost(const ExitOutputs& outputs, const std::vector<double>& exit_cost, size_t from_exit = 0);

struct DistillationOptions {
  double share = 0.5;      // a: of the teacher's answers against the labels
  double temperature = 1;  // T
  double label_smoothing = 0;
};

// L = s { (1-a) CE(z_K) + sum_{k<K} [(1-a) CE(z_k) + a T^2 H(softmax(z_K/T), softmax(z_k/T))] }, s = 10 / K; no
// gradient flows to z_K through H (Phuong and Lampert, ICCV 2019).
Loss distillation_loss(const ExitOutputs& outputs, const at::Tensor& labels, const DistillationOptions& options);
// Over the rows of `logits` [N, C]: mean of max softmax(z/T). Waits for the device.
double mean_largest_probability(const at::Tensor& logits, double temperature);

}  // namespace sooner
