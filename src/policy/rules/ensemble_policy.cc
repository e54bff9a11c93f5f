// Leaves when all exits so far, joined into one distribution q, are sure together; answers with q's largest class. The
// score is q's largest probability as log-odds. With p_i = softmax(z_i / T_i) and exits k counted from 1:
//
//   geometric   log q_k = mean_{i <= k} exp(w_{k,i}) log p_i + b_k - log Z    (Zero Time Waste, Wolczyk et al. 2021)
//   arithmetic  q_k = mean_{i <= k} p_i                                       (the running soft mixture)
//
// Z makes q_k sum to 1. The backbone's own classifier is not joined: the last exit answers alone.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "policy/rules/ensemble_fit.h"
#include "policy/rules/state_rows.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"
#include "policy/threshold_units.h"

namespace sooner {
namespace {

// log softmax(logits / temperature) [C].
class LogSoftmax {
 public:
  LogSoftmax(std::span<const float> logits, double temperature)
      : logits_(logits), largest_(logits[static_cast<size_t>(argmax(logits))]), per_unit_(1 / temperature) {
    double sum = 0;
    for (size_t c = 0; c < logits.size(); ++c) sum += std::exp(scaled(c));
    log_sum_ = std::log(sum);
  }
  double operator[](size_t c) const { return scaled(c) - log_sum_; }

 private:
  [[nodiscard]] double scaled(size_t c) const { return (static_cast<double>(logits_[c]) - largest_) * per_unit_; }
  std::span<const float> logits_;
  double largest_;
  double per_unit_;
  double log_sum_ = 0;
};

class EnsemblePolicy : public ThresholdPolicy {
 public:
  EnsemblePolicy(const PolicySpec& spec, size_t classes) : ThresholdPolicy(spec), classes_(classes) {}

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const final {
    const double own_temperature = temperature(observation.exit_index);
    if (is_last(observation.exit_index)) return {max_prob_log_odds(observation.logits, own_temperature)};
    Opinion opinion = join(observation.exit_index, LogSoftmax(observation.logits, own_temperature), state);
    opinion.probability = static_cast<float>(probability_from_log_odds(opinion.score));
    return opinion;
  }
  // Score and label of q after the early exit `exit_index`, whose own log p is given.
  [[nodiscard]] virtual Opinion join(int32_t exit_index, const LogSoftmax& log_p, std::span<std::byte> state) const = 0;
  [[nodiscard]] size_t classes() const { return classes_; }

 private:
  size_t classes_;
};

// State: the sum of log p_i, [C].
class PlainGeometric final : public EnsemblePolicy {
 public:
  using EnsemblePolicy::EnsemblePolicy;
  [[nodiscard]] size_t state_bytes() const override { return state_rows_bytes(1, classes()); }

 protected:
  [[nodiscard]] Opinion join(int32_t exit_index, const LogSoftmax& log_p, std::span<std::byte> state) const override {
    const std::span<float> sum = state_row(state, 0, classes());
    for (size_t c = 0; c < sum.size(); ++c) sum[c] += static_cast<float>(log_p[c]);
    return {.score = max_prob_log_odds(sum, exit_index + 1), .label = argmax(sum)};
  }
};

// State: log p_i of every early exit so far, and behind them the unnormalised log q, [K, C].
class WeightedGeometric final : public EnsemblePolicy {
 public:
  WeightedGeometric(const PolicySpec& spec, size_t exits, size_t classes)
      : EnsemblePolicy(spec, classes), exits_(exits), biases_(spec.settings.rows("biases")) {
    const NumberRows& weights = spec.settings.rows("weights");
    for (size_t k = 0; k + 1 < exits; ++k) {
      std::vector<double> factors(k + 1, 1 / static_cast<double>(k + 1));
      for (size_t i = 0; i <= k && !weights.empty(); ++i) {
        factors[i] *= std::exp(weights[k][i]);
      }
      factors_.push_back(std::move(factors));
    }
  }
  [[nodiscard]] size_t state_bytes() const override { return state_rows_bytes(exits_, classes()); }

 protected:
  [[nodiscard]] Opinion join(int32_t exit_index, const LogSoftmax& log_p, std::span<std::byte> state) const override {
    const auto k = static_cast<size_t>(exit_index);
    const std::span<float> own = state_row(state, k, classes());
    for (size_t c = 0; c < own.size(); ++c) own[c] = static_cast<float>(log_p[c]);
    // The next exit's place is free until then.
    const std::span<float> log_q = state_row(state, k + 1, classes());
    for (size_t c = 0; c < log_q.size(); ++c) {
      double sum = biases_.empty() ? 0 : biases_[k][c];
      for (size_t i = 0; i <= k; ++i) sum += factors_[k][i] * static_cast<double>(state_row(state, i, classes())[c]);
      log_q[c] = static_cast<float>(sum);
    }
    return {.score = max_prob_log_odds(log_q), .label = argmax(log_q)};
  }

 private:
  size_t exits_;
  std::vector<std::vector<double>> factors_;  // [K-1][k+1], exp(w_{k,i}) / k
  std::vector<std::vector<double>> biases_;   // [K-1][C] or empty
};

// State: the sum of p_i, [C].
class Arithmetic final : public EnsemblePolicy {
 public:
  using EnsemblePolicy::EnsemblePolicy;
  [[nodiscard]] size_t state_bytes() const override { return state_rows_bytes(1, classes()); }

 protected:
  [[nodiscard]] Opinion join(int32_t /*exit_index*/, const LogSoftmax& log_p,
                             std::span<std::byte> state) const override {
    const std::span<float> sum = state_row(state, 0, classes());
    for (size_t c = 0; c < sum.size(); ++c) sum[c] += static_cast<float>(std::exp(log_p[c]));
    const int32_t label = argmax(sum);
    double others = 0;
    for (size_t c = 0; c < sum.size(); ++c) others += c == static_cast<size_t>(label) ? 0 : static_cast<double>(sum[c]);
    return {.score = std::log(static_cast<double>(sum[static_cast<size_t>(label)])) - std::log(others), .label = label};
  }
};

std::unique_ptr<const ExitPolicy> make(const PolicySpec& spec, const PolicyContext& context) {
  const auto classes = static_cast<size_t>(context.classes);
  if (spec.settings.text("mean") == "arithmetic") return std::make_unique<Arithmetic>(spec, classes);
  if (spec.settings.rows("weights").empty() && spec.settings.rows("biases").empty()) {
    return std::make_unique<PlainGeometric>(spec, classes);
  }
  return std::make_unique<WeightedGeometric>(spec, static_cast<size_t>(context.exits), classes);
}

// Rows of numbers, one row an early exit, or none. size_of: of row k.
template <typename SizeOf>
void check_rows(std::string_view what, const NumberRows& rows, size_t early_exits, SizeOf size_of) {
  if (rows.empty()) return;
  if (rows.size() != early_exits) {
    fail(Code::kInvalidArgument, "[policy] 'ensemble' got {} for {} exits, expected {}: the early exits", what,
         rows.size(), early_exits);
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    if (rows[k].size() == size_of(k)) continue;
    fail(Code::kInvalidArgument, "[policy] 'ensemble' got {} {} at exit {}, expected {}", rows[k].size(), what, k,
         size_of(k));
  }
}

void check(const PolicySpec& spec, const PolicyContext& context) {
  const NumberRows& weights = spec.settings.rows("weights");
  const NumberRows& biases = spec.settings.rows("biases");
  if (spec.settings.text("mean") == "arithmetic" && !(weights.empty() && biases.empty())) {
    fail(Code::kInvalidArgument,
         "[policy] 'ensemble' got weights or biases for an arithmetic mean, expected none; use the geometric one");
  }
  const auto early_exits = static_cast<size_t>(context.exits - 1);
  check_rows("weights", weights, early_exits, [](size_t k) { return k + 1; });
  check_rows("biases", biases, early_exits, [&](size_t /*k*/) { return static_cast<size_t>(context.classes); });
}

std::string said(const PolicySpec& spec) {
  const SettingValue* mean = spec.settings.find("mean");
  const auto fitted = [&](std::string_view name) {
    const SettingValue* rows = spec.settings.find(name);
    return rows != nullptr && !std::get<NumberRows>(*rows).empty();
  };
  const std::string word = mean == nullptr ? "geometric" : std::get<std::string>(*mean);
  return (word == "geometric" ? "" : ", " + word) + (fitted("weights") || fitted("biases") ? ", weighted" : "");
}

// A geometric mean that nobody gave weights; what an arithmetic one could be fitted by is not part of it.
PolicySettings fit(const LabelledLogits& samples, const PolicySpec& spec) {
  PolicySettings settings = spec.settings;
  const SettingValue* mean = settings.find("mean");
  if (mean != nullptr && *mean != SettingValue("geometric")) return settings;
  if (settings.has("weights") || settings.has("biases")) return settings;
  EnsembleFit found = fit_ensemble(samples, spec.temperatures);
  settings.set("weights", std::move(found.weights));
  settings.set("biases", std::move(found.biases));
  return settings;
}

}  // namespace

PolicyKind ensemble_policy_kind() {
  // exp(w) of a weight within is a usable number.
  constexpr double kLargestWeight = 50;
  const auto fitted = [](const char* name) {
    return PolicySetting{
        .name = name, .standard = NumberRows(), .low = -kLargestWeight, .high = kLargestWeight, .fitted = true};
  };
  return {.name = "ensemble",
          .unit = probability_unit([](double score, int32_t /*classes*/) { return probability_text("p >= ", score); }),
          .probabilities = true,
          .settings = {{.name = "mean",
                        .flag = "--ensemble-mean",
                        .help = "ensemble: geometric | arithmetic",
                        .standard = "geometric",
                        .choices = {"geometric", "arithmetic"}},
                       // [K-1][k+1]: w_{k,i}, whose exponential weighs exit i in the ensemble of early exit k.
                       fitted("weights"),
                       fitted("biases")},  // [K-1][C]: b_k
          .said = said,
          .check = check,
          .make = make,
          .fit = fit};
}

}  // namespace sooner
