// Leaves when the answer is likely to be right, by a logistic regression of being right on what this exit and those
// before it show. One for every exit, fitted to samples that thresholds are not chosen on:
//
//   score at exit k = w_{k,0} + sum_f w_{k,f} (x_{k,f} - mean_{k,f}) / scale_{k,f}      log-odds that it is right
//
// After the exit scheduler of EENet (Ilhan et al., WACV 2024), which learns exit scores from such numbers, too. Theirs
// is fitted together with the thresholds, to an objective that also holds the budget; here the score knows nothing of
// costs, and thresholds are chosen by any rule afterwards. Features: learned_features.h.
#include <cmath>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "policy/rules/learned_features.h"
#include "policy/rules/logistic_regression.h"
#include "policy/rules/threshold_policy.h"

namespace sooner {
namespace {

// A thousandth of the samples saying "it means nothing".
constexpr double kStandardPenalty = 1e-3;
constexpr std::string_view kPenalty = "penalty", kWeights = "weights", kMeans = "means", kScales = "scales";

class LearnedPolicy final : public ThresholdPolicy {
 public:
  LearnedPolicy(const PolicySpec& spec, const PolicyContext& context)
      : ThresholdPolicy(spec),
        has_gates_(context.has_gates),
        exits_(static_cast<size_t>(context.exits)),
        bias_(exits_),
        factors_(exits_) {
    const NumberRows &weights = spec.settings.rows(kWeights), &means = spec.settings.rows(kMeans),
                     &scales = spec.settings.rows(kScales);
    for (size_t k = 0; k < exits_; ++k) {
      bias_[k] = weights[k][0];
      for (size_t f = 0; f < means[k].size(); ++f) {
        factors_[k].push_back(weights[k][f + 1] / scales[k][f]);
        bias_[k] -= factors_[k][f] * means[k][f];
      }
    }
  }

  // One ExitMemory for each early exit.
  [[nodiscard]] size_t state_bytes() const override { return (exits_ - 1) * sizeof(ExitMemory); }

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    const auto k = static_cast<size_t>(observation.exit_index);
    const std::span<ExitMemory> memory(reinterpret_cast<ExitMemory*>(state.data()), exits_ - 1);
    const ExitMemory own = remember(observation.logits);
    double score = bias_[k];
    size_t f = 0;
    learned_features(observation, own, memory.first(k), has_gates_ && k < memory.size(),
                     [&](double x) { score += factors_[k][f++] * x; });
    if (k < memory.size()) memory[k] = own;
    return {.score = score, .label = own.label_plus_1 - 1, .probability = probability(score)};
  }

 private:
  static float probability(double score) { return static_cast<float>(probability_from_log_odds(score)); }

  bool has_gates_;
  size_t exits_;                              // K
  std::vector<double> bias_;                  // [K]
  std::vector<std::vector<double>> factors_;  // [K][F_k]
};

bool has_gate(const PolicyContext& context, size_t exit) {
  return context.has_gates && exit + 1 < static_cast<size_t>(context.exits);
}

void check_sizes(std::string_view what, const NumberRows& rows, const PolicyContext& context, size_t more) {
  if (rows.size() != static_cast<size_t>(context.exits)) {
    fail(Code::kInvalidArgument, "[policy] 'learned' got {} for {} exits, expected {}; `sooner tune` fits them", what,
         rows.size(), context.exits);
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    const size_t expected = learned_feature_count(k, has_gate(context, k)) + more;
    if (rows[k].size() == expected) continue;
    fail(Code::kInvalidArgument, "[policy] 'learned' got {} {} at exit {}, expected {}; `sooner tune` fits them",
         rows[k].size(), what, k, expected);
  }
}

void check(const PolicySpec& spec, const PolicyContext& context) {
  check_sizes(kWeights, spec.settings.rows(kWeights), context, 1);
  check_sizes(kMeans, spec.settings.rows(kMeans), context, 0);
  check_sizes(kScales, spec.settings.rows(kScales), context, 0);
}

// What exit k shows of every sample, and whether its answer is right.
Examples examples_of(const LabelledLogits& samples, size_t exit) {
  const bool gate = has_gate(samples.context(), exit);
  Examples examples{.features = learned_feature_count(exit, gate)};
  examples.values.reserve(static_cast<size_t>(samples.samples()) * examples.features);
  std::vector<ExitMemory> earlier(exit);
  for (int64_t n = 0; n < samples.samples(); ++n) {
    for (size_t i = 0; i < exit; ++i) earlier[i] = remember(samples.observation(n, static_cast<int32_t>(i)).logits);
    const ExitObservation seen = samples.observation(n, static_cast<int32_t>(exit));
    const ExitMemory own = remember(seen.logits);
    learned_features(seen, own, earlier, gate, [&](double x) { examples.values.push_back(x); });
    examples.holds.push_back(own.label_plus_1 == samples.label(n) + 1 ? 1 : 0);
  }
  return examples;
}

struct Standard {
  std::vector<double> means, scales;  // [F]
};

// Makes every feature's mean 0 and variance 1; one that never changes keeps its scale.
Standard standardise(Examples& examples) {
  const auto n = static_cast<double>(examples.holds.size());
  Standard standard{std::vector<double>(examples.features), std::vector<double>(examples.features)};
  for (size_t f = 0; f < examples.features; ++f) {
    double sum = 0, squares = 0;
    for (size_t i = f; i < examples.values.size(); i += examples.features) sum += examples.values[i];
    const double mean = sum / n;
    for (size_t i = f; i < examples.values.size(); i += examples.features) {
      examples.values[i] -= mean;
      squares += examples.values[i] * examples.values[i];
    }
    constexpr double kLeastScale = 1e-9;
    const double deviation = std::sqrt(squares / n);
    standard.means[f] = mean;
    standard.scales[f] = deviation > kLeastScale ? deviation : 1;
    for (size_t i = f; i < examples.values.size(); i += examples.features) examples.values[i] /= standard.scales[f];
  }
  return standard;
}

PolicySettings fit(const LabelledLogits& samples, const PolicySpec& spec) {
  const PolicyContext context = samples.context();
  const SettingValue* given = spec.settings.find(kPenalty);
  const double penalty = given == nullptr ? kStandardPenalty : std::get<double>(*given);
  NumberRows weights, means, scales;
  for (size_t k = 0; k < static_cast<size_t>(context.exits); ++k) {
    Examples examples = examples_of(samples, k);
    Standard standard = standardise(examples);
    weights.push_back(fit_logistic(examples, penalty));
    means.push_back(std::move(standard.means));
    scales.push_back(std::move(standard.scales));
  }
  PolicySettings settings = spec.settings;
  settings.set(kWeights, std::move(weights));
  settings.set(kMeans, std::move(means));
  settings.set(kScales, std::move(scales));
  return settings;
}

std::string text(double score, int32_t /*classes*/) { return probability_text("P(right) >= ", score); }

}  // namespace

PolicyKind learned_policy_kind() {
  const auto fitted = [](std::string_view name, double low, double high) {
    return PolicySetting{.name = std::string(name), .standard = NumberRows(), .low = low, .high = high, .fitted = true};
  };
  return {.name = "learned",
          .unit = probability_unit(text),
          .settings = {{.name = std::string(kPenalty),
                        .flag = "--penalty",
                        .help = "learned: nats per sample that a squared weight costs; larger trusts the samples less",
                        .standard = kStandardPenalty,
                        .low = 1e-9,
                        .high = 1e3},
                       fitted(kWeights, -1e6, 1e6),  // [K][1 + F_k], w_{k,0} first
                       fitted(kMeans, -1e9, 1e9),    // [K][F_k]
                       fitted(kScales, 1e-9, 1e9)},  // [K][F_k]
          .check = check,
          .make = [](const PolicySpec& spec, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<LearnedPolicy>(spec, context);
          },
          .fit = fit,
          .fits_apart = true};
}

}  // namespace sooner
