#include "tune/choosing/operating_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "tune/choosing/budget.h"
#include "tune/choosing/shares.h"
#include "tune/fitting/fit_policy.h"
#include "tune/tables/score_table.h"

namespace sooner {

std::vector<OperatingPoint> operating_points(const LogitTable& table, const std::string& policy_name,
                                             const OperatingPointOptions& options) {
  validate(table);
  const PolicyKind& kind = policy_kind(policy_name, table.classes);
  FittedPolicy fitted{.policy = {.name = policy_name}};
  if (options.fit_temperatures) fitted = fit_policy(table, fitted.policy);
  const PolicySpec& base = fitted.policy;
  const ScoreTable scores = score_table(choosing_table(fitted, table), base);

  std::vector<OperatingPoint> points;
  int32_t way = 0;
  const auto add = [&](const std::vector<double>& thresholds, const std::string& label) {
    const Outcome expected = outcome(scores, thresholds);
    OperatingPoint point{
        .spec = base, .label = label, .way = way++, .cost = expected.cost, .quality = expected.quality};
    point.spec.thresholds = Threshold::scores(thresholds);
    const auto same = [&](const OperatingPoint& other) { return other.spec == point.spec; };
    if (options.equal_choices || std::none_of(points.begin(), points.end(), same)) points.push_back(std::move(point));
  };
  if (kind.default_threshold) {
    add(std::vector<double>(static_cast<size_t>(table.exits - 1), *kind.default_threshold),
        "rule " + threshold_text(kind.unit, *kind.default_threshold, table.classes));
  }
  const bool number = table.classes == 1;
  const double unit = number ? -quality_of_exits(table).back() : 1;
  for (const double drop : options.accuracy_drops) {
    add(choose_by_accuracy_drop(scores, drop * unit, options.accuracy_drop).thresholds,
        number ? fmt::format("error-rise {:.3g}", drop * unit) : fmt::format("accuracy-drop {}", drop));
  }
  for (int32_t i = 0; i < options.budget_points; ++i) {
    const double place = options.budget_points == 1 ? 0.5 : i / (options.budget_points - 1.0);
    const double q = std::exp2(10 * place - 5);
    add(choose_by_shares(scores, geometric_shares(q, scores)).thresholds, fmt::format("q {:.3g}", q));
  }
  std::sort(points.begin(), points.end(), [](const OperatingPoint& a, const OperatingPoint& b) {
    return std::tie(a.cost, a.quality, a.label) < std::tie(b.cost, b.quality, b.label);
  });
  return points;
}

std::vector<OperatingPoint> cost_weight_points(const LogitTable& table, int32_t count) {
  validate(table);
  std::vector<OperatingPoint> points;
  if (!table.cost_weights) return points;
  for (int32_t i = 0; i < count; ++i) {
    PolicySpec spec{.name = "gate"};
    const double weight = cost_weight_at(*table.cost_weights, count == 1 ? 0 : 2.0 * i / (count - 1.0) - 1);
    spec.settings.set("cost_weight", weight);
    const Replay result = replay(table, *make_policy(spec, policy_context(table)));
    points.push_back({.spec = spec,
                      .label = fmt::format("cost weight {:.3g}", weight),
                      .way = i,
                      .cost = result.cost,
                      .quality = result.quality});
  }
  return points;
}

std::vector<OperatingPoint> always_points(const LogitTable& table) {
  validate(table);
  std::vector<OperatingPoint> points;
  for (int32_t k = 0; k < table.exits; ++k) {
    PolicySpec spec{.name = "always"};
    spec.settings.set("exit", int64_t{k});
    const Replay result = replay(table, *make_policy(spec, policy_context(table)));
    points.push_back(
        {.spec = spec, .label = fmt::format("always {}", k), .way = k, .cost = result.cost, .quality = result.quality});
  }
  return points;
}

}  // namespace sooner
