#include "tune/risk/risk_control.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "tune/risk/risk_bounds.h"

namespace sooner {
namespace {

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Of conformal risk control, for losses up to 1.
double expected_risk_bound(double mean_loss, int64_t samples) {
  const auto n = static_cast<double>(samples);
  return (n * mean_loss + 1) / (n + 1);
}

// 1/50 may be a little more than 0.02.
bool at_most(double value, double level) { return value <= level + 1e-12; }

void check_shapes(const ThresholdFamily& family, const ScoreTable& table, const ExitLosses& losses) {
  const auto exits = static_cast<size_t>(table.exits);
  if (family.thresholds.empty() || family.thresholds[0].size() + 1 != exits) {
    fail(Code::kInvalidArgument, "[risk] the thresholds are of another model: of {} exits, the samples have {}",
         family.thresholds.empty() ? 0 : family.thresholds[0].size() + 1, exits);
  }
  if (losses.size() != exits) {
    fail(Code::kInvalidArgument, "[risk] got losses of {} exits, expected {}", losses.size(), exits);
  }
  for (size_t k = 0; k < exits; ++k) {
    if (losses[k].size() != static_cast<size_t>(table.samples)) {
      fail(Code::kInvalidArgument, "[risk] got {} losses at exit {}, expected {}", losses[k].size(), k, table.samples);
    }
    const double most = k + 1 < exits ? 1 : 0;
    for (const double loss : losses[k]) {
      if (loss >= 0 && loss <= most) continue;
      fail(Code::kInvalidArgument, "[risk] got loss {} at exit {}, expected 0 to {}", loss, k, most);
    }
  }
}

}  // namespace

ExitLosses exit_losses(const ScoreTable& table, RiskLoss loss) {
  ExitLosses losses(table.quality.size(), std::vector<double>(static_cast<size_t>(table.samples), 0.0));
  const auto& last = table.quality.back();
  for (size_t k = 0; k + 1 < losses.size(); ++k) {
    for (size_t n = 0; n < last.size(); ++n) {
      const bool lost =
          loss == RiskLoss::kDiffers ? table.answers[k][n] != table.answers.back()[n] : last[n] > table.quality[k][n];
      if (lost) losses[k][n] = 1;
    }
  }
  return losses;
}

void check_risk_terms(const RiskTerms& terms) {
  // Smaller ones ask for more samples than anybody has.
  static constexpr double kSmallest = 1e-9;
  const auto check = [](std::string_view what, double value) {
    if (value >= kSmallest && value < 1) return;
    fail(Code::kInvalidArgument, "[risk] got {} {}, expected a number between {} and 1, the latter left out", what,
         value, kSmallest);
  };
  check("level", terms.level);
  if (terms.promises < 1 || (terms.promises > 1 && !terms.delta)) {
    fail(Code::kInvalidArgument, "[risk] got {} promises{}, expected at least 1, and no more without a delta to share",
         terms.promises, terms.delta ? "" : " in expectation");
  }
  if (terms.delta) check("delta", delta_each(terms));
}

int64_t risk_samples_needed(const RiskTerms& terms) {
  check_risk_terms(terms);
  if (terms.delta) return risk_samples_needed(terms.bound, terms.level, delta_each(terms));
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(1 / terms.level - 1 - 1e-9)));
}

void check_risk_samples(const RiskTerms& terms, int64_t samples) {
  if (samples < 1) fail(Code::kFailedPrecondition, "[risk] got no samples to rest a promise on");
  const int64_t needed = risk_samples_needed(terms);
  if (samples >= needed) return;
  const std::string promise = terms.delta ? fmt::format("level {} at delta {} by the bound '{}'", terms.level,
                                                        delta_each(terms), to_string(terms.bound))
                                          : fmt::format("level {} in expectation", terms.level);
  fail(Code::kFailedPrecondition,
       "[risk] got {} samples, expected at least {} for {}; keep more for calibration or raise the level", samples,
       needed, promise);
}

double largest_passing_risk(const RiskTerms& terms, int64_t samples) {
  check_risk_terms(terms);
  const auto passes = [&](int64_t ones) {
    const double risk = static_cast<double>(ones) / static_cast<double>(samples);
    if (!terms.delta) return at_most(expected_risk_bound(risk, samples), terms.level);
    // What a bet on so many losses comes to depends on their order, but it is near.
    if (terms.bound != RiskBound::kHoeffdingBentkus) {
      return binomial_cdf(ones, samples, terms.level) <= delta_each(terms);
    }
    std::vector<double> losses(static_cast<size_t>(samples), 0.0);
    std::fill_n(losses.begin(), ones, 1.0);
    return risk_p_value(terms.bound, losses, terms.level, delta_each(terms)) <= delta_each(terms);
  };
  int64_t low = 0;  // the most that passes, or 0
  int64_t high = samples;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (passes(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return static_cast<double>(low) / static_cast<double>(samples);
}

RiskChoice control_risk(const ThresholdFamily& family, const ScoreTable& table, const ExitLosses& losses,
                        const RiskTerms& terms) {
  check_risk_samples(terms, table.samples);
  check_shapes(family, table, losses);
  const auto samples = static_cast<size_t>(table.samples);
  std::vector<double> now(samples);
  std::vector<double> worst(samples, 0.0);
  std::vector<double> chosen_losses;
  RiskChoice choice{.samples = table.samples};
  for (size_t point = 0; point < family.thresholds.size(); ++point) {
    const std::vector<int32_t> taken = exits_taken(table, family.thresholds[point]);
    for (size_t n = 0; n < samples; ++n) {
      now[n] = losses[static_cast<size_t>(taken[n])][n];
      worst[n] = std::max(worst[n], now[n]);
    }
    if (terms.delta) {
      if (!at_most(risk_p_value(terms.bound, now, terms.level, delta_each(terms)), delta_each(terms))) break;
    } else {
      const double bound = expected_risk_bound(mean(worst), table.samples);
      if (!at_most(bound, terms.level)) break;
      choice.bound = bound;
    }
    choice.point = point;
    chosen_losses = now;
  }
  SOONER_ASSERT(!chosen_losses.empty());  // point 0 has no loss, and there are samples enough
  choice.thresholds = family.thresholds[choice.point];
  choice.risk = mean(chosen_losses);
  if (terms.delta) choice.bound = risk_upper_bound(terms.bound, chosen_losses, delta_each(terms));
  choice.outcome = outcome(table, choice.thresholds);
  choice.saved = 1 - choice.outcome.cost / table.exit_cost.back();
  return choice;
}

}  // namespace sooner
