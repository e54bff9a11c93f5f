#include "data/split.h"

#include <algorithm>
#include <set>

#include "data/memory_source.h"
#include "support/data_files.h"

namespace sooner {
namespace {

// `counts` images of each class, classes interleaved; 7 test images.
DataSet make_set(const std::vector<int>& counts, const std::string& hash = "0123456789abcdef") {
  std::vector<int32_t> labels;
  for (int round = 0; round < *std::max_element(counts.begin(), counts.end()); ++round) {
    for (size_t label = 0; label < counts.size(); ++label) {
      if (round < counts[label]) labels.push_back(static_cast<int32_t>(label));
    }
  }
  DataSet data;
  data.name = "made";
  data.image_shape = {1, 1, 1};
  for (size_t label = 0; label < counts.size(); ++label) data.class_names.push_back("class" + std::to_string(label));
  data.hash = hash;
  std::vector<uint8_t> pixels(labels.size());
  data.train = std::make_shared<MemorySource>(data.image_shape, pixels, labels);
  data.test = std::make_shared<MemorySource>(data.image_shape, std::vector<uint8_t>(7), std::vector<int32_t>(7));
  return data;
}

std::vector<int64_t> counts_of(const DataSet& data, const Split& split) {
  std::vector<int64_t> counts(static_cast<size_t>(data.classes()));
  for (const int64_t index : split.indices) ++counts[static_cast<size_t>(data.train->label(index))];
  return counts;
}

TEST(Splits, CutEachClassByTheShares) {
  const DataSet data = make_set({100, 40});
  const Splits splits = make_splits(data, {.validation = .05, .calibration = .10, .seed = 3});
  EXPECT_EQ(counts_of(data, splits.train), (std::vector<int64_t>{85, 34}));
  EXPECT_EQ(counts_of(data, splits.validation), (std::vector<int64_t>{5, 2}));
  EXPECT_EQ(counts_of(data, splits.tune), (std::vector<int64_t>{5, 2}));
  EXPECT_EQ(counts_of(data, splits.guarantee), (std::vector<int64_t>{5, 2}));
  EXPECT_EQ(splits.test.indices, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Splits, AreDisjointAscendingAndWhole) {
  const DataSet data = make_set({31, 17, 50});
  const Splits splits = make_splits(data, {});
  std::set<int64_t> seen;
  size_t total = 0;
  for (const Split* split : {&splits.train, &splits.validation, &splits.tune, &splits.guarantee}) {
    EXPECT_TRUE(std::is_sorted(split->indices.begin(), split->indices.end()));
    seen.insert(split->indices.begin(), split->indices.end());
    total += split->indices.size();
  }
  EXPECT_EQ(total, 98U);
  EXPECT_EQ(seen.size(), 98U);
}

TEST(Splits, GiveBothCalibrationHalvesTheirShareOfOddCounts) {
  const DataSet data = make_set({30, 30, 30, 30});  // 3 calibration images a class
  const Splits splits = make_splits(data, {});
  EXPECT_EQ(splits.tune.indices.size(), 6U);
  EXPECT_EQ(splits.guarantee.indices.size(), 6U);
}

TEST(Splits, AreTheSameForTheSameSeedAndOthersForAnother) {
  const DataSet data = make_set({100, 100});
  const Splits a = make_splits(data, {.seed = 1}), b = make_splits(data, {.seed = 1}),
               c = make_splits(data, {.seed = 2});
  EXPECT_EQ(a.train.indices, b.train.indices);
  EXPECT_EQ(a.tune.hash, b.tune.hash);
  EXPECT_NE(a.tune.indices, c.tune.indices);
  EXPECT_NE(a.tune.hash, c.tune.hash);
}

TEST(Splits, AreTheSameOnEveryMachine) {
  // Written down once; a change of generator or order would quietly move images between splits.
  const Splits splits = make_splits(make_set({20, 20}), {.validation = .1, .calibration = .2, .seed = 7});
  EXPECT_EQ(splits.validation.indices, (std::vector<int64_t>{8, 15, 20, 37}));
  EXPECT_EQ(splits.validation.hash, "0e0b3cc505d98822");
}

TEST(Splits, HashDataNameAndIndices) {
  const Splits a = make_splits(make_set({40, 40}), {});
  const Splits b = make_splits(make_set({40, 40}, "fedcba9876543210"), {});
  EXPECT_EQ(a.train.indices, b.train.indices);
  EXPECT_NE(a.train.hash, b.train.hash);
  EXPECT_EQ(a.train.hash.size(), 16U);
  std::set<std::string> hashes;
  for (const Split* split : {&a.train, &a.validation, &a.tune, &a.guarantee, &a.test}) hashes.insert(split->hash);
  EXPECT_EQ(hashes.size(), 5U);
}

TEST(Splits, MayLeavePartsOut) {
  const Splits splits = make_splits(make_set({4, 4}), {.validation = 0, .calibration = 0});
  EXPECT_EQ(splits.train.indices.size(), 8U);
  EXPECT_TRUE(splits.validation.indices.empty());
  EXPECT_TRUE(splits.guarantee.indices.empty());
}

TEST(Splits, PutAtLeastOneImageOfEachClassIntoEachPart) {
  const DataSet data = make_set({4, 300});
  const Splits splits = make_splits(data, {.validation = .01, .calibration = .01});
  EXPECT_EQ(counts_of(data, splits.validation)[0], 1);
  EXPECT_EQ(counts_of(data, splits.tune)[0], 1);
  EXPECT_EQ(counts_of(data, splits.guarantee)[0], 1);
  EXPECT_EQ(counts_of(data, splits.train)[0], 1);
}

// 100 x 100^(-c/2) for three classes; the other splits are those of the whole set.
TEST(Splits, MakeTrainingLongTailedWhenAsked) {
  const DataSet data = make_set({125, 125, 125});
  const SplitOptions whole{.validation = .08, .calibration = .12};
  SplitOptions tailed = whole;
  tailed.imbalance = 100;
  const Splits a = make_splits(data, whole), b = make_splits(data, tailed);
  EXPECT_EQ(counts_of(data, a.train), (std::vector<int64_t>{100, 100, 100}));
  EXPECT_EQ(counts_of(data, b.train), (std::vector<int64_t>{100, 10, 1}));
  EXPECT_TRUE(std::ranges::includes(a.train.indices, b.train.indices));
  EXPECT_NE(a.train.hash, b.train.hash);
  EXPECT_EQ(a.tune.hash, b.tune.hash);
  EXPECT_EQ(a.validation.hash, b.validation.hash);
  EXPECT_EQ(make_splits(data, tailed).train.hash, b.train.hash);
  tailed.imbalance = 1e9;
  EXPECT_EQ(counts_of(data, make_splits(data, tailed).train)[2], 1);
  for (const double wrong : {0.5, -1.0, static_cast<double>(NAN)}) {
    tailed.imbalance = wrong;
    expect_error(Code::kInvalidArgument, {"imbalance"}, [&] { make_splits(data, tailed); });
  }
}

TEST(Splits, RefuseClassesTooSmallToCut) {
  expect_error(Code::kInvalidArgument, {"class1", "3 training images", "add images"},
               [] { make_splits(make_set({100, 3}), {}); });
}

TEST(Splits, RefuseSharesOutOfRange) {
  const DataSet data = make_set({100, 100});
  expect_error(Code::kInvalidArgument, {"validation", "0.6"}, [&] { make_splits(data, {.validation = .6}); });
  expect_error(Code::kInvalidArgument, {"calibration", "-0.1"}, [&] { make_splits(data, {.calibration = -.1}); });
  expect_error(Code::kInvalidArgument, {"calibration", "nan"}, [&] { make_splits(data, {.calibration = NAN}); });
  expect_error(Code::kInvalidArgument, {"too few"}, [&] { make_splits(data, {.validation = .5, .calibration = .5}); });
}

TEST(Splits, AreFoundByName) {
  const Splits splits = make_splits(make_set({40, 40}), {});
  EXPECT_EQ(&splits.by_name("tune"), &splits.tune);
  EXPECT_EQ(&splits.by_name("test"), &splits.test);
  expect_error(Code::kInvalidArgument, {"calibration", "tune, guarantee"},
               [&] { static_cast<void>(splits.by_name("calibration")); });
}

}  // namespace
}  // namespace sooner
