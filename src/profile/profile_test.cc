#include "profile/profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "format/model_file.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

TEST(Profile, TimesEveryStepOfEveryStage) {
  ModelFile file;
  file.manifest.graph = build_network({"b-lenet", "names:conv1", "gap-fc", "none"}, {1, 28, 28}, 10);
  file.tensors = test::random_weights(file.manifest.graph, 1);
  const auto backend = make_backend("ref");
  const auto model = Model::compile(file, *backend, {.backend = "ref"});
  const std::vector<float> images = test::random_images(file.manifest.graph, 2, 3);
  const Profile timed = profile(*model, *backend, images, 2);
  EXPECT_EQ(timed.key, (ProfileKey{2, "fp32", 1, "ref", model->instruction_set()}));
  EXPECT_GT(timed.peak_macs_per_us, 0);
  ASSERT_EQ(timed.stages.size(), 2U);
  int64_t macs = 0;
  double us = 0;
  for (const StageProfile& stage : timed.stages) {
    for (const StepProfile& step : stage.steps) {
      EXPECT_GT(step.us, 0) << step.name;
      macs += step.macs;
      us += step.us;
    }
    us -= stage.trunk_us + stage.head_us;
  }
  EXPECT_NEAR(us, 0, 1e-9);
  const GraphCost& cost = model->cost();
  EXPECT_EQ(macs, std::llround(cost.exit_fraction[1] * static_cast<double>(cost.backbone_macs)));
  // What conv1 gives crosses the cut; behind the last stage there is none.
  EXPECT_GT(timed.stages[0].carry_bytes, 0);
  EXPECT_EQ(timed.stages[1].carry_bytes, 0);
  const std::vector<double> times = exit_times(timed);
  EXPECT_LT(times[0], times[1]);
}

}  // namespace
}  // namespace sooner
