#include "tune/fitting/fit_policy.h"

#include "policy/policy_kind.h"
#include "tune/fitting/temperature.h"
#include "tune/tables/labelled_table.h"
#include "tune/tables/stratified_halves.h"

namespace sooner {

FittedPolicy fit_policy(const LogitTable& table, PolicySpec policy) {
  const PolicyKind& kind = policy_kind(policy.name, table.classes);
  if (kind.probabilities) policy.temperatures = fit_temperatures(table);
  if (!kind.fit) return {.policy = std::move(policy)};
  if (!kind.fits_apart) {
    policy.settings = kind.fit(LabelledTable(table), policy);
    return {.policy = std::move(policy)};
  }
  std::array<LogitTable, 2> halves = stratified_halves(table);
  policy.settings = kind.fit(LabelledTable(halves[0]), policy);
  return {.policy = std::move(policy), .others = std::move(halves[1])};
}

const LogitTable& choosing_table(const FittedPolicy& fitted, const LogitTable& table) {
  return fitted.others ? *fitted.others : table;
}

PolicySpec without_choice(PolicySpec policy) {
  policy.thresholds.clear();
  policy.class_thresholds.clear();
  policy.temperatures.clear();
  return policy;
}

}  // namespace sooner
