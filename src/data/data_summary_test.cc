#include "data/data_summary.h"

#include <cmath>

#include "data/memory_source.h"
#include "support/data_files.h"

namespace sooner {
namespace {

TEST(DataSummary, CountsEachClassOfEachSplit) {
  DataSet data;
  data.name = "made";
  data.hash = "0123456789abcdef";
  data.image_shape = {1, 1, 1};
  data.class_names = {"a", "b"};
  data.mean = {.5};
  data.std = {.25};
  std::vector<int32_t> labels;
  for (int i = 0; i < 60; ++i) labels.push_back(i < 40 ? 0 : 1);
  data.train =
      std::make_shared<MemorySource>(data.image_shape, std::vector<uint8_t>(60), labels, std::vector<float>(60, .5F));
  data.test = std::make_shared<MemorySource>(data.image_shape, std::vector<uint8_t>(3), std::vector<int32_t>{1, 1, 0});
  const Splits splits = make_splits(data, {});
  const DataSummary summary = summarize(data, splits);
  ASSERT_EQ(summary.splits.size(), 5U);
  EXPECT_EQ(summary.splits[0].name, "train");
  EXPECT_EQ(summary.splits[0].per_class, (std::vector<int64_t>{34, 17}));
  EXPECT_EQ(summary.splits[0].size, 51);
  EXPECT_NEAR(summary.splits[0].mean_difficulty, .5, 1e-12);
  EXPECT_EQ(summary.splits[1].per_class, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(summary.splits[4].name, "test");
  EXPECT_EQ(summary.splits[4].per_class, (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(std::isnan(summary.splits[4].mean_difficulty));
  EXPECT_EQ(summary.splits[3].hash, splits.guarantee.hash);
  EXPECT_EQ(summary.class_names, data.class_names);
  EXPECT_EQ(summary.hash, data.hash);
  EXPECT_EQ(summary.mean, data.mean);
}

}  // namespace
}  // namespace sooner
