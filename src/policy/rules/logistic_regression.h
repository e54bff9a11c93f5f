// Whether something holds, from a few numbers: p = sigmoid(w_0 + sum_f w_f x_f), by Newton's method with a quadratic
// penalty that keeps the weights finite where examples can be told apart without error. Deterministic: the same bits on
// any number of threads.
//
// Shapes: N = examples, F = features.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sooner {

struct Examples {
  size_t features = 0;              // F
  std::vector<double> values = {};  // [N, F], F fastest
  std::vector<uint8_t> holds = {};  // [N]: 1 or 0
};

struct LogisticLoss {
  double value = 0;                   // mean negative log-likelihood, nats, and penalty / 2 * |w|^2
  std::vector<double> gradient = {};  // [1 + F]
  std::vector<double> hessian = {};   // [1 + F, 1 + F]
};

// weights: [1 + F], w_0 first; penalised like the others. REQUIRES: N > 0, sizes that fit.
LogisticLoss logistic_loss(const Examples& examples, std::span<const double> weights, double penalty);

// The weights [1 + F] of the least loss. REQUIRES: N > 0, penalty > 0, finite values.
std::vector<double> fit_logistic(const Examples& examples, double penalty);

}  // namespace sooner
