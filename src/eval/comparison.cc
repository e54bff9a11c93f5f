#include "eval/comparison.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "tune/choosing/held_out.h"
#include "tune/choosing/operating_points.h"

namespace sooner {
namespace {

// Of MSDNet's family, so that one comes close under any budget.
constexpr int32_t kBudgetPoints = 97;
constexpr double kRounding = 1e-12;

BudgetPoint point_of(const LogitTable& test, const PolicySpec& policy, double budget) {
  const Replay replayed = replay(test, *make_policy(policy, policy_context(test)));
  return {budget, policy, replayed.quality, replayed.cost, replayed.shares};
}

// What each may expect by the table it was chosen on.
std::vector<CurvePoint> expected_points(const std::vector<OperatingPoint>& points) {
  std::vector<CurvePoint> expected;
  for (const OperatingPoint& point : points) {
    expected.push_back({.cost = point.cost, .quality = point.quality, .spec = point.spec, .label = point.label});
  }
  return expected;
}

}  // namespace

NetworkResult compare_within_budgets(const LogitTable& tune, const LogitTable& test,
                                     const std::vector<std::string>& policies, const std::vector<double>& budgets) {
  if (tune.exits != test.exits || tune.classes != test.classes || tune.exit_cost != test.exit_cost) {
    fail(Code::kInvalidArgument, "[compare] got tables of two models: {} exits and {} classes, {} and {}", tune.exits,
         tune.classes, test.exits, test.classes);
  }
  const bool has_gates = policy_context(tune).has_gates;
  std::vector<std::string> usable;
  for (const std::string& name : policies) {
    if (!has_thresholds(name)) {
      fail(Code::kInvalidArgument, "[compare] policy '{}' has no thresholds to choose for a budget", name);
    }
    if (has_gates || !policy_kind(name).gates) usable.push_back(name);
  }
  std::vector<OperatingPoint> points = always_points(tune);
  const std::array<LogitTable, 2> halves = halves_of(tune);
  const OperatingPointOptions options{.budget_points = kBudgetPoints};
  for (const std::string& name : tune.exits > 1 ? usable : std::vector<std::string>{}) {
    std::vector<OperatingPoint> chosen = operating_points(tune, name, options);
    const std::vector<double> held_out = held_out_quality(halves, name, options, chosen);
    for (size_t i = 0; i < chosen.size(); ++i) {
      chosen[i].quality = held_out[i];
      chosen[i].label = fmt::format("{}, {}", name, chosen[i].label);
      points.push_back(std::move(chosen[i]));
    }
  }
  if (std::ranges::find(usable, "gate") != usable.end()) {
    for (OperatingPoint& point : cost_weight_points(tune)) points.push_back(std::move(point));
  }
  // Within a budget by what a choice costs on tune, the best by what its kind is worth on samples it did not choose on.
  const std::vector<CurvePoint> on_tune = expected_points(points);
  NetworkResult result;
  for (const double budget : budgets) {
    if (!(budget > 0)) fail(Code::kInvalidArgument, "[compare] got budget {}, expected more than 0", budget);
    const std::optional<CurvePoint> best = best_within(on_tune, budget + kRounding);
    result.budgets.push_back(best ? std::optional(point_of(test, best->spec, budget)) : std::nullopt);
  }
  if (has_gates) {
    // Which of the rival's points count is settled on tune; test is reported.
    const std::vector<CurvePoint> expected = expected_points(operating_points(tune, "max-prob"));
    std::vector<OperatingPoint> rival;
    for (const CurvePoint& point : pareto_front(expected)) rival.push_back({.spec = point.spec, .label = point.label});
    const std::vector<CurvePoint> rival_curve = accuracy_cost_curve(test, rival);
    const auto untouched = [&](const PolicySpec& policy) {
      GateResult gates{.point = point_of(test, policy, std::numeric_limits<double>::infinity())};
      gates.rival = accuracy_between(rival_curve, gates.point.cost);
      return gates;
    };
    result.gates = untouched({.name = "gate"});
    for (const OperatingPoint& point : cost_weight_points(tune)) {
      result.gates_by_weight.push_back(untouched(point.spec));
    }
  }
  result.exit_cost = test.exit_cost;
  result.exit_accuracy = quality_of_exits(test);
  result.curve = accuracy_cost_curve(test, points);
  std::ranges::stable_sort(result.curve, {}, &CurvePoint::cost);
  return result;
}

}  // namespace sooner
