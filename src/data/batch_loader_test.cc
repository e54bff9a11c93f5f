#include "data/batch_loader.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <thread>

#include "data/memory_source.h"
#include "support/data_files.h"

namespace sooner {
namespace {

constexpr int kCount = 23;
const Shape kShape = {1, 2, 2};

// Image i is four times byte 10 * i, label i % 4.
std::shared_ptr<const ImageSource> make_source() {
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  for (int i = 0; i < kCount; ++i) {
    pixels.insert(pixels.end(), 4, static_cast<uint8_t>(10 * i));
    labels.push_back(i % 4);
  }
  return std::make_shared<MemorySource>(kShape, pixels, labels);
}

std::vector<int64_t> all_indices() {
  std::vector<int64_t> indices(kCount);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

LoaderOptions options_of(int batch_size, int threads) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.threads = threads;
  options.mean = {0};
  options.std = {1};
  return options;
}

struct Seen {
  std::vector<int64_t> indices;
  std::vector<int64_t> sizes;
  std::vector<float> images;
  bool operator==(const Seen&) const = default;
};

Seen drain(BatchLoader& loader) {
  Seen seen;
  while (const Batch* batch = loader.next()) {
    seen.sizes.push_back(batch->n);
    seen.indices.insert(seen.indices.end(), batch->indices.begin(), batch->indices.end());
    seen.images.insert(seen.images.end(), batch->images.begin(), batch->images.end());
  }
  return seen;
}

TEST(BatchLoader, GivesEverySampleOnceInOrder) {
  BatchLoader loader(make_source(), kShape, all_indices(), options_of(5, 2));
  EXPECT_EQ(loader.batches_per_epoch(), 5);
  loader.start_epoch(0);
  const Seen seen = drain(loader);
  EXPECT_EQ(seen.indices, all_indices());
  EXPECT_EQ(seen.sizes, (std::vector<int64_t>{5, 5, 5, 5, 3}));
  EXPECT_EQ(loader.next(), nullptr);
  EXPECT_EQ(loader.next(), nullptr);
}

TEST(BatchLoader, NormalisesEachChannelWithItsOwnFigures) {
  const auto source =
      std::make_shared<MemorySource>(Shape{2, 1, 2}, std::vector<uint8_t>{0, 255, 51, 102}, std::vector<int32_t>{3});
  LoaderOptions options = options_of(1, 1);
  options.mean = {.5, .2};
  options.std = {.25, .1};
  BatchLoader loader(source, {2, 1, 2}, {0}, options);
  loader.start_epoch(0);
  const Batch* batch = loader.next();
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->labels, (std::vector<int32_t>{3}));
  const std::vector<float> expected = {-2, 2, 0, 2};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(batch->images[i], expected[i], 1e-6);
}

TEST(BatchLoader, TakesOnlyTheChosenSamples) {
  BatchLoader loader(make_source(), kShape, {20, 3, 7}, options_of(2, 1));
  loader.start_epoch(0);
  EXPECT_EQ(drain(loader).indices, (std::vector<int64_t>{20, 3, 7}));
}

TEST(BatchLoader, DropsAnIncompleteLastBatchWhenTold) {
  LoaderOptions options = options_of(5, 2);
  options.drop_last = true;
  BatchLoader loader(make_source(), kShape, all_indices(), options);
  EXPECT_EQ(loader.batches_per_epoch(), 4);
  loader.start_epoch(0);
  EXPECT_EQ(drain(loader).sizes, (std::vector<int64_t>{5, 5, 5, 5}));
}

TEST(BatchLoader, ShufflesAnewEachEpochAndAlikeForTheSameSeed) {
  LoaderOptions options = options_of(4, 1);
  options.shuffle = true;
  BatchLoader loader(make_source(), kShape, all_indices(), options);
  loader.start_epoch(0);
  const auto first = drain(loader).indices;
  loader.start_epoch(1);
  const auto second = drain(loader).indices;
  loader.start_epoch(0);
  EXPECT_EQ(drain(loader).indices, first);
  EXPECT_NE(first, second);
  EXPECT_NE(first, all_indices());
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), static_cast<size_t>(kCount));
  options.seed = 2;
  BatchLoader other(make_source(), kShape, all_indices(), options);
  other.start_epoch(0);
  EXPECT_NE(drain(other).indices, first);
}

TEST(BatchLoader, GivesTheSameFloatsForAnyNumberOfThreads) {
  LoaderOptions options = options_of(3, 1);
  options.shuffle = true;
  options.augment = {.flip = true, .pad_crop = 1, .rotate_degrees = 20, .scale = .2, .shear = .1, .translate = .2};
  const auto run = [&](int threads, int prefetch) {
    options.threads = threads;
    options.prefetch = prefetch;
    BatchLoader loader(make_source(), kShape, all_indices(), options);
    loader.start_epoch(0);
    Seen seen = drain(loader);
    loader.start_epoch(1);
    const Seen second = drain(loader);
    EXPECT_NE(seen.images, second.images);
    seen.images.insert(seen.images.end(), second.images.begin(), second.images.end());
    return seen;
  };
  const Seen expected = run(1, 1);
  EXPECT_EQ(run(2, 4), expected);
  EXPECT_EQ(run(5, 2), expected);
  EXPECT_EQ(run(3, 50), expected);
}

TEST(BatchLoader, ResumesInsideAnEpoch) {
  LoaderOptions options = options_of(5, 2);
  options.shuffle = true;
  options.augment.pad_crop = 1;
  BatchLoader loader(make_source(), kShape, all_indices(), options);
  loader.start_epoch(3);
  const Seen whole = drain(loader);
  loader.start_epoch(3, 2);
  const Seen rest = drain(loader);
  EXPECT_EQ(rest.indices, std::vector<int64_t>(whole.indices.begin() + 10, whole.indices.end()));
  EXPECT_EQ(rest.images, std::vector<float>(whole.images.begin() + 40, whole.images.end()));
  loader.start_epoch(3, 5);
  EXPECT_EQ(loader.next(), nullptr);
}

TEST(BatchLoader, KeepsABatchUntilTheNextCall) {
  BatchLoader loader(make_source(), kShape, all_indices(), [] {
    LoaderOptions options = options_of(2, 4);
    options.prefetch = 1;
    return options;
  }());
  loader.start_epoch(0);
  int64_t number = 0;
  while (const Batch* batch = loader.next()) {
    const Batch before = *batch;
    std::this_thread::yield();
    EXPECT_EQ(batch->indices, before.indices);
    EXPECT_EQ(batch->images, before.images);
    EXPECT_EQ(batch->indices.front(), 2 * number++);
  }
}

TEST(BatchLoader, StartsAnewOrStopsAtAnyMoment) {
  LoaderOptions options = options_of(1, 3);
  options.augment.rotate_degrees = 10;
  for (int taken = 0; taken < 8; ++taken) {
    BatchLoader loader(make_source(), kShape, all_indices(), options);
    for (int64_t epoch = 0; epoch < 10; ++epoch) {
      loader.start_epoch(epoch);
      for (int i = 0; i < taken; ++i) {
        const Batch* batch = loader.next();
        ASSERT_NE(batch, nullptr);
        EXPECT_EQ(batch->indices.front(), i);
      }
    }
  }
  const BatchLoader never_started(make_source(), kShape, all_indices(), options);
}

class FailingSource final : public ImageSource {
 public:
  [[nodiscard]] int64_t size() const override { return 10; }
  [[nodiscard]] int32_t label(int64_t) const override { return 0; }
  void read(int64_t index, std::span<uint8_t>) const override {
    if (index == 5) fail(Code::kDataLoss, "[test] 'five.jpg' is corrupt");
  }
};

TEST(BatchLoader, CarriesAnErrorToTheBatchItBelongsTo) {
  for (const int threads : {1, 3}) {
    BatchLoader loader(std::make_shared<FailingSource>(), kShape, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                       options_of(2, threads));
    for (int round = 0; round < 3; ++round) {
      loader.start_epoch(round);
      EXPECT_NE(loader.next(), nullptr);
      EXPECT_NE(loader.next(), nullptr);
      expect_error(Code::kDataLoss, {"five.jpg"}, [&] { loader.next(); });
      expect_error(Code::kDataLoss, {"five.jpg"}, [&] { loader.next(); });
      loader.start_epoch(round, 3);
      EXPECT_EQ(loader.next()->indices.front(), 6);
    }
  }
}

class SlowSource final : public ImageSource {
 public:
  [[nodiscard]] int64_t size() const override { return 10; }
  [[nodiscard]] int32_t label(int64_t) const override { return 0; }
  void read(int64_t, std::span<uint8_t>) const override { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }
};

TEST(BatchLoader, CountsTheTimeItKeptItsCallerWaiting) {
  BatchLoader loader(std::make_shared<SlowSource>(), kShape, {0, 1, 2, 3, 4, 5}, options_of(2, 1));
  EXPECT_EQ(loader.seconds_waited(), 0);
  loader.start_epoch(0);
  loader.next();
  EXPECT_EQ(loader.seconds_waited(), 0);  // the first batch of an epoch does not count
  drain(loader);
  EXPECT_GT(loader.seconds_waited(), 0);
}

TEST(BatchLoader, HasNoBatchesForNoSamples) {
  BatchLoader loader(make_source(), kShape, {}, options_of(4, 2));
  EXPECT_EQ(loader.batches_per_epoch(), 0);
  loader.start_epoch(0);
  EXPECT_EQ(loader.next(), nullptr);
}

TEST(BatchLoader, RefusesSenselessOptions) {
  const auto make = [](const std::function<void(LoaderOptions&)>& change, std::vector<int64_t> indices = {0, 1, 2}) {
    LoaderOptions options = options_of(2, 1);
    change(options);
    BatchLoader loader(make_source(), kShape, std::move(indices), options);
  };
  expect_error(Code::kInvalidArgument, {"batch_size = 0"}, [&] { make([](auto& o) { o.batch_size = 0; }); });
  expect_error(Code::kInvalidArgument, {"threads = 0"}, [&] { make([](auto& o) { o.threads = 0; }); });
  expect_error(Code::kInvalidArgument, {"prefetch = -1"}, [&] { make([](auto& o) { o.prefetch = -1; }); });
  expect_error(Code::kInvalidArgument, {"mean", "1 finite"}, [&] { make([](auto& o) { o.mean = {0, 0}; }); });
  expect_error(Code::kInvalidArgument, {"std"}, [&] { make([](auto& o) { o.std = {0}; }); });
  expect_error(Code::kInvalidArgument, {"std"}, [&] { make([](auto& o) { o.std = {NAN}; }); });
  expect_error(Code::kInvalidArgument, {"pad_crop"}, [&] { make([](auto& o) { o.augment.pad_crop = 2; }); });
  expect_error(Code::kInvalidArgument, {"sample 23", "0 to 22"}, [&] { make([](auto&) {}, {1, 23}); });
  expect_error(Code::kInvalidArgument, {"sample -1"}, [&] { make([](auto&) {}, {-1}); });
  expect_error(Code::kInvalidArgument, {"3 samples for batches of 4"}, [&] {
    make([](auto& o) {
      o.drop_last = true;
      o.batch_size = 4;
    });
  });
  expect_error(Code::kInvalidArgument, {"2x2"}, [] { BatchLoader(make_source(), {2, 2}, {0}, options_of(1, 1)); });
  expect_error(Code::kInvalidArgument, {"no image source"},
               [] { BatchLoader(nullptr, kShape, {0}, options_of(1, 1)); });
}

TEST(BatchLoader, RefusesCallsOutOfTurn) {
  BatchLoader loader(make_source(), kShape, all_indices(), options_of(5, 1));
  expect_error(Code::kFailedPrecondition, {"start_epoch"}, [&] { loader.next(); });
  expect_error(Code::kInvalidArgument, {"batch 6", "0 to 5"}, [&] { loader.start_epoch(0, 6); });
  expect_error(Code::kInvalidArgument, {"epoch -1"}, [&] { loader.start_epoch(-1); });
}

}  // namespace
}  // namespace sooner
