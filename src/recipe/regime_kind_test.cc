#include "recipe/regime_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipe/differentiable_options.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RegimeKinds, AreKnownByName) {
  EXPECT_THAT(regime_names(),
              ElementsAre("plain", "joint", "joint-ramp", "depth-weighted", "distillation", "local", "layer-wise",
                          "classifier-wise", "zero-time-waste", "mixed", "survivors", "boosting", "differentiable"));
  EXPECT_FALSE(regime_kind("plain").exits);
  EXPECT_TRUE(regime_kind("differentiable").gates);
  EXPECT_TRUE(regime_kind("zero-time-waste").cascade);
  EXPECT_THAT(message_of(Code::kInvalidArgument, [] { regime_kind("joint_ramp"); }),
              HasSubstr("did you mean 'joint-ramp'"));
}

TEST(RegimeKinds, DeclareTheirOwnOptions) {
  RegimeSettings settings;
  std::vector<Option> options;
  RegimeOptions declared(settings, options);
  for (const char* name : {"local", "joint", "mixed"}) regime_kind(name).declare(declared);
  std::vector<std::string> paths;
  for (const Option& option : options) paths.push_back(option.path());
  EXPECT_THAT(paths, ElementsAre("joint.weights", "joint.keep_heads", "joint.private_share", "mixed.backbone"));
  EXPECT_EQ(settings.number("mixed.backbone"), 0.5);
}

TEST(DifferentiableOptions, TrainARangeOfCostWeightsWhereItHasAnEnd) {
  RegimeSettings settings;
  std::vector<Option> options;
  RegimeOptions declared(settings, options);
  declare_differentiable_options(declared);
  EXPECT_FALSE(trained_cost_weights(settings).has_value());
  settings.set("differentiable.cost_weight", 0.25);
  settings.set("differentiable.cost_weight_high", 4.0);
  const auto range = trained_cost_weights(settings);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->low, 0.25);
  EXPECT_EQ(range->high, 4);
  EXPECT_NEAR(range->standard, 1, 1e-12);  // the middle of the logarithms
}

}  // namespace
}  // namespace sooner
