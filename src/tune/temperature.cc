#include "tune/temperature.h"

#include <algorithm>
#include <cmath>

#include "policy/scores.h"

namespace sooner {
namespace {

// The mean NLL of softmax(b z) and its derivatives in b = 1/T, in which it is convex.
struct Loss {
  double value = 0;
  double slope = 0;      // E_p[z] - z_label
  double curvature = 0;  // Var_p[z]
};

Loss loss_at(const LogitTable& table, int32_t exit, double inverse_temperature) {
  Loss mean;
  for (int64_t n = 0; n < table.samples; ++n) {
    const std::span<const float> logits = table.at(n, exit);
    const auto largest = static_cast<double>(logits[static_cast<size_t>(argmax(logits))]);
    double weight_sum = 0;
    double first = 0;   // sum of e * d, d = z - largest <= 0
    double second = 0;  // sum of e * d^2
    for (const float logit : logits) {
      const double distance = static_cast<double>(logit) - largest;
      const double weight = std::exp(inverse_temperature * distance);
      weight_sum += weight;
      first += weight * distance;
      second += weight * distance * distance;
    }
    const double label =
        static_cast<double>(logits[static_cast<size_t>(table.labels[static_cast<size_t>(n)])]) - largest;
    const double expected = first / weight_sum;
    mean.value += std::log(weight_sum) - inverse_temperature * label;
    mean.slope += expected - label;
    mean.curvature += second / weight_sum - expected * expected;
  }
  const auto total = static_cast<double>(table.samples);
  return {mean.value / total, mean.slope / total, mean.curvature / total};
}

}  // namespace

TemperatureFit fit_temperature(const LogitTable& table, int32_t exit) {
  double low = 1 / kHighestTemperature;
  double high = 1 / kLowestTemperature;
  double at = 1;
  Loss loss = loss_at(table, exit, at);
  const double before = loss.value;
  const auto fit = [&] { return TemperatureFit{.temperature = 1 / at, .nll_before = before, .nll_after = loss.value}; };
  if (loss.slope == 0) return fit();
  // Is there a minimum between 1 and the bound the slope points to?
  const double bound = loss.slope < 0 ? high : low;
  const Loss at_bound = loss_at(table, exit, bound);
  if (loss.slope < 0 ? at_bound.slope <= 0 : at_bound.slope >= 0) {
    at = bound;
    loss = at_bound;
    return fit();
  }
  // Newton's method inside a shrinking bracket; a step that would leave it becomes a bisection.
  constexpr int kMostSteps = 100;
  for (int step = 0; step < kMostSteps && loss.slope != 0; ++step) {
    (loss.slope > 0 ? high : low) = at;
    double next = at - loss.slope / loss.curvature;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    const bool arrived = std::abs(std::log(next / at)) < 1e-10;
    at = next;
    loss = loss_at(table, exit, at);
    if (arrived) break;
  }
  return fit();
}

std::vector<double> fit_temperatures(const LogitTable& table) {
  std::vector<double> temperatures;
  temperatures.reserve(static_cast<size_t>(table.exits));
  for (int32_t k = 0; k < table.exits; ++k) temperatures.push_back(fit_temperature(table, k).temperature);
  return temperatures;
}

}  // namespace sooner
