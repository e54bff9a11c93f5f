#include "run/epoch_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/file.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const double kNone = std::nan("");

// Two exits; by its gates three quarters leave at the first.
EpochRecord gated_epoch() {
  EpochRecord record{.epoch = 2, .step = 20, .phase = "differentiable", .learning_rate = 0.5, .cost_weight = 0.25};
  record.seconds = 1.5;
  record.images_per_second = 100;
  record.waiting_share = 0.125;
  record.best = true;
  record.train = {
      .loss = 2, .mixture = 1.5, .soft_cost = 0.75, .exits = {{1, 0.5}, {0.5, 0.75}, {0.25}, {0.5, 0.5}, 0.625, 0.5}};
  record.validation = {{1.25, 0.75}, {0.5, 1}, {0.75}, {0.75, 0.25}, 0.875, 0.375};
  record.warnings = {"exit 1 starves"};
  record.gradient_norms = {{"conv2.weight", 3}, {"conv1.weight", 0.5}};
  return record;
}

TEST(EpochRecord, IsALineOfJson) {
  EXPECT_EQ(metrics_json(gated_epoch()),
            R"({"epoch":2,"step":20,"phase":"differentiable","learning_rate":0.5,"cost_weight":0.25,"seconds":1.5,)"
            R"("images_per_second":100.0,"waiting_share":0.125,"best":true,"warnings":["exit 1 starves"],)"
            R"("gradient_norms":{"conv2.weight":3.0,"conv1.weight":0.5},)"
            R"("train":{"loss":2.0,"mixture":1.5,"soft_cost":0.75,)"
            R"("exits":[{"loss":1.0,"accuracy":0.5,"mean_gate":0.25,"share":0.5},)"
            R"({"loss":0.5,"accuracy":0.75,"mean_gate":null,"share":0.5}],"rule_accuracy":0.625,"cost":0.5},)"
            R"("validation":{"exits":[{"loss":1.25,"accuracy":0.5,"mean_gate":0.75,"share":0.75},)"
            R"({"loss":0.75,"accuracy":1.0,"mean_gate":null,"share":0.25}],"rule_accuracy":0.875,"cost":0.375}})");
}

TEST(EpochRecord, ReadsBackToTheSameLine) {
  const std::string line = metrics_json(gated_epoch());
  const auto again = epoch_from_json(line);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(metrics_json(*again), line);
  EXPECT_EQ(again->phase, "differentiable");
  EXPECT_THAT(again->validation.share, ElementsAre(0.75, 0.25));
  EXPECT_THAT(again->train.exits.mean_gate, ElementsAre(0.25));
  EXPECT_THAT(again->gradient_norms, ElementsAre(Pair("conv2.weight", 3), Pair("conv1.weight", 0.5)));
}

TEST(EpochRecord, HasNoRuleInAPhaseWithoutGates) {
  EpochRecord record{.epoch = 1, .phase = "joint", .cost_weight = kNone};
  record.train = {
      .loss = 1, .mixture = kNone, .soft_cost = kNone, .exits = {{kNone, 1}, {kNone, 0.5}, {}, {}, kNone, kNone}};
  record.validation = {{1, 1}, {0.25, 0.5}, {}, {}, kNone, kNone};
  const std::string line = metrics_json(record);
  EXPECT_THAT(line, HasSubstr(R"("cost_weight":null)"));
  const auto again = epoch_from_json(line);
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->validation.has_rule());
  EXPECT_THAT(again->validation.mean_gate, IsEmpty());
  EXPECT_TRUE(std::isnan(again->cost_weight));
  EXPECT_TRUE(std::isnan(again->train.exits.loss[0]));
  EXPECT_EQ(metrics_json(*again), line);
}

TEST(EpochRecord, SaysTheErrorOfARegression) {
  EpochRecord record{.epoch = 1};
  record.validation = {{0.5}, {-4.25}, {}, {}, kNone, kNone};
  record.quantity = Quantity{"angle", "degrees"};
  const std::string line = metrics_json(record);
  EXPECT_THAT(line, HasSubstr(R"("error":4.25)"));
  EXPECT_THAT(epoch_from_json(line)->validation.quality, ElementsAre(-4.25));
  EXPECT_THAT(summary(record, 3), HasSubstr("error 4.250 degrees"));
}

TEST(EpochRecord, IsNotReadFromAnythingElse) {
  const std::string line = metrics_json(gated_epoch());
  for (const std::string& bad : {std::string(), line.substr(0, line.size() / 2), std::string("[1]"), std::string("{}"),
                                 std::string(R"({"epoch":"two"})"), std::string(R"({"epoch":1,"train":7})"),
                                 std::string(R"({"epoch":1,"warnings":[1]})")}) {
    EXPECT_EQ(epoch_from_json(bad), std::nullopt) << bad;
  }
  // What is not said is not known.
  EXPECT_TRUE(std::isnan(epoch_from_json(R"({"epoch":1})")->seconds));
}

TEST(EpochRecords, AreReadUpToTheFirstBrokenLine) {
  const TempFolder folder;
  EXPECT_THAT(read_epochs(folder / "metrics.jsonl"), IsEmpty());
  const std::string line = metrics_json(gated_epoch());
  write_file_atomically(folder / "metrics.jsonl", line + "\n" + line + "\n" + line.substr(0, 40));
  const std::vector<EpochRecord> epochs = read_epochs(folder / "metrics.jsonl");
  EXPECT_EQ(epochs.size(), 2U);
  EXPECT_EQ(training_seconds(epochs), 3);
  EXPECT_TRUE(std::isnan(training_seconds({})));
}

TEST(EpochRecord, IsSummedUpForAPerson) {
  EXPECT_EQ(summary(gated_epoch(), 12),
            "epoch   2/12 differentiable: loss 2.0000, validation 50.00 / 100.00 %, gates 87.50 % at cost 0.375 (leave "
            "75.00 / 25.00 %), 100 images/s, 1.5 s *");
}

}  // namespace
}  // namespace sooner
