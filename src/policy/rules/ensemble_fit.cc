#include "policy/rules/ensemble_fit.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <numeric>

#include "core/parallel.h"
#include "policy/scores.h"

namespace sooner {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

Vector moved(const Vector& from, double step, const Vector& direction) {
  Vector to = from;
  for (size_t i = 0; i < to.size(); ++i) to[i] += step * direction[i];
  return to;
}

// Value, and the slope in every direction.
struct Slope {
  double value = 0;
  Vector gradient = {};
};

// Limited-memory quasi-Newton descent (Nocedal 1980) with halving steps; `slope_at` is smooth and bounded below.
Vector minimise(Vector at, const std::function<Slope(const Vector&)>& slope_at) {
  constexpr int kMostSteps = 200;
  constexpr size_t kMemory = 10;
  constexpr double kFlat = 1e-7;
  struct Pair {
    Vector moved, turned;
  };
  std::deque<Pair> pairs;
  Slope here = slope_at(at);
  for (int step = 0; step < kMostSteps; ++step) {
    Vector direction = here.gradient;
    Vector shares(pairs.size());
    for (size_t i = pairs.size(); i-- > 0;) {
      shares[i] = dot(pairs[i].moved, direction) / dot(pairs[i].moved, pairs[i].turned);
      direction = moved(direction, -shares[i], pairs[i].turned);
    }
    if (!pairs.empty()) {
      const Pair& newest = pairs.back();
      const double scale = dot(newest.moved, newest.turned) / dot(newest.turned, newest.turned);
      for (double& part : direction) part *= scale;
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      const double back = dot(pairs[i].turned, direction) / dot(pairs[i].moved, pairs[i].turned);
      direction = moved(direction, shares[i] - back, pairs[i].moved);
    }
    const double fall = -dot(direction, here.gradient);
    if (!(fall < -kFlat * kFlat)) break;
    Slope next;
    Vector to;
    double length = -1;
    do {
      to = moved(at, length, direction);
      next = slope_at(to);
      length /= 2;
    } while (!(next.value <= here.value - 2e-4 * length * fall) && length < -1e-9);
    if (!(next.value < here.value)) break;
    Pair pair{moved(to, -1, at), moved(next.gradient, -1, here.gradient)};
    if (dot(pair.moved, pair.turned) > 0) pairs.push_back(std::move(pair));
    if (pairs.size() > kMemory) pairs.pop_front();
    at = std::move(to);
    here = std::move(next);
  }
  return at;
}

// The loss of one exit's ensemble. Unknowns: k+1 weights, then C biases.
class EnsembleLoss {
 public:
  EnsembleLoss(const LabelledLogits& samples, const Vector& temperatures, size_t exit)
      : samples_(samples),
        temperatures_(temperatures),
        exit_(exit),
        classes_(static_cast<size_t>(samples.context().classes)) {}

  Slope operator()(const Vector& unknowns) const {
    constexpr int64_t kBlock = 64;
    std::vector<Slope> blocks(static_cast<size_t>((samples_.samples() + kBlock - 1) / kBlock));
    for_each_block(samples_.samples(), kBlock, [&](int64_t begin, int64_t end) {
      Slope& sum = blocks[static_cast<size_t>(begin / kBlock)];
      sum.gradient.assign(unknowns.size(), 0);
      Vector log_p((exit_ + 1) * classes_), q(classes_);
      for (int64_t n = begin; n < end; ++n) add(n, unknowns, log_p, q, sum);
    });
    // 1e-3: worth a thousandth of the samples saying "leave it as it is".
    constexpr double kPenalty = 1e-3;
    Slope mean{.value = kPenalty / 2 * dot(unknowns, unknowns), .gradient = Vector(unknowns.size())};
    for (size_t i = 0; i < unknowns.size(); ++i) mean.gradient[i] = kPenalty * unknowns[i];
    const auto samples = static_cast<double>(samples_.samples());
    for (const Slope& block : blocks) {
      mean.value += block.value / samples;
      for (size_t i = 0; i < unknowns.size(); ++i) mean.gradient[i] += block.gradient[i] / samples;
    }
    return mean;
  }

 private:
  void add(int64_t n, const Vector& unknowns, Vector& log_p, Vector& q, Slope& sum) const {
    const auto label = static_cast<size_t>(samples_.label(n));
    const size_t exits = exit_ + 1;
    for (size_t c = 0; c < classes_; ++c) q[c] = unknowns[exits + c];
    for (size_t i = 0; i < exits; ++i) {
      const std::span<double> own = std::span(log_p).subspan(i * classes_, classes_);
      log_softmax(samples_.observation(n, static_cast<int32_t>(i)).logits, temperatures_[i], own);
      const double factor = std::exp(unknowns[i]) / static_cast<double>(exits);
      for (size_t c = 0; c < classes_; ++c) q[c] += factor * own[c];
    }
    const double largest = *std::ranges::max_element(q);
    double total = 0;
    const double truth = q[label];
    for (double& part : q) total += part = std::exp(part - largest);
    sum.value += std::log(total) + largest - truth;
    for (double& part : q) part /= total;
    q[label] -= 1;  // d value / d log q
    for (size_t c = 0; c < classes_; ++c) sum.gradient[exits + c] += q[c];
    for (size_t i = 0; i < exits; ++i) {
      const double factor = std::exp(unknowns[i]) / static_cast<double>(exits);
      double slope = 0;
      for (size_t c = 0; c < classes_; ++c) slope += q[c] * log_p[i * classes_ + c];
      sum.gradient[i] += factor * slope;
    }
  }

  static void log_softmax(std::span<const float> logits, double temperature, std::span<double> log_p) {
    const auto largest = static_cast<double>(logits[static_cast<size_t>(argmax(logits))]);
    double total = 0;
    for (size_t c = 0; c < logits.size(); ++c) {
      log_p[c] = (static_cast<double>(logits[c]) - largest) / temperature;
      total += std::exp(log_p[c]);
    }
    const double log_total = std::log(total);
    for (double& part : log_p) part -= log_total;
  }

  const LabelledLogits& samples_;
  const Vector& temperatures_;
  size_t exit_;
  size_t classes_;
};

}  // namespace

EnsembleFit fit_ensemble(const LabelledLogits& samples, std::span<const double> temperatures) {
  const PolicyContext context = samples.context();
  Vector each(temperatures.begin(), temperatures.end());
  each.resize(static_cast<size_t>(context.exits), 1.0);
  EnsembleFit ensemble;
  for (size_t k = 0; k + 1 < static_cast<size_t>(context.exits); ++k) {
    const Vector start(k + 1 + static_cast<size_t>(context.classes), 0.0);
    const Vector found = minimise(start, EnsembleLoss(samples, each, k));
    const auto biases = found.begin() + static_cast<std::ptrdiff_t>(k + 1);
    ensemble.weights.emplace_back(found.begin(), biases);
    ensemble.biases.emplace_back(biases, found.end());
  }
  return ensemble;
}

}  // namespace sooner
