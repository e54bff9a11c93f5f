#include "tune/risk/risk_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/rng.h"

namespace sooner {
namespace {

void check_fraction(std::string_view what, double value) {
  if (value > 0 && value < 1) return;  // false for NaN
  fail(Code::kInvalidArgument, "[risk] got {} {}, expected a number between 0 and 1, both left out", what, value);
}

void check_losses(RiskBound bound, std::span<const double> losses) {
  if (losses.empty()) fail(Code::kInvalidArgument, "[risk] got no losses, expected at least 1");
  for (size_t n = 0; n < losses.size(); ++n) {
    if (!(losses[n] >= 0 && losses[n] <= 1)) {
      fail(Code::kInvalidArgument, "[risk] got loss {} at sample {}, expected 0 to 1", losses[n], n);
    }
    if (bound == RiskBound::kBinomial && losses[n] != 0 && losses[n] != 1) {
      fail(Code::kInvalidArgument,
           "[risk] the bound 'binomial' does not fit loss {} at sample {}: it is for losses of 0 and 1; use "
           "hoeffding-bentkus or betting",
           losses[n], n);
    }
  }
}

double log_choose(int64_t n, int64_t k) {
  const auto log_factorial = [](int64_t i) { return std::lgamma(static_cast<double>(i) + 1); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

// Kullback-Leibler divergence of two coins.
double coin_divergence(double a, double b) {
  return (a > 0 ? a * std::log(a / b) : 0.0) + (a < 1 ? (1 - a) * std::log((1 - a) / (1 - b)) : 0.0);
}

double hoeffding_bentkus(double mean, int64_t n, double level) {
  const auto count = static_cast<double>(n);
  const double hoeffding = mean < level ? std::exp(-count * coin_divergence(mean, level)) : 1;
  // A sum of 13 losses of 1 must not become 14 by rounding.
  const auto sum = static_cast<int64_t>(std::ceil(count * mean - 1e-9 * count));
  return std::min({1.0, hoeffding, std::numbers::e * binomial_cdf(sum, n, level)});
}

// The log of the largest capital of a gambler who bets, loss by loss, that the mean is below `level`.
double largest_log_capital(std::span<const double> losses, double level, double delta) {
  const auto n = static_cast<double>(losses.size());
  double sum = 0;
  double squares = 0;
  double variance = 0.25;
  double capital = 0;
  double largest = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    const double bet = std::min(1.0, std::sqrt(-2 * std::log(delta) / (n * variance)));
    capital += std::log1p(-bet * (losses[i] - level));
    largest = std::max(largest, capital);
    const auto seen = static_cast<double>(i + 1);
    sum += losses[i];
    const double mean = (0.5 + sum) / (seen + 1);
    squares += (losses[i] - mean) * (losses[i] - mean);
    variance = (0.25 + squares) / (seen + 1);
  }
  return largest;
}

// As checked, and in the order they are to be read.
double p_value(RiskBound bound, std::span<const double> losses, double level, double delta) {
  const auto n = static_cast<int64_t>(losses.size());
  const double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
  switch (bound) {
    case RiskBound::kBinomial:
      return binomial_cdf(std::llround(sum), n, level);
    case RiskBound::kHoeffdingBentkus:
      return hoeffding_bentkus(sum / static_cast<double>(n), n, level);
    case RiskBound::kBetting:
      break;
  }
  return std::exp(-largest_log_capital(losses, level, delta));
}

std::vector<double> in_reading_order(RiskBound bound, std::span<const double> losses, uint64_t seed) {
  std::vector<double> order(losses.begin(), losses.end());
  if (bound == RiskBound::kBetting) {
    Rng rng(seed);
    shuffle(std::span(order), rng);
  }
  return order;
}

}  // namespace

double binomial_cdf(int64_t successes, int64_t trials, double probability) {
  if (successes < 0) return 0;
  if (successes >= trials || probability <= 0) return 1;
  if (probability >= 1) return 0;
  const double odds = probability / (1 - probability);
  const auto term = [&](int64_t k) {
    return std::exp(log_choose(trials, k) + static_cast<double>(k) * std::log(probability) +
                    static_cast<double>(trials - k) * std::log1p(-probability));
  };
  // The smaller tail, from its largest term on.
  double sum = 0;
  if (static_cast<double>(successes) < static_cast<double>(trials) * probability) {
    double now = term(successes);
    for (int64_t k = successes; k >= 0 && now > sum * 1e-17; --k) {
      sum += now;
      now *= static_cast<double>(k) / (static_cast<double>(trials - k + 1) * odds);
    }
    return std::min(sum, 1.0);
  }
  double now = term(successes + 1);
  for (int64_t k = successes + 1; k <= trials && now > sum * 1e-17; ++k) {
    sum += now;
    now *= static_cast<double>(trials - k) * odds / static_cast<double>(k + 1);
  }
  return std::clamp(1 - sum, 0.0, 1.0);
}

double risk_p_value(RiskBound bound, std::span<const double> losses, double level, double delta, uint64_t seed) {
  check_fraction("level", level);
  check_fraction("delta", delta);
  check_losses(bound, losses);
  return p_value(bound, in_reading_order(bound, losses, seed), level, delta);
}

double risk_upper_bound(RiskBound bound, std::span<const double> losses, double delta, uint64_t seed) {
  check_fraction("delta", delta);
  check_losses(bound, losses);
  const std::vector<double> order = in_reading_order(bound, losses, seed);
  double low = 0;
  double high = 1;
  while (high - low > 1e-13) {
    const double middle = low + (high - low) / 2;
    (p_value(bound, order, middle, delta) <= delta ? high : low) = middle;
  }
  return high;
}

int64_t risk_samples_needed(RiskBound bound, double level, double delta) {
  check_fraction("level", level);
  check_fraction("delta", delta);
  // Without a loss both other bounds are (1 - level)^n.
  auto needed = static_cast<int64_t>(std::ceil(std::log(delta) / std::log1p(-level) - 1e-9));
  if (bound != RiskBound::kBetting) return needed;
  constexpr int64_t kMost = int64_t{1} << 24;
  const auto enough = [&](int64_t n) {
    return p_value(bound, std::vector<double>(static_cast<size_t>(n), 0.0), level, delta) <= delta;
  };
  int64_t high = needed;
  while (high < kMost && !enough(high)) {
    needed = high + 1;
    high *= 2;
  }
  while (needed < high) {
    const int64_t middle = needed + (high - needed) / 2;
    if (enough(middle)) {
      high = middle;
    } else {
      needed = middle + 1;
    }
  }
  return high;
}

}  // namespace sooner
