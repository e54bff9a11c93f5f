#include "tune/choosing/accuracy_drop.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>

#include "core/error.h"
#include "tune/choosing/cut_problem.h"

namespace sooner {
namespace {

struct Incumbent {
  std::vector<int32_t> cuts = {};  // [M]
  CutValue value = {};
};

// A set of choices: each outer exit's cut lies in [low, high].
struct Box {
  std::vector<int32_t> low = {};
  std::vector<int32_t> high = {};
  double bound = 0;    // no choice in the box saves more
  int64_t number = 0;  // of its making; settles ties, so that the search is the same everywhere
  bool operator<(const Box& other) const { return bound != other.bound ? bound < other.bound : number > other.number; }
};

class Search {
 public:
  Search(const CutProblem& problem, int64_t most_steps)
      : problem_(problem), sweep_(problem), most_steps_(most_steps), reach_(problem.samples) {
    best_.cuts.assign(problem.exits(), 0);
  }

  // Small problems whole, larger ones until nothing better can exist or the steps are used up.
  void run() {
    const size_t exits = problem_.exits();
    if (exits == 0) return;
    if (exits <= 2) {
      reach_.assign(problem_.samples, Reach::kBoth);
      adopt(sweep_.run(0, exits - 1, {.reach = reach_}, -1.0), {});
      return;
    }
    start_from_equal_cuts();
    branch_and_bound();
  }

  [[nodiscard]] const Incumbent& best() const { return best_; }
  // Per sample.
  [[nodiscard]] double gap() const { return gap_ / static_cast<double>(problem_.samples); }

 private:
  [[nodiscard]] size_t outer() const { return problem_.exits() - 2; }

  // Takes over what a sweep of the last two exits found behind the given outer cuts.
  void adopt(const std::optional<CutSweep::Best>& found, std::span<const int32_t> outer_cuts) {
    if (!found) return;
    best_.cuts.assign(outer_cuts.begin(), outer_cuts.end());
    if (problem_.exits() > 1) best_.cuts.push_back(found->first_cut);
    best_.cuts.push_back(found->second_cut);
    best_.value = found->value;
  }

  // Local search: any two cuts at a time, exactly, until no pair helps.
  void improve(Incumbent candidate) {
    const double tolerance = saving_tolerance(problem_);
    bool better = true;
    while (better) {
      better = false;
      for (size_t first = 0; first + 1 < problem_.exits(); ++first) {
        for (size_t second = first + 1; second < problem_.exits(); ++second)
          better |= improve_pair(candidate, first, second);
      }
    }
    if (candidate.value.saving > best_.value.saving + tolerance) best_ = candidate;
  }

  bool improve_pair(Incumbent& candidate, size_t first, size_t second) {
    std::vector<double> rest_saving(problem_.samples, 0.0);
    std::vector<int32_t> rest_gain(problem_.samples, 0);
    CutValue start;
    for (size_t n = 0; n < problem_.samples; ++n) {
      reach_[n] = Reach::kBoth;
      for (size_t k = 0; k < problem_.exits(); ++k) {
        if (k == first || k == second || problem_.group[k][n] >= candidate.cuts[k]) continue;
        rest_saving[n] = problem_.saving[k];
        rest_gain[n] = problem_.gain[k][n];
        if (k < second) reach_[n] = k < first ? Reach::kNeither : Reach::kFirstOnly;
        break;
      }
      start.saving += rest_saving[n];
      start.gain += rest_gain[n];
    }
    const double floor = candidate.value.saving + saving_tolerance(problem_);
    const auto found = sweep_.run(
        first, second, {.reach = reach_, .rest_saving = rest_saving, .rest_gain = rest_gain, .start = start}, floor);
    if (!found) return false;
    candidate.cuts[first] = found->first_cut;
    candidate.cuts[second] = found->second_cut;
    candidate.value = found->value;
    return true;
  }

  // From nobody leaving, and from the same fraction leaving at every exit as far as the allowance goes.
  void start_from_equal_cuts() {
    improve(best_);
    for (const double fraction : {0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}) {
      Incumbent candidate;
      for (size_t k = 0; k < problem_.exits(); ++k) {
        candidate.cuts.push_back(static_cast<int32_t>(fraction * static_cast<double>(problem_.score[k].size())));
      }
      candidate.value = value_of(problem_, candidate.cuts);
      if (candidate.value.gain >= -problem_.allowance) improve(candidate);
    }
  }

  struct Bound {
    double saving = 0;   // no choice in the box saves more; 0 when none saves more than the incumbent
    size_t widest = 0;   // the outer exit where most samples' fate is open
    bool exact = false;  // nothing was open: `found` is real
    std::optional<CutSweep::Best> found = {};
  };

  // Samples whose outer fate is open get the largest saving and, at the same time, the largest gain they could have;
  // the last two exits are solved exactly for the samples that surely reach them.
  Bound bound_of(const Box& box) {
    const size_t outer_exits = outer();
    std::vector<int64_t> open(outer_exits, 0);
    CutValue start;
    for (size_t n = 0; n < problem_.samples; ++n) {
      reach_[n] = Reach::kBoth;
      bool is_open = false;
      int32_t most_gain = 0;
      for (size_t k = 0; k < outer_exits; ++k) {
        const int32_t group = problem_.group[k][n];
        if (group >= box.high[k]) continue;
        if (!is_open) start.saving += problem_.saving[k];
        most_gain = is_open ? std::max(most_gain, problem_.gain[k][n]) : problem_.gain[k][n];
        reach_[n] = Reach::kNeither;
        is_open = group >= box.low[k];
        if (!is_open) break;
        ++open[k];
      }
      if (reach_[n] == Reach::kBoth) continue;
      if (is_open) {
        for (size_t k = outer_exits; k < problem_.exits(); ++k) most_gain = std::max(most_gain, problem_.gain[k][n]);
        most_gain = std::max(most_gain, 0);
      }
      start.gain += most_gain;
    }
    steps_ += static_cast<int64_t>(problem_.samples);
    Bound bound;
    const auto widest = std::max_element(open.begin(), open.end());
    bound.widest = static_cast<size_t>(widest - open.begin());
    bound.exact = *widest == 0;
    bound.found = sweep_.run(outer_exits, outer_exits + 1, {.reach = reach_, .start = start},
                             best_.value.saving + saving_tolerance(problem_));
    if (bound.found) bound.saving = bound.found->value.saving;
    return bound;
  }

  void consider(Box box) {
    const Bound bound = bound_of(box);
    if (!bound.found) return;
    if (bound.exact) {
      Incumbent candidate{.cuts = box.low, .value = bound.found->value};
      candidate.cuts.push_back(bound.found->first_cut);
      candidate.cuts.push_back(bound.found->second_cut);
      best_ = candidate;
      return;
    }
    box.bound = std::min(box.bound, bound.saving);
    box.number = made_++;
    widest_.push_back(bound.widest);
    boxes_.push(std::move(box));
  }

  void branch_and_bound() {
    Box all;
    for (size_t k = 0; k < outer(); ++k) {
      all.low.push_back(0);
      all.high.push_back(static_cast<int32_t>(problem_.score[k].size()));
    }
    all.bound = static_cast<double>(problem_.samples) * problem_.saving[0];
    consider(all);
    while (!boxes_.empty() && boxes_.top().bound > best_.value.saving + saving_tolerance(problem_)) {
      if (steps_ >= most_steps_) {
        gap_ = boxes_.top().bound - best_.value.saving;
        return;
      }
      Box left = boxes_.top();
      boxes_.pop();
      Box right = left;
      const size_t exit = widest_[static_cast<size_t>(left.number)];
      const int32_t middle = left.low[exit] + (left.high[exit] - left.low[exit]) / 2;
      left.high[exit] = middle;
      right.low[exit] = middle + 1;
      consider(std::move(left));
      consider(std::move(right));
    }
  }

  const CutProblem& problem_;
  CutSweep sweep_;
  int64_t most_steps_;
  int64_t steps_ = 0;
  Incumbent best_;
  double gap_ = 0;
  std::vector<Reach> reach_;  // [N]
  std::priority_queue<Box> boxes_;
  std::vector<size_t> widest_;  // by box number: where to split
  int64_t made_ = 0;
};

// Of one set of dropped exits.
struct Found {
  std::vector<double> thresholds = {};  // [K-1] of the whole table; +inf at the exits dropped
  Outcome expected = {};                // with every head that nobody leaves by skipped
  double least = 0;                     // no choice that drops these exits, and pays all others' heads, costs less
};

bool better(const Outcome& one, const Outcome& other) {
  constexpr double kSame = 1e-12;
  if (std::abs(one.cost - other.cost) > kSame) return one.cost < other.cost;
  return one.quality > other.quality;
}

// The best thresholds at the exits that are not dropped, whose heads are all paid.
Found search_without(const ScoreTable& table, const std::vector<bool>& dropped, double drop, int64_t most_steps) {
  ScoreTable kept{.samples = table.samples};
  double unpaid = 0;
  for (size_t k = 0; k < table.scores.size(); ++k) {
    if (k < dropped.size() && dropped[k]) {
      unpaid += table.head_cost[k];
      continue;
    }
    kept.scores.push_back(table.scores[k]);
    kept.quality.push_back(table.quality[k]);
    kept.exit_cost.push_back(table.exit_cost[k] - unpaid);
  }
  kept.exits = static_cast<int32_t>(kept.scores.size());
  const CutProblem problem(kept, drop);
  Search search(problem, most_steps);
  search.run();
  const std::vector<double> chosen = problem.thresholds(search.best().cuts);
  Found found{.least = outcome(kept, chosen).cost - search.gap()};
  for (size_t k = 0, next = 0; k < dropped.size(); ++k) {
    found.thresholds.push_back(dropped[k] ? std::numeric_limits<double>::infinity() : chosen[next++]);
  }
  found.thresholds = centred(table, found.thresholds);
  found.expected = outcome(table, found.thresholds);
  return found;
}

// Up to so many early exits every set of them is tried.
constexpr size_t kFewExits = 4;

// Skipping heads pays: tries sets of exits to drop. `least`: no choice at all costs less.
Found search_sets(const ScoreTable& table, double drop, int64_t most_steps, double& least) {
  const auto early = static_cast<size_t>(table.exits - 1);
  if (early <= kFewExits) {
    const size_t sets = size_t{1} << early;
    Found best;
    least = std::numeric_limits<double>::infinity();
    for (size_t set = 0; set < sets; ++set) {
      std::vector<bool> dropped(early);
      for (size_t k = 0; k < early; ++k) dropped[k] = ((set >> k) & 1U) != 0;
      Found found = search_without(table, dropped, drop, most_steps / static_cast<int64_t>(sets));
      least = std::min(least, found.least);
      if (set == 0 || better(found.expected, best.expected)) best = std::move(found);
    }
    return best;
  }
  // One after another, those first that fewest leave by, as long as it helps.
  const int64_t share = most_steps / static_cast<int64_t>(early + 2);
  std::vector<bool> dropped(early);
  Found best = search_without(table, dropped, drop, share);
  std::vector<size_t> order(early);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t k) { return best.expected.shares[k]; });
  for (const size_t k : order) {
    dropped[k] = true;
    Found found = search_without(table, dropped, drop, share);
    dropped[k] = better(found.expected, best.expected);
    if (dropped[k]) best = std::move(found);
  }
  // Cheaper than any choice: all exits stay, and nobody pays for the heads before the one it leaves by.
  ScoreTable unpaid = table;
  unpaid.head_cost.clear();
  double heads = 0;
  for (size_t k = 0; k < unpaid.exit_cost.size(); ++k) {
    unpaid.exit_cost[k] -= heads;
    heads += table.head_cost[k];
  }
  least = search_without(unpaid, std::vector<bool>(early), drop, share).least;
  return best;
}

}  // namespace

ThresholdChoice choose_by_accuracy_drop(const ScoreTable& table, double drop, const AccuracyDropOptions& options) {
  if (!(drop >= 0) || !std::isfinite(drop)) {
    fail(Code::kInvalidArgument, "[tune] got a drop of {}, expected a number from 0", drop);
  }
  if (table.samples < 1) fail(Code::kInvalidArgument, "[tune] got no samples, expected at least 1");
  ThresholdChoice choice;
  const bool skips = std::ranges::any_of(table.head_cost, [](double cost) { return cost > 0; });
  if (!skips) {
    const CutProblem problem(table, drop);
    Search search(problem, options.most_steps);
    search.run();
    choice.thresholds = centred(table, problem.thresholds(search.best().cuts));
    choice.expected = outcome(table, choice.thresholds);
    choice.optimality_gap = search.gap();
    return choice;
  }
  double least = 0;
  Found best = search_sets(table, drop, options.most_steps, least);
  choice.thresholds = std::move(best.thresholds);
  choice.expected = std::move(best.expected);
  // Sums of the same costs in another order are equal.
  const double gap = choice.expected.cost - least;
  choice.optimality_gap = gap > 1e-9 ? gap : 0;
  return choice;
}

}  // namespace sooner
