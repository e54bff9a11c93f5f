#include "eval/rank_power.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"
#include "eval/rank_bets.h"

namespace sooner {
namespace {

TEST(RankPower, PromisesNoMoreThanSimulationsFind) {
  constexpr int kRuns = 150;
  const double log_wanted = std::log(100);
  for (const int64_t sample : {300, 2000}) {
    for (const double first : {0.5, 0.7}) {
      const RankTest test{.cut = first, .sample = sample, .log_wanted = log_wanted, .power = 0.9};
      const auto shift = found_shift(test, 1500);
      ASSERT_TRUE(shift);
      for (const double moved : {*shift, -*shift}) {
        int found = 0;
        for (uint64_t run = 0; run < kRuns; ++run) {
          Rng rng({8, run});
          std::vector<int64_t> counts(2);
          for (int64_t i = 0; i < sample; ++i) ++counts[rng.chance(first) ? 0 : 1];
          RankBets bets(counts, run);
          for (int i = 0; i < 1500; ++i) bets.add(rng.chance(first + moved) ? 0 : 1);
          if (bets.state().log_peak >= log_wanted) ++found;
        }
        EXPECT_GE(found, kRuns * 0.9 - 3 * std::sqrt(kRuns * 0.9 * 0.1)) << sample << " " << first << " " << moved;
      }
    }
  }
}

TEST(RankPower, FindsSmallerShiftsWithMoreValuesAndLargerSamples) {
  RankTest test{.sample = 2000, .log_wanted = std::log(100)};
  const double few = found_shift(test, 300).value();
  const double many = found_shift(test, 3000).value();
  EXPECT_LT(many, few);
  EXPECT_GT(values_to_find(test, many).value(), values_to_find(test, few).value());
  EXPECT_LE(values_to_find(test, many).value(), 3300) << "at most a tenth too many";
  test.sample = 20'000;
  EXPECT_LT(found_shift(test, 3000).value(), many);
}

TEST(RankPower, FindsNothingWithTooFewValuesOrTooSmallASample) {
  const RankTest test{.sample = 200, .log_wanted = std::log(100)};
  EXPECT_EQ(found_shift(test, 5), std::nullopt);
  EXPECT_EQ(found_shift(test, 0), std::nullopt);
  EXPECT_EQ(values_to_find(test, 0.02), std::nullopt) << "less than the sample's own error";
  EXPECT_EQ(values_to_find(test, 0.7), std::nullopt) << "more than either half has to give";
  EXPECT_EQ(found_shift({.cut = 0, .sample = 200, .log_wanted = 1}, 100), std::nullopt) << "one cell";
}

TEST(MiddleCut, LiesBetweenTheCellsNearestToTheMiddle) {
  EXPECT_EQ(middle_cut(std::vector<int64_t>{6, 6, 4, 16}), 0.5);
  EXPECT_EQ(middle_cut(std::vector<int64_t>{9, 1}), 0.9);
  EXPECT_EQ(middle_cut(std::vector<int64_t>{0, 2, 6, 2}), 0.2) << "as near as 0.8";
  EXPECT_EQ(middle_cut(std::vector<int64_t>{0, 7, 0}), 0);
}

}  // namespace
}  // namespace sooner
