#include "data/memory_source.h"

#include "support/data_files.h"

#include <cmath>

namespace sooner {
namespace {

TEST(MemorySource, GivesBackWhatItHolds) {
  const MemorySource source({1, 1, 2}, {1, 2, 3, 4}, {5, 6}, {.25F, .75F});
  std::vector<uint8_t> pixels(2);
  source.read(1, pixels);
  EXPECT_EQ(pixels, (std::vector<uint8_t>{3, 4}));
  EXPECT_EQ(source.label(0), 5);
  EXPECT_EQ(source.difficulty(1), .75);
}

TEST(MemorySource, KnowsNoDifficultyUnlessToldOne) {
  EXPECT_TRUE(std::isnan(MemorySource({1, 1, 1}, {1}, {0}).difficulty(0)));
}

TEST(MemorySource, RefusesArraysThatDoNotFit) {
  expect_error(Code::kInvalidArgument, {"3 bytes", "2 labels", "1x1x2"},
               [] { MemorySource({1, 1, 2}, {1, 2, 3}, {0, 1}); });
  expect_error(Code::kInvalidArgument, {"1 difficulties"}, [] { MemorySource({1, 1, 1}, {1, 2}, {0, 1}, {.5F}); });
}

TEST(MemorySource, RefusesToReadBeyondItsEndOrIntoTooLittle) {
  const MemorySource source({1, 1, 2}, {1, 2}, {0});
  std::vector<uint8_t> pixels(2);
  expect_error(Code::kOutOfRange, {"image 1"}, [&] { source.read(1, pixels); });
  expect_error(Code::kOutOfRange, {"image -1"}, [&] { source.read(-1, pixels); });
  expect_error(Code::kOutOfRange, {"1 bytes"}, [&] { source.read(0, std::span(pixels).first(1)); });
}

TEST(HoldInMemory, CopiesASourceWithAnyNumberOfThreads) {
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  for (int i = 0; i < 37; ++i) {
    pixels.push_back(static_cast<uint8_t>(3 * i));
    labels.push_back(i % 5);
  }
  const MemorySource source({1, 1, 1}, pixels, labels);
  for (const int threads : {1, 2, 5, 100}) {
    const auto copy = hold_in_memory(source, {1, 1, 1}, threads);
    EXPECT_EQ(std::vector<uint8_t>(copy->pixels().begin(), copy->pixels().end()), pixels);
    EXPECT_EQ(std::vector<int32_t>(copy->labels().begin(), copy->labels().end()), labels);
    EXPECT_TRUE(std::isnan(copy->difficulty(3)));
  }
}

class BrokenSource final : public ImageSource {
 public:
  [[nodiscard]] int64_t size() const override { return 100; }
  [[nodiscard]] int32_t label(int64_t) const override { return 0; }
  void read(int64_t index, std::span<uint8_t>) const override {
    if (index == 60) fail(Code::kDataLoss, "[test] image 60 is bad");
  }
};

TEST(HoldInMemory, CarriesAnErrorOutOfItsThreads) {
  for (const int threads : {1, 4}) {
    expect_error(Code::kDataLoss, {"image 60"}, [&] { hold_in_memory(BrokenSource(), {1, 1, 1}, threads); });
  }
}

TEST(MemorySource, KnowsTargetsWhereItWasGivenThem) {
  EXPECT_EQ(MemorySource({1, 1, 1}, {1, 2}, {0, 0}, {}, {-3.5F, 7}).target(1), 7);
  EXPECT_TRUE(std::isnan(MemorySource({1, 1, 1}, {1}, {0}).target(0)));
  expect_error(Code::kInvalidArgument, {"1 targets"}, [] { MemorySource({1, 1, 1}, {1, 2}, {0, 1}, {}, {.5F}); });
}

}  // namespace
}  // namespace sooner
