// Do values that keep coming look like a sample taken before? Money bet that they do not, which anybody may look at
// after every value: 1 at the start, it reaches 1/a with probability a at most, ever, while there is no difference
// (Ville 1939).
//
// Each value is ranked among the sample and the values before it, ties broken at random. Without a difference, that is
// while all of them are exchangeable, these ranks are independent and uniform, however small the sample is (Vovk,
// Gammerman and Shafer 2005, "Algorithmic learning in a random world", chapter 8). Bets pay where ranks crowd:
// Dirichlet mixtures over bins of the rank, for large differences and small ones, begun at many places, for a
// difference may begin late. Values join the sample that later ones are ranked among, so what lasts is noticed while it
// is new.
//
// Knows cells, not what they mean; a difference within a cell is not seen. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sooner {

// Between bins of the rank: eighths, and a narrow bin at either end for values beyond all the sample's. The same for
// every sample: bins made from the sample would know what ranks must not depend on.
inline constexpr std::array<double, 9> kRankEdges{1.0 / 32, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 31.0 / 32};
inline constexpr size_t kRankBins = kRankEdges.size() + 1;
// Of bin i, which begins where the one before it ends: as the rank ranges over (0, 1), they sum to 1.
constexpr double rank_width(size_t bin) {
  return (bin < kRankEdges.size() ? kRankEdges[bin] : 1) - (bin == 0 ? 0 : kRankEdges[bin - 1]);
}

// Of the mixtures' priors, as a number of ranks: the more, the smaller the differences that a bet is for.
inline constexpr std::array<double, 3> kBetConcentrations{8, 64, 512};

// Bets on the ranks of the values from `start` on.
struct RankBettor {
  int64_t start = 0;                          // how many values there were before
  std::array<int64_t, kRankBins> ranks = {};  // counts
  std::array<double, kBetConcentrations.size()> log_wealth = {};
  bool operator==(const RankBettor&) const = default;
};

// Everything that values have left behind.
struct RankBetsState {
  std::vector<int64_t> seen = {};  // [cells], values so far
  std::vector<RankBettor> bettors = {};
  double log_peak = 0;  // the largest log wealth so far
  bool operator==(const RankBetsState&) const = default;
};

class RankBets {
 public:
  // sample: [cells], counts. seed: of the draws that break ties; the same values then give the same wealth. state: of
  // an object made of the same sample, which this one goes on from. Throws kFailedPrecondition for one that cannot be.
  RankBets(std::vector<int64_t> sample, uint64_t seed, std::optional<RankBetsState> state = {});

  // REQUIRES: a cell of the sample.
  void add(size_t cell);

  // False where the sample is empty or has one cell: there is nothing to rank, and the wealth stays 1.
  [[nodiscard]] bool betting() const { return betting_; }
  [[nodiscard]] double log_wealth() const { return log_wealth_; }
  [[nodiscard]] int64_t values() const { return values_; }
  [[nodiscard]] const std::vector<int64_t>& sample() const { return sample_; }
  [[nodiscard]] const RankBetsState& state() const { return state_; }

 private:
  [[nodiscard]] size_t rank_bin(size_t cell) const;
  void settle();

  std::vector<int64_t> sample_;
  uint64_t seed_;
  RankBetsState state_;
  bool betting_ = false;
  int64_t values_ = 0;
  int64_t ranked_ = 0;  // sample and values
  double log_wealth_ = 0;
};

// Of what the bettor has who begins with the first value: the others share the rest.
inline constexpr double kFirstBettorsShare = 0.5;

}  // namespace sooner
