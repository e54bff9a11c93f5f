// Choosing thresholds as choosing cuts: at each early exit the samples stand in order of their scores, in groups of
// equal score, and a cut says how many groups leave. Finds the best two cuts exactly while everything else stands
// still; accuracy_drop.cc builds its search on that.
//
// Shapes below: N = samples, M = early exits (K-1).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "tune/tables/prefix_tree.h"
#include "tune/tables/score_table.h"

namespace sooner {

// Of samples that no threshold lets go.
inline constexpr int32_t kNoGroup = std::numeric_limits<int32_t>::max();

// Immutable. Savings are against sending everybody to the last exit; so are gains in quality, which are whole multiples
// of a step that is a power of two: a right answer is one exactly, and a number's error is off by less than 2^-28 of
// the largest difference, to the safe side.
struct CutProblem {
  // drop: of the mean quality, that may be lost.
  CutProblem(const ScoreTable& table, double drop);

  [[nodiscard]] size_t exits() const { return saving.size(); }
  // The last group to leave sets the threshold; cut 0 is +inf. cuts: [M].
  [[nodiscard]] std::vector<double> thresholds(std::span<const int32_t> cuts) const;

  size_t samples = 0;                            // N
  int64_t allowance = 0;                         // steps that may be lost in sum
  std::vector<std::vector<int32_t>> order = {};  // [M][N], samples, surest first
  std::vector<std::vector<int32_t>> group =
      {};  // [M][N], 0 is the surest; a sample leaves iff group < cut; kNoGroup: never
  std::vector<std::vector<double>> score = {};  // [M][groups]
  std::vector<double> saving = {};              // [M], C_K - C_k
  std::vector<std::vector<int32_t>> gain = {};  // [M][N], steps: quality at the exit minus that at the last one
};

// What a choice of cuts brings, summed over samples.
struct CutValue {
  double saving = 0;
  int64_t gain = 0;
};
CutValue value_of(const CutProblem& problem, std::span<const int32_t> cuts);

// Which of the two exits of a sweep a sample may reach.
enum class Reach : uint8_t { kNeither, kFirstOnly, kBoth };

// A sweep over one exit's cuts, with the best cut of a later exit for each of them: exact, N log N.
class CutSweep {
 public:
  struct Best {
    CutValue value = {};
    int32_t first_cut = 0;
    int32_t second_cut = 0;
  };
  // What does not depend on the two cuts.
  struct Setting {
    std::span<const Reach> reach = {};         // [N]
    std::span<const double> rest_saving = {};  // [N], what a sample brings when it leaves at neither exit; empty: 0
    std::span<const int32_t> rest_gain = {};   // [N]
    CutValue start = {};                       // of everybody, when nobody leaves at the two exits
  };

  explicit CutSweep(const CutProblem& problem) : problem_(&problem), place_(problem.samples) {}

  // The largest saving above `floor` among the pairs of cuts whose gain is at least -allowance, nothing when there is
  // none. Of equal savings the larger gain. REQUIRES: first < second, or first == second for a single exit (reach
  // kBoth or kNeither then).
  std::optional<Best> run(size_t first, size_t second, const Setting& setting, double floor);

 private:
  void fill_tree(size_t second, const Setting& setting);

  const CutProblem* problem_;
  PrefixTree tree_;
  std::vector<int32_t> place_;     // [N], in the tree
  std::vector<int32_t> last_cut_;  // by place: the cut that takes it and all before it
};

// Savings closer than this (summed over N samples) count as equal.
inline double saving_tolerance(const CutProblem& problem) { return 1e-9 * static_cast<double>(problem.samples); }

}  // namespace sooner
