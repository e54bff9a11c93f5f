#include "report/training_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "run/epoch_record.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Its gates decide from the second epoch on.
EpochRecord epoch(int64_t number) {
  EpochRecord record{.epoch = number, .learning_rate = 0.5 / static_cast<double>(number)};
  record.train.exits = {{2, 1}, {0.25, 0.5}, {}, {}, 0, 0};
  record.validation = {{3, 2}, {0.5, 0.75}, {}, {}, 0, 0};
  if (number > 1) record.validation.share = {0.625, 0.375};
  return record;
}

TEST(TrainingSeries, AreTheRunsRecordsOverItsEpochs) {
  const TempFolder run;
  write_file_atomically(run / "metrics.jsonl", metrics_json(epoch(1)) + "\n" + metrics_json(epoch(2)) + "\n");
  const std::vector<ReportSeries> series = training_series(run.path());
  std::vector<std::string> names;
  for (const ReportSeries& one : series) names.push_back(one.chart + ": " + one.name);
  const std::string left = "share leaving by the gates (validation): ";
  EXPECT_THAT(
      names, ElementsAre("accuracy: exit 0 train", "loss: exit 0 train", "accuracy: exit 1 train", "loss: exit 1 train",
                         "accuracy: exit 0 validation", "loss: exit 0 validation", "accuracy: exit 1 validation",
                         "loss: exit 1 validation", "learning rate: learning rate", left + "exit 0", left + "exit 1"));
  EXPECT_THAT(series[4].epochs, ElementsAre(1, 2));
  EXPECT_THAT(series[4].values, ElementsAre(0.5, 0.5));
  EXPECT_THAT(series[8].values, ElementsAre(0.5, 0.25));
  EXPECT_THAT(series[9].epochs, ElementsAre(2));
  EXPECT_THAT(series[9].values, ElementsAre(0.625));
  // Of the model in the folder, too; none where there is no record.
  EXPECT_EQ(training_series(run / "model.safetensors").size(), series.size());
  EXPECT_THAT(training_series(run / "nowhere/model.safetensors"), IsEmpty());
}

}  // namespace
}  // namespace sooner
