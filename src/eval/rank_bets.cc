#include "eval/rank_bets.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/rng.h"

namespace sooner {
namespace {

// Bettors after the first begin at 100 values, 125, 157, …: seldom enough to be cheap, and yet no difference is mixed
// with more than a quarter as many values before it.
constexpr int64_t kSecondStart = 100;

int64_t start_after(int64_t start) { return start == 0 ? kSecondStart : start + (start + 3) / 4; }

// Shares that the bettors after the first have of what it left: 1/2, 1/6, 1/12, …; all of them together 1.
double later_share(size_t bettor) {
  const auto i = static_cast<double>(bettor);
  return (1 - kFirstBettorsShare) / (i * (i + 1));
}

}  // namespace

RankBets::RankBets(std::vector<int64_t> sample, uint64_t seed, std::optional<RankBetsState> state)
    : sample_(std::move(sample)), seed_(seed) {
  ranked_ = std::accumulate(sample_.begin(), sample_.end(), int64_t{0});
  betting_ = ranked_ > 0 && sample_.size() > 1;
  state_.seen.assign(sample_.size(), 0);
  if (state) {
    const auto fail_state = [](std::string_view why) {
      fail(Code::kFailedPrecondition, "[rank bets] the state does not fit its sample: {}", why);
    };
    state_ = std::move(*state);
    if (state_.seen.size() != sample_.size()) fail_state("another number of cells");
    for (const int64_t count : state_.seen) {
      if (count < 0) fail_state("a negative count");
      values_ += count;
    }
    int64_t start = 0;
    for (const RankBettor& bettor : state_.bettors) {
      if (bettor.start != start) fail_state("other bets");
      if (std::accumulate(bettor.ranks.begin(), bettor.ranks.end(), int64_t{0}) != values_ - start) {
        fail_state("ranks that are not of its values");
      }
      if (!std::ranges::all_of(bettor.log_wealth, [](double log) { return std::isfinite(log); })) {
        fail_state("no number for what a bet is worth");
      }
      start = start_after(start);
    }
    if (betting() && (start < values_ || (state_.bettors.empty() && values_ > 0))) fail_state("too few bets");
    if (!std::isfinite(state_.log_peak)) fail_state("no number for its peak");
  }
  ranked_ += values_;
  settle();
}

size_t RankBets::rank_bin(size_t cell) const {
  int64_t below = 0;
  for (size_t i = 0; i < cell; ++i) below += sample_[i] + state_.seen[i];
  Rng rng({seed_, static_cast<uint64_t>(values_)});
  const double rank =
      (static_cast<double>(below) + rng.uniform() * static_cast<double>(sample_[cell] + state_.seen[cell])) /
      static_cast<double>(ranked_);
  return static_cast<size_t>(std::ranges::upper_bound(kRankEdges, rank) - kRankEdges.begin());
}

void RankBets::add(size_t cell) {
  if (betting()) {
    const int64_t next = state_.bettors.empty() ? 0 : start_after(state_.bettors.back().start);
    if (values_ == next) state_.bettors.push_back({.start = next});
  }
  ++state_.seen[cell];
  ++values_;
  ++ranked_;
  if (!betting()) return;
  const size_t bin = rank_bin(cell);
  const double width = rank_width(bin);
  for (RankBettor& bettor : state_.bettors) {
    const auto counted = static_cast<double>(values_ - 1 - bettor.start);
    for (size_t a = 0; a < kBetConcentrations.size(); ++a) {
      const double prior = kBetConcentrations[a];
      // Its forecast for this bin against the bin's width.
      const double forecast = (static_cast<double>(bettor.ranks[bin]) + prior * width) / (counted + prior);
      bettor.log_wealth[a] += std::log(forecast / width);
    }
    ++bettor.ranks[bin];
  }
  settle();
}

void RankBets::settle() {
  double largest = 0;
  for (const RankBettor& bettor : state_.bettors) largest = std::max(largest, std::ranges::max(bettor.log_wealth));
  // What nobody has bet yet is worth what it was.
  double kept = 1;
  double sum = 0;
  for (size_t i = 0; i < state_.bettors.size(); ++i) {
    const double share = i == 0 ? kFirstBettorsShare : later_share(i);
    kept -= share;
    for (const double log : state_.bettors[i].log_wealth) {
      sum += share / static_cast<double>(kBetConcentrations.size()) * std::exp(log - largest);
    }
  }
  log_wealth_ = largest + std::log(sum + std::max(kept, 0.0) * std::exp(-largest));
  state_.log_peak = std::max(state_.log_peak, log_wealth_);
}

}  // namespace sooner
