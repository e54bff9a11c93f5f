#include "tune/tables/prefix_tree.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/rng.h"

namespace sooner {
namespace {

TEST(PrefixTree, FindsTheLongestPrefixThatGainsEnough) {
  PrefixTree tree;
  tree.reset(5);
  const std::vector<int32_t> gains = {1, -2, 1, -1, -3};  // prefix sums 1 -1 0 -1 -4
  for (size_t i = 0; i < gains.size(); ++i) tree.fill(i, gains[i], 1.5);
  tree.build();
  EXPECT_EQ(tree.longest(0)->places, 3U);
  EXPECT_EQ(tree.longest(1)->places, 1U);
  EXPECT_EQ(tree.longest(-1)->places, 4U);
  EXPECT_EQ(tree.longest(-3)->places, 4U);
  EXPECT_EQ(tree.longest(-4)->places, 5U);
  EXPECT_EQ(tree.longest(-9)->places, 5U);
  EXPECT_FALSE(tree.longest(2).has_value());
  EXPECT_DOUBLE_EQ(tree.longest(0)->saving, 4.5);
  EXPECT_EQ(tree.longest(-1)->gain, -1);
}

TEST(PrefixTree, MayAnswerWithTheEmptyPrefix) {
  PrefixTree tree;
  tree.reset(2);
  tree.fill(0, -5, 1);
  tree.fill(1, 1, 1);
  tree.build();
  EXPECT_EQ(tree.longest(0)->places, 0U);
  EXPECT_EQ(tree.longest(-4)->places, 2U);
  tree.reset(0);
  tree.build();
  EXPECT_EQ(tree.longest(0)->places, 0U);
  EXPECT_FALSE(tree.longest(1).has_value());
}

TEST(PrefixTree, AgreesWithPlainSumsWhilePlacesChange) {
  Rng rng(3);
  for (size_t places = 1; places < 20; ++places) {
    PrefixTree tree;
    tree.reset(places);
    tree.build();
    std::vector<int32_t> gains(places, 0);
    for (int change = 0; change < 30; ++change) {
      const size_t place = rng.below(places);
      const int32_t gain = static_cast<int32_t>(rng.below(5)) - 2;
      gains[place] += gain;
      tree.add(place, gain, 1);
      EXPECT_DOUBLE_EQ(tree.total_saving(), change + 1.0);
      for (int64_t needed = -6; needed <= 6; ++needed) {
        int64_t sum = 0;
        int64_t longest = needed <= 0 ? 0 : -1;
        for (size_t i = 0; i < places; ++i) {
          sum += gains[i];
          if (sum >= needed) longest = static_cast<int64_t>(i) + 1;
        }
        const auto found = tree.longest(needed);
        ASSERT_EQ(found ? static_cast<int64_t>(found->places) : -1, longest);
        if (found) {
          const auto end = gains.begin() + static_cast<std::ptrdiff_t>(found->places);
          EXPECT_EQ(found->gain, std::accumulate(gains.begin(), end, int64_t{0}));
        }
      }
    }
  }
}

}  // namespace
}  // namespace sooner
