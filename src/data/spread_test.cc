#include "data/spread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace sooner {
namespace {

using ::testing::ElementsAre;

TEST(SpreadOver, TakesTheMiddlesOfEqualParts) {
  const std::vector<int64_t> ten{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_THAT(spread_over(ten, 1), ElementsAre(5));
  EXPECT_THAT(spread_over(ten, 2), ElementsAre(2, 7));
  EXPECT_THAT(spread_over(ten, 3), ElementsAre(1, 5, 8));
  EXPECT_EQ(spread_over(ten, 10), ten);
  EXPECT_EQ(spread_over(ten, 11), ten);
  EXPECT_TRUE(spread_over(ten, 0).empty());
  EXPECT_TRUE(spread_over({}, 3).empty());
}

TEST(SpreadOver, TakesAsManyOfEveryClassFromAFolderThatGoesClassByClass) {
  std::vector<int64_t> samples(1000);  // sample i is of class i / 100
  std::iota(samples.begin(), samples.end(), int64_t{0});
  std::vector<int> of_class(10, 0);
  for (const int64_t sample : spread_over(samples, 50)) ++of_class[static_cast<size_t>(sample / 100)];
  EXPECT_THAT(of_class, testing::Each(5));
}

}  // namespace
}  // namespace sooner
