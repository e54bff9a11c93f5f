#include "eval/rank_power.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "eval/rank_bets.h"

namespace sooner {
namespace {

// Values join the sample, so that a difference fades: log(1 + x)^2 / x, what x times the sample show, is largest
// at 3.9.
constexpr int64_t kFaded = 4;

// The standard normal's quantile, by bisection of its distribution function.
double normal_quantile(double probability) {
  double low = -10;
  double high = 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2) / 2 < probability ? low : high) = middle;
  }
  return high;
}

// What the Dirichlet mixtures of the first bettor are worth when `values` ranks lie in the bins as `shares` says.
double log_worth(const std::array<double, kRankBins>& shares, double values) {
  std::array<double, kBetConcentrations.size()> logs{};
  for (size_t a = 0; a < logs.size(); ++a) {
    const double prior = kBetConcentrations[a];
    logs[a] = std::lgamma(prior) - std::lgamma(prior + values);
    for (size_t i = 0; i < kRankBins; ++i) {
      const double width = rank_width(i);
      const double ranks = values * shares[i];
      logs[a] += std::lgamma(prior * width + ranks) - std::lgamma(prior * width) - ranks * std::log(width);
    }
  }
  const double largest = std::ranges::max(logs);
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - largest) / static_cast<double>(logs.size());
  return std::log(kFirstBettorsShare) + largest + std::log(sum);
}

class Finder {
 public:
  explicit Finder(const RankTest& test) : test_(test), deviations_(normal_quantile(test.power)) {}

  // The least number of values, but for a tenth, that finds the shift, both ways where there are so many to move;
  // nothing up to `most`.
  [[nodiscard]] std::optional<int64_t> first(double shift, int64_t most) const {
    if (shift > largest_shift()) return std::nullopt;
    const int64_t last = std::min(most, kFaded * test_.sample);
    for (int64_t values = 1; values <= last; values += std::clamp<int64_t>(last - values, 1, 1 + values / 10)) {
      const auto counted = static_cast<double>(values);
      const bool down = shift >= 1 - test_.cut || finds_one_way(shift, counted);
      if (down && (shift >= test_.cut || finds_one_way(-shift, counted))) return values;
    }
    return std::nullopt;
  }
  // No more than either side has.
  [[nodiscard]] double largest_shift() const { return 0.999 * std::max(test_.cut, 1 - test_.cut); }

 private:
  // moved: to the lower cells where it is positive.
  [[nodiscard]] bool finds_one_way(double moved, double values) const {
    const auto sample = static_cast<double>(test_.sample);
    // Of the shift, the mean over the values of what their ranks still show.
    const double fading = sample / values * std::log1p(values / sample);
    const double lower = fading * moved / test_.cut;
    const double upper = -fading * moved / (1 - test_.cut);
    std::array<double, kRankBins> shares{};
    double mean = 0;
    double square = 0;
    double sample_mean = 0;
    double sample_square = 0;
    double low = 0;
    for (size_t i = 0; i < kRankBins; ++i) {
      const double width = rank_width(i);
      const double below = std::clamp(test_.cut - low, 0.0, width);
      shares[i] = below * (1 + lower) + (width - below) * (1 + upper);
      const double gain = std::log(shares[i] / width);
      mean += shares[i] * gain;
      square += shares[i] * gain * gain;
      sample_mean += width * gain;
      sample_square += width * gain * gain;
      low += width;
    }
    // Of the values, and of the sample, which is not what it was drawn from.
    const double variance = values * (square - mean * mean) +
                            values * values * fading * fading / sample * (sample_square - sample_mean * sample_mean);
    return log_worth(shares, values) - deviations_ * std::sqrt(std::max(variance, 0.0)) >= test_.log_wanted;
  }

  const RankTest& test_;
  double deviations_;
};

}  // namespace

double middle_cut(std::span<const int64_t> sample) {
  const auto all = static_cast<double>(std::accumulate(sample.begin(), sample.end(), int64_t{0}));
  double cut = 0;
  double below = 0;
  for (const int64_t count : sample) {
    below += static_cast<double>(count) / all;
    if (below < 1 - 0.5 / all && std::abs(below - 0.5) < std::abs(cut - 0.5)) cut = below;
  }
  return cut;
}

std::optional<double> found_shift(const RankTest& test, int64_t values) {
  const Finder finder(test);
  double low = 0;
  double high = finder.largest_shift();
  if (!(test.cut > 0) || !finder.first(high, values)) return std::nullopt;
  while (high - low > 1e-4) {
    const double middle = (low + high) / 2;
    (finder.first(middle, values) ? high : low) = middle;
  }
  return high;
}

std::optional<int64_t> values_to_find(const RankTest& test, double shift) {
  if (!(test.cut > 0)) return std::nullopt;
  return Finder(test).first(shift, std::numeric_limits<int64_t>::max());
}

}  // namespace sooner
