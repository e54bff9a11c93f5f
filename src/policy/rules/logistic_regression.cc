#include "policy/rules/logistic_regression.h"

#include <cmath>

#include "core/parallel.h"

namespace sooner {
namespace {

using Vector = std::vector<double>;

constexpr int64_t kBlock = 256;

// ln(1 + exp(x)) without overflow.
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

void add_block(const Examples& examples, std::span<const double> weights, int64_t begin, int64_t end,
               LogisticLoss& sum) {
  const size_t unknowns = weights.size();
  Vector x(unknowns, 1);  // the first is that of w_0
  for (auto n = static_cast<size_t>(begin); n < static_cast<size_t>(end); ++n) {
    double z = weights[0];
    for (size_t f = 1; f < unknowns; ++f) {
      x[f] = examples.values[n * examples.features + f - 1];
      z += weights[f] * x[f];
    }
    const double holds = examples.holds[n];
    const double p = 1 / (1 + std::exp(-z));
    sum.value += softplus(z) - holds * z;
    const double curvature = p * (1 - p);
    for (size_t i = 0; i < unknowns; ++i) {
      sum.gradient[i] += (p - holds) * x[i];
      for (size_t j = 0; j <= i; ++j) sum.hessian[i * unknowns + j] += curvature * x[i] * x[j];
    }
  }
}

// The x of A x = b, A positive definite, its lower triangle given [n, n]. Cholesky.
Vector solve(Vector a, Vector b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

}  // namespace

LogisticLoss logistic_loss(const Examples& examples, std::span<const double> weights, double penalty) {
  const size_t unknowns = weights.size();
  const auto n = static_cast<int64_t>(examples.holds.size());
  const LogisticLoss none{.value = 0, .gradient = Vector(unknowns), .hessian = Vector(unknowns * unknowns)};
  std::vector<LogisticLoss> blocks(static_cast<size_t>((n + kBlock - 1) / kBlock), none);
  for_each_block(n, kBlock, [&](int64_t begin, int64_t end) {
    add_block(examples, weights, begin, end, blocks[static_cast<size_t>(begin / kBlock)]);
  });
  LogisticLoss mean = none;
  for (const LogisticLoss& block : blocks) {
    mean.value += block.value;
    for (size_t i = 0; i < unknowns; ++i) mean.gradient[i] += block.gradient[i];
    for (size_t i = 0; i < mean.hessian.size(); ++i) mean.hessian[i] += block.hessian[i];
  }
  mean.value /= static_cast<double>(n);
  for (double& part : mean.gradient) part /= static_cast<double>(n);
  for (double& part : mean.hessian) part /= static_cast<double>(n);
  for (size_t i = 0; i < unknowns; ++i) {
    mean.value += penalty / 2 * weights[i] * weights[i];
    mean.gradient[i] += penalty * weights[i];
    mean.hessian[i * unknowns + i] += penalty;
    for (size_t j = 0; j < i; ++j) mean.hessian[j * unknowns + i] = mean.hessian[i * unknowns + j];
  }
  return mean;
}

std::vector<double> fit_logistic(const Examples& examples, double penalty) {
  constexpr int kMostSteps = 100;
  constexpr double kFlat = 1e-20;  // twice the fall that the next step promises
  constexpr double kShortest = 1.0 / (1 << 20);
  Vector weights(1 + examples.features, 0);
  LogisticLoss here = logistic_loss(examples, weights, penalty);
  for (int step = 0; step < kMostSteps; ++step) {
    const Vector direction = solve(here.hessian, here.gradient);
    double fall = 0;
    for (size_t i = 0; i < weights.size(); ++i) fall += direction[i] * here.gradient[i];
    if (!(fall > kFlat)) break;
    // The loss is convex: halving finds a step that lowers it, but for rounding.
    LogisticLoss next;
    Vector to;
    double length = 1;
    for (;; length /= 2) {
      to = weights;
      for (size_t i = 0; i < to.size(); ++i) to[i] -= length * direction[i];
      next = logistic_loss(examples, to, penalty);
      if (next.value < here.value || length < kShortest) break;
    }
    if (!(next.value < here.value)) break;
    weights = std::move(to);
    here = std::move(next);
  }
  return weights;
}

}  // namespace sooner
