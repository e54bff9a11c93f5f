#include "measure/class_outcomes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sooner {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsNan;

TEST(ClassOutcomes, SayWhatAveragesHide) {
  // Two exits, three classes: sample 0 (class 0) leaves at exit 0 as the last exit would answer, sample 1 (class 1) at
  // exit 0 otherwise, sample 2 (class 1) goes on. Nothing of class 2.
  const LogitTable table{.samples = 3,
                         .exits = 2,
                         .classes = 3,
                         .logits = {4, 0, 0, 4, 0, 0, 4, 0, 0, 0, 4, 0, 1, 0, 0, 0, 4, 0},
                         .gates = {NAN, NAN, NAN},
                         .labels = {0, 1, 1},
                         .exit_cost = {0.25, 1}};
  const Evaluation evaluation = evaluate(table, {.name = "max-prob", .thresholds = Threshold::scores({0.9})}, 100);
  Manifest manifest;
  manifest.class_names = {"a", "b", "c"};
  const std::vector<ClassOutcome> classes = class_outcomes(manifest, evaluation, table);
  ASSERT_EQ(classes.size(), 3U);
  EXPECT_EQ(classes[0].samples, 1);
  EXPECT_EQ(classes[0].differs, 0);
  EXPECT_EQ(classes[1].name, "b");
  EXPECT_EQ(classes[1].samples, 2);
  EXPECT_EQ(classes[1].accuracy, 0.5);
  EXPECT_EQ(classes[1].cost, 0.625);
  EXPECT_EQ(classes[1].differs, 0.5);
  EXPECT_THAT(classes[1].shares, ElementsAre(0.5, 0.5));
  EXPECT_EQ(classes[2].samples, 0);
  EXPECT_THAT(classes[2].differs, IsNan());
  EXPECT_THAT(classes[2].shares, Each(IsNan()));
}

}  // namespace
}  // namespace sooner
