#include "tune/fitting/fit_policy.h"

#include "policy/policy_kind.h"
#include "tune/fitting/ensemble_fit.h"
#include "tune/fitting/temperature.h"

namespace sooner {

PolicySpec fit_policy(const LogitTable& table, PolicySpec policy) {
  if (policy_kind(policy.name).probabilities) policy.temperatures = fit_temperatures(table);
  if (policy.name == "ensemble" && policy.ensemble == EnsembleSpec{}) policy.ensemble = fit_ensemble(table, policy);
  return policy;
}

PolicySpec without_choice(PolicySpec policy) {
  policy.thresholds.clear();
  policy.class_thresholds.clear();
  policy.temperatures.clear();
  return policy;
}

PolicySpec without_ensemble_fit(PolicySpec policy) {
  policy.ensemble.weights.clear();
  policy.ensemble.biases.clear();
  return policy;
}

}  // namespace sooner
