#include "eval/rank_bets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/rng.h"
#include "support/message_of.h"

namespace sooner {
namespace {

TEST(RankBets, PayWhatTheirForecastsGaveTheBinThatCame) {
  // Values of the last cell have ranks above 1000/1001: all in the last bin, 1/32 wide.
  RankBets bets({500, 500, 0}, 1);
  bets.add(2);
  EXPECT_NEAR(bets.log_wealth(), 0, 1e-12) << "the first forecast is that of no difference";
  bets.add(2);
  // Forecasts (1 + a/32) / (1 + a) against 1/32: 40/9, 96/65 and 544/513 for half of the money.
  const double wealth = 0.5 + 0.5 * (40.0 / 9 + 96.0 / 65 + 544.0 / 513) / 3;
  EXPECT_NEAR(bets.log_wealth(), std::log(wealth), 1e-12);
  EXPECT_NEAR(bets.state().log_peak, std::log(wealth), 1e-12);
  ASSERT_EQ(bets.state().bettors.size(), 1U);
  EXPECT_EQ(bets.state().bettors[0].ranks.back(), 2);
}

TEST(RankBets, HaveNothingToBetOnWithoutASampleOrWithOneCell) {
  EXPECT_TRUE(RankBets({7, 0}, 1).betting());
  EXPECT_FALSE(RankBets({7}, 1).betting());
  RankBets nothing({0, 0}, 1);
  nothing.add(1);
  EXPECT_FALSE(nothing.betting());
  EXPECT_EQ(nothing.log_wealth(), 0);
  EXPECT_EQ(nothing.values(), 1);
}

TEST(RankBets, BeginAgainAndAgainForADifferenceThatBeginsLate) {
  RankBets bets({500, 500}, 1);
  for (int i = 0; i < 160; ++i) bets.add(static_cast<size_t>(i % 2));
  ASSERT_EQ(bets.state().bettors.size(), 4U);
  EXPECT_EQ(bets.state().bettors[1].start, 100);
  EXPECT_EQ(bets.state().bettors[2].start, 125);
  EXPECT_EQ(bets.state().bettors[3].start, 157);  // 125 + 125/4, rounded up
}

size_t draw(Rng& rng, double first, size_t cells) {
  return rng.chance(first) ? 0 : 1 + static_cast<size_t>(rng.below(cells - 1));
}

// A small sample, so that its own error is large: whoever takes it for the truth fails here.
RankBets bets_of_forty(Rng& rng, uint64_t run) {
  std::vector<int64_t> sample(4);
  for (int i = 0; i < 40; ++i) ++sample[draw(rng, 0.4, 4)];
  return {sample, run};
}

TEST(RankBets, AreAFairGameWithoutADifference) {
  constexpr int kRuns = 10'000;
  double mean = 0;
  double square = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    Rng rng({5, run});
    RankBets bets = bets_of_forty(rng, run);
    for (int i = 0; i < 12; ++i) bets.add(draw(rng, 0.4, 4));
    mean += std::exp(bets.log_wealth()) / kRuns;
    square += std::exp(2 * bets.log_wealth()) / kRuns;
  }
  EXPECT_NEAR(mean, 1, 3 * std::sqrt((square - mean * mean) / kRuns));
}

TEST(RankBets, ReachAHundredWithoutADifferenceInOneRunOfAHundredAtMost) {
  constexpr int kRuns = 400;
  int reached = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    Rng rng({5, run});
    RankBets bets = bets_of_forty(rng, run);
    for (int i = 0; i < 3000; ++i) bets.add(draw(rng, 0.4, 4));
    if (bets.state().log_peak >= std::log(100)) ++reached;
  }
  EXPECT_LE(reached, kRuns * 0.01 + 3 * std::sqrt(kRuns * 0.01 * 0.99));
}

TEST(RankBets, FindADifferenceFromTheStartAndOneThatBeginsLate) {
  for (const int before : {0, 4000}) {
    int found = 0;
    for (uint64_t run = 0; run < 50; ++run) {
      Rng rng({6, run});
      std::vector<int64_t> sample(4);
      for (int i = 0; i < 1000; ++i) ++sample[draw(rng, 0.4, 4)];
      RankBets bets(sample, run);
      for (int i = 0; i < before; ++i) bets.add(draw(rng, 0.4, 4));
      for (int i = 0; i < 2500; ++i) bets.add(draw(rng, 0.55, 4));
      if (bets.state().log_peak >= std::log(100)) ++found;
    }
    EXPECT_GE(found, 48) << before << " values before";
  }
}

TEST(RankBets, GoOnFromAStateAsIfNothingHadHappened) {
  Rng rng(3);
  RankBets whole({30, 40, 30}, 9);
  std::vector<size_t> cells(700);
  for (size_t& cell : cells) cell = draw(rng, 0.5, 3);
  for (const size_t cell : cells) whole.add(cell);
  RankBets first({30, 40, 30}, 9);
  for (size_t i = 0; i < 333; ++i) first.add(cells[i]);
  RankBets second({30, 40, 30}, 9, first.state());
  for (size_t i = 333; i < cells.size(); ++i) second.add(cells[i]);
  EXPECT_EQ(second.state(), whole.state());
  EXPECT_EQ(second.log_wealth(), whole.log_wealth());
}

TEST(RankBets, RefuseAStateThatIsNotOfTheirSample) {
  RankBets made({30, 40, 30}, 9);
  for (int i = 0; i < 120; ++i) made.add(1);
  const auto refusal = [&](const std::function<void(RankBetsState&)>& spoil) {
    RankBetsState state = made.state();
    spoil(state);
    return message_of(Code::kFailedPrecondition, [&] { RankBets({30, 40, 30}, 9, state); });
  };
  EXPECT_NE(refusal([](RankBetsState& state) { state.seen.pop_back(); }).find("number of cells"), std::string::npos);
  EXPECT_NE(refusal([](RankBetsState& state) { state.seen[0] = -1; }).find("negative"), std::string::npos);
  EXPECT_NE(refusal([](RankBetsState& state) { state.seen[0] = 5; }).find("ranks"), std::string::npos);
  EXPECT_NE(refusal([](RankBetsState& state) { state.bettors.pop_back(); }).find("too few bets"), std::string::npos);
  EXPECT_NE(refusal([](RankBetsState& state) { state.bettors[1].start = 7; }).find("other bets"), std::string::npos);
  EXPECT_NE(refusal([](RankBetsState& state) { state.bettors[0].log_wealth[0] = std::nan(""); }).find("no number"),
            std::string::npos);
  EXPECT_NE(refusal([](RankBetsState& state) { state.log_peak = std::nan(""); }).find("peak"), std::string::npos);
}

}  // namespace
}  // namespace sooner
