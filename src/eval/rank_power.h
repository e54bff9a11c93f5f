// How small a difference rank bets find, and how soon: a normal approximation to what the bettor who begins with the
// first value wins, which rank_power_test.cc holds against simulations. The others' bets add to it.
//
// The difference is a shift: so many values move from the lower cells to the upper ones, or back, from the first value
// on and for good, from each cell in proportion to what it has. The cut between lower and upper lies near the middle,
// where a shift of its size is hardest to see.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace sooner {

struct RankTest {
  double cut = 0.5;       // share of the sample that lies in the lower cells, in (0, 1)
  int64_t sample = 0;     // how many values are ranked among
  double log_wanted = 0;  // the log wealth that counts as found
  double power = 0.9;     // how surely, in (0, 1)
};

// The share of a sample, [cells], below the cut between cells that lies nearest to the middle; 0 where it lies in one
// cell.
double middle_cut(std::span<const int64_t> sample);

// The least shift, to 1e-4, that is found within so many values; nothing where none is. A shift counts
// as found when both ways are, or the one way that has so many to give.
std::optional<double> found_shift(const RankTest& test, int64_t values);

// How many values it takes to find this shift, at most a tenth too many; nothing where the sample is too small for any
// number.
std::optional<int64_t> values_to_find(const RankTest& test, double shift);

}  // namespace sooner
