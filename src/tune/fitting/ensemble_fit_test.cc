#include "policy/rules/ensemble_fit.h"

#include <gtest/gtest.h>

#include "tune/calibrate.h"
#include "tune/tables/labelled_table.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

TEST(EnsembleFit, IsPartOfACalibrationUnlessWeightsAreGiven) {
  const LogitTable table = random_logit_table(45, 300, 3, 4);
  const CalibrationRule rule{.kind = CalibrationRule::Kind::kAccuracyDrop, .value = 0.02};
  const CalibrationRecord record = calibrate(table, {.name = "ensemble"}, rule);
  const EnsembleFit fit = fit_ensemble(LabelledTable(table), record.policy.temperatures);
  EXPECT_EQ(record.policy.settings, (PolicySettings{{"weights", fit.weights}, {"biases", fit.biases}}));
  EXPECT_TRUE(calibrate(table, {.name = "ensemble"}, rule, {.fit_temperatures = false}).policy.settings.empty());
  const PolicySpec arithmetic{.name = "ensemble", .settings = {{"mean", "arithmetic"}}};
  EXPECT_EQ(calibrate(table, arithmetic, rule).policy.settings, arithmetic.settings);
}

}  // namespace
}  // namespace sooner
