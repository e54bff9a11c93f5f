#include "tune/risk/calibrate_risk.h"

#include <algorithm>

#include "core/error.h"
#include "tune/calibrate.h"
#include "tune/fitting/fit_policy.h"

namespace sooner {
namespace {

void check_same_model(const LogitTable& tune, const LogitTable& guarantee) {
  if (tune.exits == guarantee.exits && tune.classes == guarantee.classes && tune.exit_cost == guarantee.exit_cost) {
    return;
  }
  fail(Code::kInvalidArgument,
       "[risk] the guarantee table is of another model: {} exits, {} classes, {:.6g} of the plain MACs at the last "
       "exit, expected {}, {}, {:.6g} as in the tune table",
       guarantee.exits, guarantee.classes, guarantee.exit_cost.back(), tune.exits, tune.classes, tune.exit_cost.back());
}

void check_classes(const LogitTable& table, std::string_view split) {
  for (int32_t c = 0; c < table.classes; ++c) {
    if (std::ranges::find(table.labels, c) != table.labels.end()) continue;
    fail(Code::kInvalidArgument,
         "[risk] no sample of '{}' is of class {}, so nothing is known about it; keep more for calibration", split, c);
  }
}

}  // namespace

std::string to_string(const RiskRule& rule) {
  const std::string loss(to_string(rule.loss));
  if (!rule.options.delta) return fmt::format("risk {} loss {}", rule.options.level, loss);
  return fmt::format("risk {} delta {} loss {} bound {}", rule.options.level, *rule.options.delta, loss,
                     to_string(rule.options.bound));
}

RiskCalibration calibrate_with_risk(const LogitTable& tune, const LogitTable& guarantee, const PolicySpec& asked,
                                    const RiskRule& rule, bool with_temperatures) {
  check_risk_options(rule.options);
  if (tune.classes == 1) {
    fail(Code::kInvalidArgument,
         "[risk] a promise is about answers that are right or differ, and this model answers with a number; choose by "
         "error-rise or budget");
  }
  validate(tune);
  validate(guarantee);
  check_same_model(tune, guarantee);
  check_classes(tune, "tune");
  check_classes(guarantee, "guarantee");
  check_risk_samples(rule.options, guarantee.samples);
  PolicySpec policy = without_choice(asked);
  if (with_temperatures) policy = fit_policy(tune, policy);
  const ScoreTable seen = score_table(tune, policy);
  const ThresholdFamily family =
      threshold_family(seen, exit_losses(seen, rule.loss), largest_passing_risk(rule.options, guarantee.samples));
  const ScoreTable unseen = score_table(guarantee, policy);
  RiskCalibration result;
  result.choice = control_risk(family, unseen, exit_losses(unseen, rule.loss), rule.options);
  policy.thresholds = result.choice.thresholds;
  result.record = record_of(tune, policy, to_string(rule));
  result.record.guarantee =
      RiskGuarantee{.level = rule.options.level,
                    .delta = rule.options.delta.value_or(0),
                    .loss = std::string(to_string(rule.loss)),
                    .bound = rule.options.delta ? std::string(to_string(rule.options.bound)) : "conformal",
                    .samples = result.choice.samples,
                    .split_hash = {},
                    .risk = result.choice.risk};
  return result;
}

RiskCalibration recalibrate_with_risk(const LogitTable& tune, const LogitTable& guarantee,
                                      const CalibrationRecord& old) {
  SOONER_ASSERT(old.guarantee.has_value());
  RiskRule rule{.options = {.level = old.guarantee->level}, .loss = risk_loss_from_string(old.guarantee->loss)};
  if (old.guarantee->delta > 0) {
    rule.options.delta = old.guarantee->delta;
    rule.options.bound = risk_bound_from_string(old.guarantee->bound);
  }
  return calibrate_with_risk(tune, guarantee, without_ensemble_fit(old.policy), rule, !old.policy.temperatures.empty());
}

}  // namespace sooner
