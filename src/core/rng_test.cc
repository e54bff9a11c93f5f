#include "core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <vector>

#include "support/error_of.h"

namespace sooner {
namespace {

// splitmix64's published first three outputs from the state 0.
TEST(Mix64, IsSplitmix64) {
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafU);
  EXPECT_EQ(mix64(0x9e3779b97f4a7c15U), 0x6e789e6aa1b965f4U);
  EXPECT_EQ(mix64(2 * 0x9e3779b97f4a7c15U), 0x06c45d188009454fU);
}

TEST(Rng, GivesTheSameNumbersForTheSameSeed) {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  for (int i = 0; i < 100; ++i) {
    const uint64_t draw = a.next();
    EXPECT_EQ(draw, b.next());
    EXPECT_NE(draw, c.next());
  }
}

// Pinned: splits, drawn data and weights everywhere depend on these numbers.
TEST(Rng, KeepsItsNumbersFromVersionToVersion) {
  Rng rng(1);
  const std::array<uint64_t, 3> first{rng.next(), rng.next(), rng.next()};
  EXPECT_EQ(first, (std::array<uint64_t, 3>{0xf18d6ce93d6cf1eeU, 0xb95f66d327e8d78U, 0xc7061b1b93322ba9U}));
  EXPECT_EQ(Rng({1, 2, 3}).next(), 0x70f1dcfb36bd057U);
}

TEST(Rng, TellsStreamsApartByEveryKeyAndTheirOrder) {
  std::set<uint64_t> seen;
  for (uint64_t a = 0; a < 20; ++a) {
    for (uint64_t b = 0; b < 20; ++b) seen.insert(Rng({a, b}).next());
  }
  EXPECT_EQ(seen.size(), 400U);
  EXPECT_NE(Rng({1}).next(), Rng({1, 0}).next());
}

TEST(Rng, ContinuesFromASavedState) {
  Rng rng(3);
  rng.next();
  Rng later(99);
  later.set_state(rng.state());
  EXPECT_EQ(later.next(), rng.next());
}

TEST(Rng, DrawsUniformNumbersBelowOneWithTheRightMoments) {
  Rng rng(4);
  constexpr int kDraws = 20000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = rng.uniform();
    ASSERT_GE(draw, 0.0);
    ASSERT_LT(draw, 1.0);
    sum += draw;
    squares += draw * draw;
  }
  // Five standard errors: sqrt(1/12/n) = .0020 and sqrt(4/45/n) = .0021.
  EXPECT_NEAR(sum / kDraws, 0.5, 0.0103);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 0.0106);
}

TEST(Rng, ScalesUniformNumbersToARange) {
  Rng rng(5);
  for (int i = 0; i < 1000; ++i) {
    const double draw = rng.uniform(-2, 3);
    ASSERT_GE(draw, -2);
    ASSERT_LT(draw, 3);
  }
}

TEST(Rng, DrawsEveryWholeNumberBelowALimitAboutEquallyOften) {
  Rng rng(6);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen[rng.below(7)];
  // Five standard deviations of a binomial count: sqrt(7000 * 1/7 * 6/7) = 29.3.
  for (const int count : seen) EXPECT_NEAR(count, 1000, 147);
  EXPECT_EQ(rng.below(1), 0U);
  EXPECT_EQ(error_of([&] { rng.below(0); }).code(), Code::kInternal);
}

TEST(Rng, DrawsNormalNumbersWithMeanZeroAndVarianceOne) {
  Rng rng(8);
  constexpr int kDraws = 20000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = rng.normal();
    sum += draw;
    squares += draw * draw;
  }
  // Five standard errors: 1/sqrt(n) = .0071 and sqrt(2/n) = .01.
  EXPECT_NEAR(sum / kDraws, 0, 0.036);
  EXPECT_NEAR(squares / kDraws, 1, 0.05);
}

TEST(Rng, TakesChancesAsOftenAsAsked) {
  Rng rng(9);
  int taken = 0;
  for (int i = 0; i < 10000; ++i) taken += rng.chance(0.25) ? 1 : 0;
  EXPECT_NEAR(taken, 2500, 217);  // five standard deviations of 43.3
  EXPECT_FALSE(rng.chance(0));
  EXPECT_TRUE(rng.chance(1));
}

TEST(Shuffle, PermutesAndDependsOnTheSeed) {
  std::vector<int> values(50);
  std::iota(values.begin(), values.end(), 0);
  const std::vector<int> sorted = values;
  std::vector<int> again = values;
  std::vector<int> other = values;
  Rng a(1);
  Rng b(1);
  Rng c(2);
  shuffle(std::span(values), a);
  shuffle(std::span(again), b);
  shuffle(std::span(other), c);
  EXPECT_EQ(values, again);
  EXPECT_NE(values, other);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

TEST(Shuffle, LeavesNothingAndOneAlone) {
  Rng rng(1);
  std::vector<int> none;
  shuffle(std::span(none), rng);
  std::vector<int> one{4};
  shuffle(std::span(one), rng);
  EXPECT_EQ(one, std::vector<int>{4});
}

}  // namespace
}  // namespace sooner
